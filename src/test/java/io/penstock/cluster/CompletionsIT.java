package io.penstock.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.cluster.Cluster.Node;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two JVMs before engines without a scheduler: completions of both nodes in one call. */
class CompletionsIT {
  /** Of an answer that is still being written when the test has seen that it is. */
  private static final int LONG_TOKENS = 1_000;

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @TempDir Path folder;
  private Cluster cluster;
  private int busy;

  private void start(int replicas, int maxBatchSize) {
    cluster =
        new Cluster(
            folder,
            2,
            replicas,
            50,
            "h100-llama-3.1-8b-static",
            new JsonObject().put("auth", "none"),
            new JsonObject()
                .put("engine", "openai")
                .put("batching", "gateway")
                .put("max_batch_size", maxBatchSize)
                .put("batch_timeout_ms", 30_000));
  }

  @AfterEach
  void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  private static JsonObject body(String prompt, int tokens, boolean stream) {
    return new JsonObject()
        .put("model", Cluster.MODEL)
        .put("prompt", prompt)
        .put("max_tokens", tokens)
        .put("stream", stream);
  }

  private static HttpRequest request(String address, JsonObject body) {
    return HttpRequest.newBuilder(URI.create(address + "/v1/completions"))
        .timeout(Cluster.SOON)
        .POST(HttpRequest.BodyPublishers.ofString(body.encode()))
        .build();
  }

  private CompletableFuture<HttpResponse<String>> ask(Node node, JsonObject body) {
    return http.sendAsync(
        request("http://127.0.0.1:" + node.httpPort, body), HttpResponse.BodyHandlers.ofString());
  }

  /** Keeps a replica at work until the node is ended. */
  private void occupy(Node node) {
    ask(node, body("busy", 1, false).put("sim_fault", "silent"));
    received(++busy);
  }

  private void received(long calls) {
    cluster
        .owner()
        .process
        .await(calls + " calls", Cluster.SOON, () -> cluster.engines("received") == calls);
  }

  /** What the engine says to one that asks it itself. */
  private String alone(JsonObject body) {
    JsonObject plain = body.copy();
    plain.remove("stream");
    return text(
        http.sendAsync(request(cluster.engineUrl(0), plain), HttpResponse.BodyHandlers.ofString())
            .join());
  }

