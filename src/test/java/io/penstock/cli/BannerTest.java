package io.penstock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.config.ConfigLoader;
import io.penstock.config.NodeConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BannerTest {
  @TempDir private Path folder;

  @Test
  void saysWhatWasStartedAndHowToTryIt() throws IOException {
    NodeConfig config =
        config(
            "{\"name\": \"one\"}",
            "{\"name\": \"chat\", \"model_id\": \"llama\", \"replicas\": ["
                + "{\"id\": \"a\", \"url\": \"http://10.0.0.1:8000\"},"
                + "{\"id\": \"b\", \"url\": \"http://10.0.0.2:8000\"}]}");

    assertThat(Banner.of(config, "1.2.3"))
        .isEqualTo(
            """
            Penstock 1.2.3, node one: ingress, router, batcher, health-prober

              API      http://127.0.0.1:8080/v1
              auth     none: no key is asked for
              health   http://127.0.0.1:8080/health/ready
              metrics  http://127.0.0.1:8080/metrics
              pool     chat serves llama on a http://10.0.0.1:8000, b http://10.0.0.2:8000

            Try it:

              curl -N http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json'\
             -d '{"model":"llama","stream":true,"messages":[{"role":"user","content":"Hello"}]}'

            Ctrl-C lets live streams finish for up to 30 s; a second one ends at once.
            """);
  }

  @Test
  void whoeverReachesANodeWithoutAuthIsWarnedOf() throws IOException {
    NodeConfig open = config("{\"host\": \"0.0.0.0\"}", pool("m", ""));
    assertThat(Banner.of(open, "1"))
        .contains(
            "  auth     none: no key is asked for\n",
            "\nWARNING  whoever reaches 0.0.0.0 may use this node: set tenants.auth in its file, or"
                + " serve on 127.0.0.1\n");
    assertThat(Banner.of(config("{}", pool("m", "")), "1")).doesNotContain("WARNING");
  }

  @Test
  void saysWhatIsToBeShown() throws IOException {
    NodeConfig keys =
        config(
            "{\"host\": \"0.0.0.0\"}, \"tenants\": {\"list\": [{\"id\": \"a\"}]}", pool("m", ""));
    assertThat(Banner.of(keys, "1"))
        .contains("  auth     keys: API keys of 1 tenant in the file")
        .contains("-H \"authorization: Bearer $KEY\" -H 'content-type")
        .doesNotContain("WARNING");
  }

  @ParameterizedTest
  @CsvSource({
    "0.0.0.0, http://127.0.0.1:8080",
    "'::', http://[::1]:8080",
    "'::1', http://[::1]:8080",
    "10.1.2.3, http://10.1.2.3:8080"
  })
  void namesAnAddressThatCanBeReached(String host, String url) throws IOException {
    NodeConfig config = config("{\"host\": \"" + host + "\"}", pool("m", ""));

    assertThat(Banner.curl(config))
        .hasValueSatisfying(line -> assertThat(line).contains(url + "/"));
  }

  @Test
  void aPoolOfEmbeddingsIsTriedWithEmbeddings() throws IOException {
    NodeConfig config = config("{}", pool("bge", ", \"capabilities\": [\"embeddings\"]"));

    assertThat(Banner.curl(config))
        .contains(
            "curl http://127.0.0.1:8080/v1/embeddings -H 'content-type: application/json'"
                + " -d '{\"model\":\"bge\",\"input\":\"Hello\"}'");
  }

  @Test
  void aQuoteInAModelsNameDoesNotBreakTheShell() throws IOException {
    NodeConfig config = config("{}", pool("it's", ""));

    assertThat(Banner.curl(config))
        .hasValueSatisfying(line -> assertThat(line).contains("{\"model\":\"it'\\''s\","));
  }

  private static String pool(String model, String more) {
    return "{\"name\": \"p\", \"model_id\": \""
        + model
        + "\", \"replicas\": [{\"url\": \"http://10.0.0.1:8000\"}]"
        + more
        + "}";
  }

  private NodeConfig config(String node, String pool) throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("node.json"),
            "{\"node\": " + node + ", \"fleet\": {\"pools\": [" + pool + "]}}");
    return ConfigLoader.load(file, name -> Optional.empty())
        .fold(ok -> ok.config(), failed -> Assertions.fail(failed.mistakes().toString()));
  }
}
