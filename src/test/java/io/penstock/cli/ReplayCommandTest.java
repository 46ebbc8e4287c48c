package io.penstock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ReplayCommandTest {
  @TempDir Path folder;
  private Path trace;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @BeforeEach
  void writeTrace() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      lines.add("{\"t\":%d.5,\"in\":%d,\"out\":9}".formatted(i / 4, 100 + i));
    }
    trace = Files.write(folder.resolve("trace.jsonl"), lines);
  }

  private int replay(String... more) {
    List<String> args =
        new ArrayList<>(
            List.of("replay", "--trace", trace.toString(), "--fleet", "conf/replay/h100x8.json"));
    args.addAll(List.of(more));
    return Main.run(
        args.toArray(new String[0]),
        Map.of(),
        new PrintWriter(out, true),
        new PrintWriter(err, true));
  }

  @Test
  void printsATableAndSaysHowFastItWas() {
    assertThat(replay("--policy", "round_robin", "--policy", "omniscient")).isZero();

    assertThat(out.toString())
        .startsWith("trace   trace.jsonl, 60 requests, KV blocks of 64 tokens\n")
        .contains("fleet   8 x H100, Llama 3.1 8B, 8 replicas\n")
        .containsPattern("\nround_robin +60 +100\\.0 ")
        .containsPattern("\nomniscient +60 +100\\.0 ");
    assertThat(err.toString()).containsPattern("120 requests in \\d+\\.\\d s, [0-9,]+ a minute");
  }

  @Test
  void jsonToStandardOutputIsAllThereIs() throws IOException {
    assertThat(replay("--policy", "least_loaded", "--json", "-", "--rate", "100")).isZero();

    JsonNode report = new ObjectMapper().readTree(out.toString());
    assertThat(report.path("rate").doubleValue()).isEqualTo(100);
    JsonNode policy = report.path("policies").path(0);
    assertThat(policy.path("policy").textValue()).isEqualTo("least_loaded");
    assertThat(policy.path("ok").intValue()).isEqualTo(60);
    assertThat(policy.path("ttft_ms").path("percentiles")).hasSize(101);
    assertThat(policy.path("replicas")).hasSize(8);
    assertThat(policy.path("output_tokens").intValue()).isEqualTo(540);
  }

  @Test
  void thePageNeedsNothingButItself() throws IOException {
    Path html = folder.resolve("report.html");

    assertThat(replay("--html", html.toString())).isZero();

    assertThat(Files.readString(html))
        .startsWith("<!doctype html>")
        .contains("<svg", "round_robin", "predicted_latency", "omniscient")
        .doesNotContain("http:", "https:", "src=", "<script", "NaN")
        .endsWith("</html>\n");
  }

  @Test
  void mistakesAreSentences() {
    assertThat(replay("--policy", "rond_robin")).isEqualTo(2);
    assertThat(replay("--rate", "3", "--saturate", "random")).isEqualTo(2);
    assertThat(replay("--html", folder.resolve("no/such.html").toString())).isEqualTo(2);
    assertThat(replay("--warmup", "soon")).isEqualTo(2);
    assertThat(replay("--warmup", "1h", "--policy", "random")).isEqualTo(2);
    assertThat(replay("--saturate-at", "0.5")).isEqualTo(2);

    assertThat(out.toString()).isEmpty();
    assertThat(err.toString())
        .contains("penstock replay: policy: 'rond_robin' (expected: one of round_robin, ")
        .contains("rate: 3.0 beside saturate: random (expected: one)")
        .contains("(expected: a file in a folder that exists)")
        .contains("warmup: 'soon' (expected: a duration such as 250ms, 1.5s, 2m or 1h)")
        .containsPattern("warmup: 1h \\(expected: shorter than what arrives; all had ended after 1")
        .contains("saturate-at: 0.5 without saturate (expected: a policy to saturate)")
        .doesNotContain("\tat ");
  }

  @Test
  void helpNamesEveryPolicy() {
    assertThat(replay("--help")).isZero();

    assertThat(out.toString().replaceAll("\\s+", " "))
        .contains(io.penstock.replay.ReplayConfig.policyNames());
  }
}
