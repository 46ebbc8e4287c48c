package io.penstock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

@Timeout(60)
class LoadCommandTest {
  private static final String STREAM =
      "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n"
          + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2}}\n\n";

  private static Vertx vertx;
  private static HttpServer server;

  @TempDir Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  /** Whole streams below /ok, streams without an end below /cut. */
  @BeforeAll
  static void startServer() {
    vertx = Vertx.vertx();
    server =
        vertx
            .createHttpServer()
            .requestHandler(
                request ->
                    request
                        .response()
                        .putHeader("content-type", "text/event-stream")
                        .end(
                            STREAM + (request.path().startsWith("/ok") ? "data: [DONE]\n\n" : "")));
    server.listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().join();
  }

  @AfterAll
  static void stopServer() {
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }

  private static String url(String path) {
    return "http://127.0.0.1:" + server.actualPort() + path;
  }

  private int execute(String... args) {
    return new CommandLine(new LoadCommand())
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true))
        .execute(args);
  }

  private int load(String path, String... more) {
    String[] args =
        concat(more, "--model", "m", "--concurrency", "2", "--requests", "6", url(path));
    return execute(args);
  }

  private static String[] concat(String[] first, String... rest) {
    String[] all = Arrays.copyOf(first, first.length + rest.length);
    System.arraycopy(rest, 0, all, first.length, rest.length);
    return all;
  }

  @Test
  void zeroWhenEveryStreamWasWhole() {
    assertThat(load("/ok")).isZero();
    assertThat(out.toString()).containsPattern("(?m)^ok +6 +100\\.0 %$");
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void oneWhenAStreamWasNotUnlessErrorsAreAllowed() {
    assertThat(load("/cut")).isEqualTo(1);
    assertThat(out.toString()).containsPattern("(?m)^  without \\[DONE\\] +6 +100\\.0 %$");
    assertThat(load("/cut", "--allow-errors")).isZero();
  }

  @Test
  void oneWhenNobodyListens() {
    assertThat(execute("--concurrency", "1", "--requests", "1", "http://127.0.0.1:1")).isEqualTo(1);
    assertThat(err.toString())
        .startsWith("load: model: GET http://127.0.0.1:1/v1/models: refused")
        .contains("(expected: a list with a model, or --model NAME)");
  }

  @Test
  void writesJsonToAFileOrInsteadOfTheTable() throws IOException {
    Path file = folder.resolve("report.json");

    assertThat(load("/ok", "--json", file.toString(), "--goodput", "ttft=20s")).isZero();
    JsonObject report = new JsonObject(Files.readString(file));
    assertThat(report.getJsonObject("outcomes").getLong("ok")).isEqualTo(6);
    assertThat(report.getJsonObject("goodput").getDouble("share")).isEqualTo(1.0);
    assertThat(out.toString()).contains("goodput    100.0 %");

    out.getBuffer().setLength(0);
    assertThat(load("/ok", "--json", "-")).isZero();
    assertThat(new JsonObject(out.toString()).getBoolean("clean")).isTrue();
  }

  @Test
  void replaysATrace() throws IOException {
    Path trace = folder.resolve("t.csv");
    Files.writeString(trace, "t_s,input_tokens,output_tokens\n0,10,1\n0.2,10,1\n0.4,10,1\n");

    int code =
        execute(
            "--trace",
            trace.toString(),
            "--speed",
            "4",
            "--start",
            "100ms",
            "--model",
            "m",
            url("/ok"));

    assertThat(code).isZero();
    assertThat(out.toString()).contains("t.csv, its own arrivals, speed 4.0").contains("2 planned");
  }

  @Test
  void helpTeaches() {
    assertThat(execute("--help")).isZero();
    assertThat(out.toString())
        .contains("open loop", "penstock load --concurrency 8", "Exit codes: 0");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "http://x | trace: missing (expected: --trace FILE, or --rate R or --concurrency N)",
        "--rate 1 --concurrency 1 http://x | rate: given with --concurrency (expected: one of --rate (open loop) and --concurrency (closed loop))",
        "--rate -3 http://x | rate: -3.0 (expected: > 0 and <= 1000000)",
        "--rate 0 http://x | rate: 0.0 (expected: > 0 and <= 1000000)",
        "--rate NaN http://x | rate: NaN (expected: > 0 and <= 1000000)",
        "--concurrency 0 http://x | concurrency: 0 (expected: >= 1)",
        "--concurrency 9 --max-in-flight 8 http://x | concurrency: 9 (expected: <= --max-in-flight 8)",
        "--rate 1 --max-in-flight 0 http://x | max-in-flight: 0 (expected: 1..60000)",
        "--rate 1 --speed 2 http://x | speed: 2.0 (expected: only with the trace's own arrivals)",
        "--concurrency 1 --session-rate 2 http://x | session-rate: 2.0 (expected: only with the trace's own arrivals)",
        "--trace /nope.csv --speed 0 http://x | speed: 0.0 (expected: > 0 and <= 1000000)",
        "--trace /nope.csv --session-rate -1 http://x | session-rate: -1.0 (expected: > 0 and <= 1000000)",
        "--trace /nope.csv http://x | trace: /nope.csv (expected: a file that exists)",
        "--rate 1 --start 5s http://x | start: 5s (expected: only with --trace)",
        "--rate 1 --start soon http://x | start: 'soon' (expected: a duration such as 250ms, 1.5s, 2m or 1h)",
        "--rate 1 --duration 5 http://x | duration: '5' (expected: a duration such as 250ms, 1.5s, 2m or 1h)",
        "--rate 1 --duration 0s http://x | duration: 0ms (expected: > 0)",
        "--rate 1 --requests 0 http://x | requests: 0 (expected: >= 1)",
        "--rate 1 --timeout 0s http://x | timeout: 0ms (expected: 1ms..24h)",
        "--rate 1 --timeout 25h http://x | timeout: 25h (expected: 1ms..24h)",
        "--rate 1 --input-tokens 0 http://x | input-tokens: 0 (expected: 1..4000000)",
        "--rate 1 --output-tokens 0 http://x | output-tokens: 0 (expected: 1..4000000)",
        "--rate 1 --max-input 0 http://x | max-input: 0 (expected: 1..4000000)",
        "--rate 1 --max-output -1 http://x | max-output: -1 (expected: 1..4000000)",
        "--rate 1 --block-tokens 0 http://x | block-tokens: 0 (expected: 1..4000000)",
        "--rate 1 --endpoint embeddings http://x | endpoint: 'embeddings' (expected: chat or completions)",
        "--rate 1 --model= http://x | model: '' (expected: not blank)",
        "--rate 1 --header x http://x | header: 'x' (expected: name=value)",
        "--rate 1 --header =x http://x | header: '=x' (expected: name=value)",
        "--rate 1 --header a:b=x http://x | header: 'a:b' (expected: a header name)",
        "--rate 1 --goodput ttft http://x | goodput: 'ttft' (expected: such as ttft=2000ms,itl=25ms; keys: ttft, itl, e2e)",
        "--rate 1 --goodput tpot=5ms http://x | goodput: 'tpot' (expected: such as ttft=2000ms,itl=25ms; keys: ttft, itl, e2e)",
        "--rate 1 --goodput ttft=5 http://x | goodput ttft: '5' (expected: a duration such as 250ms, 1.5s, 2m or 1h)",
        "--rate 1 --json /nope/x.json http://x | json: /nope/x.json (expected: a file in a folder that exists, or -)",
        "--rate 1 localhost:8080 | target: 'localhost:8080' (expected: http://host:port or https://host:port)",
        "--rate 1 ftp://x | target: 'ftp://x' (expected: http://host:port or https://host:port)",
        "--rate 1 http:// | target: 'http://' (expected: http://host:port or https://host:port)",
        "--rate 1 http://x:99999 | target: 'http://x:99999' (expected: http://host:port or https://host:port)",
        "--rate 1 http://x?a=b | target: 'http://x?a=b' (expected: http://host:port or https://host:port)",
        "--rate 1 http://u:p@x | target: 'http://u:p@x' (expected: http://host:port or https://host:port)",
      })
  void wrongUsageIsTwoAndSaysWhatWasExpected(String args, String message) {
    assertThat(execute(args.split(" "))).isEqualTo(2);
    assertThat(List.of(err.toString().split("\n")))
        .containsExactly("load: " + message, "Try 'load --help'.");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "--rate 1 | Missing required parameter: 'URL'",
        "--rate fast http://x | Invalid value for option '--rate': 'fast' is not a double",
        "--concurrency 1.5 http://x | Invalid value for option '--concurrency': '1.5' is not an int",
        "--rate 1 --burst http://x | Unknown option: '--burst'",
        "--rate | Missing required parameter for option '--rate' (R)",
      })
  void whatCannotBeParsedIsTwo(String args, String message) {
    assertThat(execute(args.split(" "))).isEqualTo(2);
    assertThat(err.toString()).startsWith(message);
  }
}