  /** The text of a whole answer, streamed or not, of one choice with index 0. */
  private static String text(HttpResponse<String> response) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    if (!response.body().startsWith("data:")) {
      return new JsonObject(response.body())
          .getJsonArray("choices")
          .getJsonObject(0)
          .getString("text");
    }
    return streamedText(response.body());
  }

  private static String streamedText(String body) {
    assertThat(body).endsWith("data: [DONE]\n\n");
    StringBuilder text = new StringBuilder();
    for (String frame : body.split("\n\n")) {
      if (!frame.equals("data: [DONE]") && !frame.startsWith(":")) {
        JsonArray choices = new JsonObject(frame.substring(6)).getJsonArray("choices");
        assertThat(choices).hasSize(1);
        assertThat(choices.getJsonObject(0).getInteger("index")).isZero();
        text.append(choices.getJsonObject(0).getString("text"));
      }
    }
    return text.toString();
  }

  /** Reads up to the first frame's end; comments may come before it. */
  private static String firstFrame(InputStream body) throws IOException {
    ByteArrayOutputStream read = new ByteArrayOutputStream();
    String text = "";
    while (!text.endsWith("\n\n") || !text.contains("data:")) {
      int next = body.read();
      assertThat(next).as("a byte after " + text).isNotNegative();
      read.write(next);
      text = read.toString(StandardCharsets.UTF_8);
    }
    return text;
  }

  @Test
  void lanesOfTwoNodesStreamedAndWholeAndOneThatLeaves() throws Exception {
    start(1, 7);
    occupy(cluster.node(0));
    List<JsonObject> bodies = new ArrayList<>();
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      bodies.add(body("text " + i, 20 + 40 * i, i % 3 != 0));
      asked.add(ask(cluster.node(i % 2), bodies.get(i)));
    }
    HttpResponse<InputStream> leaves =
        http.sendAsync(
                request(
                    "http://127.0.0.1:" + cluster.node(1).httpPort, body("leaves", 3_000, true)),
                HttpResponse.BodyHandlers.ofInputStream())
            .join();
    received(busy + 1);
    assertThat(leaves.body().read()).isEqualTo('d');
    leaves.body().close();
    for (int i = 0; i < 6; i++) {
      HttpResponse<String> response = asked.get(i).orTimeout(2, TimeUnit.MINUTES).join();
      assertThat(text(response)).as("text " + i).isEqualTo(alone(bodies.get(i)));
      if (i % 3 == 0) {
        assertThat(
                new JsonObject(response.body())
                    .getJsonObject("usage")
                    .getInteger("completion_tokens"))
            .isEqualTo(20 + 40 * i);
      }
    }
    assertThat(cluster.engines("received")).as("one call for seven").isEqualTo(busy + 1 + 6);
    cluster
        .node(0)
        .process
        .await(
            "nobody reads on, so the engine does not go on",
            Cluster.SOON,
            () -> cluster.engines("cancelled") == 1);
    assertThat(cluster.engines("tokens_generated")).as("not to its end").isLessThan(3_000);
    for (int i = 0; i < 2; i++) {
      Node node = cluster.node(i);
      node.process.await(
          "nothing is held",
          Cluster.SOON,
          () ->
              Cluster.metric(node, "penstock_requests_in_flight")
                  == (node == cluster.node(0) ? 1 : 0));
    }
  }

  @Test
  void streamsGoOnAndWholeAnswersComeWhenTheNodeOfTheCallIsKilled() throws IOException {
    start(2, 5);
    Node owner = cluster.owner();
    Node host = owner == cluster.node(0) ? cluster.node(1) : cluster.node(0);
    occupy(owner);
    occupy(owner);
    CompletableFuture<HttpResponse<String>> first = ask(host, body("first", LONG_TOKENS, true));
    owner.process.await(
        "the first one waits",
        Cluster.SOON,
        () -> Cluster.metric(owner, "llm_request_queue_depth") == 1);
    List<CompletableFuture<HttpResponse<String>>> whole = new ArrayList<>();
    List<CompletableFuture<HttpResponse<InputStream>>> streamed = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      whole.add(ask(owner, body("whole " + i, LONG_TOKENS, false)));
      streamed.add(
          http.sendAsync(
              request(
                  "http://127.0.0.1:" + owner.httpPort, body("streamed " + i, LONG_TOKENS, true)),
              HttpResponse.BodyHandlers.ofInputStream()));
    }
    received(busy + 1);
    List<String> begun = new ArrayList<>();
    for (CompletableFuture<HttpResponse<InputStream>> stream : streamed) {
      begun.add(firstFrame(stream.orTimeout(1, TimeUnit.MINUTES).join().body()));
    }
    host.process.kill();
    for (int i = 0; i < 2; i++) {
      HttpResponse<String> response = whole.get(i).orTimeout(2, TimeUnit.MINUTES).join();
      assertThat(text(response))
          .as("whole " + i)
          .isEqualTo(alone(body("whole " + i, LONG_TOKENS, false)));
      String rest =
          new String(streamed.get(i).join().body().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(streamedText(begun.get(i) + rest))
          .as("streamed " + i)
          .isEqualTo(alone(body("streamed " + i, LONG_TOKENS, true)));
    }
    assertThat(first.handle((answer, broken) -> broken).join()).isNotNull();
    owner.process.await(
        "each is settled, once",
        Cluster.SOON,
        () -> Cluster.metric(owner, "penstock_requests_in_flight") == busy);
    assertThat(Cluster.metric(owner, "penstock_resumes_total")).isEqualTo(2);
  }
}
