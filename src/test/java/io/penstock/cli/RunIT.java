package io.penstock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.cluster.PenstockProcess;
import io.penstock.fake.Ports;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** {@code penstock run} as a user meets it: the jar, its output, its signals, its exit code. */
class RunIT {
  private static final Duration SOON = Duration.ofMinutes(2);
  private static final Duration BEFORE_ITS_DRAIN_ENDS = Duration.ofSeconds(20);
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private static int enginePort;
  private static PenstockProcess engine;

  @BeforeAll
  static void startEngine() {
    enginePort = Ports.free();
    engine =
        PenstockProcess.start(
            Map.of(),
            "engine-sim",
            "--port",
            Integer.toString(enginePort),
            "--model",
            "river-8b",
            "--profile",
            "h100-llama-3.1-8b");
    engine.await("serving", SOON, () -> PenstockProcess.status(enginePort, "/health") == 200);
  }

  @AfterAll
  static void stopEngine() {
    engine.terminate();
    assertThat(engine.exitCode(SOON)).isZero();
  }

  @Test
  void theBannersCurlLineWorksAndTermEndsWithZero() throws Exception {
    int port = Ports.free();
    try (PenstockProcess node = run(port)) {
      node.awaitReady(port);
      node.await("its banner", SOON, () -> node.output().contains("Ctrl-C"));
      Matcher line = Pattern.compile("(?m)^ {2}(curl .*)$").matcher(node.output());
      assertThat(line.find()).as(node.output()).isTrue();

      Process curl = new ProcessBuilder("sh", "-c", line.group(1) + " -s").start();
      String answer = new String(curl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

      assertThat(answer).startsWith("data: {").endsWith("data: [DONE]\n\n");
      node.await("its access line", SOON, () -> node.output().contains("\"outcome\":\"ok\""));
      node.terminate();
      assertThat(node.exitCode(SOON)).as(node.output()).isZero();
    }
  }

  @Test
  void aLiveStreamFinishesAfterTerm() throws Exception {
    int port = Ports.free();
    try (PenstockProcess node = run(port)) {
      node.awaitReady(port);
      try (BufferedReader lines = stream(port, 100)) {
        node.terminate();

        assertThat(lines.lines().filter(line -> line.startsWith("data: ")))
            .last()
            .isEqualTo("data: [DONE]");
      }
      assertThat(node.exitCode(SOON)).as(node.output()).isZero();
    }
  }

  @Test
  void aSecondSignalEndsItAtOnce() throws Exception {
    int port = Ports.free();
    try (PenstockProcess node = run(port)) {
      node.awaitReady(port);
      try (BufferedReader lines = stream(port, 10_000)) {
        assertThat(lines.readLine()).startsWith("data: ");
        node.terminate();
        node.await("draining", SOON, () -> PenstockProcess.status(port, "/health/ready") == 503);
        node.terminate();

        assertThat(node.exitCode(BEFORE_ITS_DRAIN_ENDS)).isEqualTo(ExitCode.FAILED);
      }
    }
  }

  @Test
  void aPortInUseIsOneSentence() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      PenstockProcess node = run(taken.getLocalPort());

      assertThat(node.exitCode(SOON)).isEqualTo(ExitCode.FAILED);
      node.close();
      assertThat(node.output())
          .isEqualTo(
              "penstock run: the HTTP port "
                  + taken.getLocalPort()
                  + " on 127.0.0.1 can not be opened: Address already in use (expected: a free port"
                  + " on an address of this machine)");
    }
  }

  private static PenstockProcess run(int port) {
    return PenstockProcess.start(
        Map.of(),
        "run",
        "--port",
        Integer.toString(port),
        "--backend",
        "http://127.0.0.1:" + enginePort);
  }

  private static BufferedReader stream(int port, int tokens) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/v1/chat/completions"))
            .header("content-type", "application/json")
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    "{\"model\":\"river-8b\",\"stream\":true,\"ignore_eos\":true,\"max_tokens\":"
                        + tokens
                        + ",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}"))
            .build();
    HttpResponse<InputStream> answer =
        HTTP.send(request, HttpResponse.BodyHandlers.ofInputStream());
    assertThat(answer.statusCode()).isEqualTo(200);
    return new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8));
  }
}
