package io.penstock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What users get wrong, and exactly what they are told. */
class UsageTest {
  private static final String FILE_OR_BACKEND =
      "penstock run: FILE or --backend: neither given (expected: one of them)\n";
  private static final String URL_EXPECTED =
      "not an engine (expected: http:// or https://, a host and perhaps a port, without a path:"
          + " http://10.0.0.7:8000)\n";

  @TempDir private Path folder;

  private record Ended(int code, String out, String err) {}

  private static Ended penstock(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Main.run(args, Map.of(), new PrintWriter(out), new PrintWriter(err));
    return new Ended(code, out.toString(), err.toString());
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        mistake(
            "rnu",
            "penstock: 'rnu' is no argument or command here (did you mean run?)\n"
                + "Try 'penstock --help'.\n"),
        mistake("--color", "penstock: '--color' is no option here\nTry 'penstock --help'.\n"),
        mistake("run", FILE_OR_BACKEND),
        mistake("run --port 9000", FILE_OR_BACKEND),
        mistake(
            "run --engine vLLM --backend http://127.0.0.1:1",
            "penstock run: --engine: vLLM (expected: vllm, sglang, tgi, tensorrt_llm, llama_cpp,"
                + " openai)\n"),
        mistake(
            "run a.json --engine vllm",
            "penstock run: --engine: given with FILE (expected: engine of each pool in the"
                + " file)\n"),
        mistake(
            "run --prot 1",
            "penstock run: '--prot' is no option here (did you mean --port?)\n"
                + "Try 'penstock run --help'.\n"),
        mistake(
            "run a.json b.json",
            "penstock run: 'b.json' is no argument or command here\nTry 'penstock run --help'.\n"),
        mistake(
            "run --port",
            "penstock run: Missing required parameter for option '--port' (N)\n"
                + "Try 'penstock run --help'.\n"),
        mistake(
            "run --port eighty --backend http://127.0.0.1:1",
            "penstock run: Invalid value for option '--port': 'eighty' is not an int\n"
                + "Try 'penstock run --help'.\n"),
        mistake(
            "run --port 70000 --backend http://127.0.0.1:1",
            "penstock run: --port: 70000 (expected: 0..65535)\n"),
        mistake(
            "run --port -1 --backend http://127.0.0.1:1",
            "penstock run: --port: -1 (expected: 0..65535)\n"),
        mistake(
            "run a.json --backend http://127.0.0.1:1",
            "penstock run: FILE and --backend: both given (expected: one of them)\n"),
        mistake(
            "run a.json --port 1",
            "penstock run: --port: given with FILE (expected: node.ports.http in the file)\n"),
        mistake(
            "run a.json --host 0.0.0.0",
            "penstock run: --host: given with FILE (expected: node.host in the file)\n"),
        mistake("run --backend ftp://a", "penstock run: --backend ftp://a: " + URL_EXPECTED),
        mistake(
            "run --backend 127.0.0.1:8000 --backend http://a/v1",
            "penstock run: --backend 127.0.0.1:8000: "
                + URL_EXPECTED
                + "penstock run: --backend http://a/v1: "
                + URL_EXPECTED),
        mistake(
            "run no-such-file.json",
            "penstock run: no-such-file.json: 1 mistake\n"
                + "  no-such-file.json: no such file (expected: a JSON file)\n"),
        mistake(
            "check",
            "penstock check: Missing required parameter: 'FILE'\nTry 'penstock check --help'.\n"),
        mistake(
            "check no-such-file.json",
            "penstock check: no-such-file.json: 1 mistake\n"
                + "  no-such-file.json: no such file (expected: a JSON file)\n"),
        mistake(
            "engine-sim --profile abacus",
            "penstock engine-sim: profile: 'abacus' (expected: one of h100-llama-3.1-8b,"
                + " h100x8-llama-3.3-70b, a100-llama-3.1-8b, a100-40g-llama-2-7b, l4-llama-3.1-8b,"
                + " l4-bge-m3, h100-llama-3.1-8b-static, instant)\n"),
        mistake(
            "engine-sim --replicas 0", "penstock engine-sim: replicas: 0 (expected: 1..1024)\n"),
        mistake(
            "engine-sim --port 65535 --replicas 2",
            "penstock engine-sim: --port: 65535 (expected: 0, or 1..65534 for 2 replicas)\n"),
        mistake(
            "engine-sim --startup-delay soon",
            "penstock engine-sim: --startup-delay: 'soon' (expected: a duration such as 250ms, 1.5s,"
                + " 2m or 1h)\n"),
        mistake(
            "engine-sim --fault fire",
            "penstock engine-sim: --fault: 'fire' (expected: one of refused, silent, headers_only,"
                + " reset, eof, stall, malformed, split, huge, error, status, slow_headers, slow,"
                + " unhealthy, killed)\n"),
        mistake(
            "engine-sim --fault reset --fault-rate 2",
            "penstock engine-sim: --fault-rate: 2.0 (expected: above 0, up to 1)\n"),
        mistake(
            "engine-sim --fault reset --fault-after -2",
            "penstock engine-sim: --fault-after: -2 (expected: >= -1)\n"),
        mistake(
            "load http://127.0.0.1:1",
            "penstock load: trace: missing (expected: --trace FILE, or --rate R or --concurrency N)\n"
                + "Try 'penstock load --help'.\n"),
        mistake(
            "version now",
            "penstock version: 'now' is no argument or command here\n"
                + "Try 'penstock version --help'.\n"));
  }

  private static Arguments mistake(String line, String err) {
    return Arguments.of(line, err);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mistakes")
  void saysWhatIsWrong(String line, String err) {
    Ended ended = penstock(line.split(" ", -1));

    assertThat(ended.err()).isEqualTo(err);
    assertThat(ended.out()).isEmpty();
    assertThat(ended.code()).isEqualTo(2);
  }

  @Test
  void withoutACommandItTeaches() {
    Ended ended = penstock();

    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.out()).isEmpty();
    assertThat(ended.err()).contains("Commands:\n  run ", "Examples:\n", "Exit codes: ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"run", "check", "engine-sim", "load", "version"})
  void everyCommandExplainsItself(String command) {
    Ended ended = penstock(command, "--help");

    assertThat(ended.code()).isZero();
    assertThat(ended.err()).isEmpty();
    assertThat(ended.out()).contains("Usage: penstock " + command);
    if (!command.equals("version")) {
      assertThat(ended.out()).contains("Examples:\n");
    }
  }

  @Test
  void allMistakesOfAFileAtOnce() throws IOException {
    Path file = Files.writeString(folder.resolve("node.json"), "{\"node\": {\"nam\": 1}}");

    Ended ended = penstock("check", file.toString());

    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.err())
        .isEqualTo(
            "penstock check: "
                + file
                + ": 2 mistakes\n"
                + "  node.nam: unknown key (did you mean name?)\n"
                + "  fleet: missing (expected: object)\n");
  }

  @Test
  void aGoodFileIsSummedUpWithAdvice() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("node.json"),
            "{\"fleet\": {\"pools\": [{\"name\": \"p\", \"model_id\": \"m\", \"replicas\":"
                + " [{\"url\": \"http://127.0.0.1:1\"}]}]}}");

    Ended ended = penstock("check", file.toString());

    assertThat(ended.code()).as(ended.err()).isZero();
    assertThat(ended.out())
        .startsWith(
            file
                + ": no mistake; node penstock with ingress, router, batcher, health-prober, alone,"
                + " 1 pool\n  advice: ");
  }

  @Test
  void aWrongEnvironmentIsUsage() {
    StringWriter err = new StringWriter();

    int code =
        Main.run(
            new String[] {"version"},
            Map.of("PENSTOCK_LOG_LEVEL", "loud"),
            new PrintWriter(new StringWriter()),
            new PrintWriter(err));

    assertThat(code).isEqualTo(2);
    assertThat(err.toString())
        .isEqualTo(
            "penstock: PENSTOCK_LOG_LEVEL: 'loud' (expected: one of trace, debug, info, warn,"
                + " error)\n");
  }

  @Test
  void versionSaysWhatRuns() {
    Ended ended = penstock("version");

    assertThat(ended.code()).isZero();
    assertThat(ended.out()).matches("penstock \\S+ \\(Java \\S+, Vert\\.x 5\\.0\\.10\\)\n");
    assertThat(penstock("--version").out()).isEqualTo(ended.out());
  }
}
