package io.penstock.adapter.discovery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.penstock.inference.Capability;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.prober.Fleets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReplicaFileTest {
  private static final Pool POOL = Fleets.pool("chat");

  private static List<ReplicaSpec> parse(String text) throws ReplicaFile.MistakeException {
    return ReplicaFile.parse(text.getBytes(UTF_8), POOL);
  }

  @Test
  void readsEveryKey() throws Exception {
    assertThat(
            parse(
                """
                [{"url": "https://10.0.0.7:8000/", "id": "a.1", "weight": 2.5,
                  "max_concurrent": 64, "capabilities": ["tools", "vision"], "zone": "z1"}]
                """))
        .containsExactly(
            new ReplicaSpec(
                new ReplicaId("a.1"),
                "https://10.0.0.7:8000",
                2.5,
                64,
                Set.of(Capability.TOOLS, Capability.VISION),
                "z1"));
  }

  @Test
  void takesWhatIsMissingFromThePool() throws Exception {
    ReplicaSpec replica = parse("[{\"url\": \"http://engine\"}]").get(0);
    assertThat(replica.id()).isEqualTo(Addresses.idOf(new PoolName("chat"), "engine", 80));
    assertThat(replica.maxConcurrent()).isEqualTo(POOL.maxConcurrent());
    assertThat(replica.capabilities()).isEqualTo(POOL.capabilities());
    assertThat(replica.weight()).isEqualTo(1);
    assertThat(replica.zone()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{}|the file: {} (expected: a JSON list of replicas)",
        "''|nothing in it (expected: a JSON list of replicas)",
        "[1]|[0]: 1 (expected: an object with a url)",
        "[{}]|[0].url: nothing (expected: http://HOST:PORT or https://HOST:PORT without a path)",
        "[{\"url\":\"ftp://a\"}]|[0].url: \"ftp://a\" (expected: http://HOST:PORT or https://HOST:PORT without a path)",
        "[{\"url\":\"http://a/v1\"}]|[0].url: \"http://a/v1\" (expected: http://HOST:PORT or https://HOST:PORT without a path)",
        "[{\"url\":\"http://a:0\"}]|[0].url: \"http://a:0\" (expected: http://HOST:PORT or https://HOST:PORT without a path)",
        "[{\"url\":\"http://a b\"}]|[0].url: \"http://a b\" (expected: http://HOST:PORT or https://HOST:PORT without a path)",
        "[{\"url\":\"http://a\",\"id\":\"a:1\"}]|[0].id: \"a:1\" (expected: 1 to 64 of A-Z a-z 0-9 . _ -)",
        "[{\"url\":\"http://a\",\"weight\":0}]|[0].weight: 0 (expected: a number > 0)",
        "[{\"url\":\"http://a\",\"weight\":\"2\"}]|[0].weight: \"2\" (expected: a number > 0)",
        "[{\"url\":\"http://a\",\"max_concurrent\":1.5}]|[0].max_concurrent: 1.5 (expected: a whole number >= 1)",
        "[{\"url\":\"http://a\",\"max_concurrent\":0}]|[0].max_concurrent: 0 (expected: a whole number >= 1)",
        "[{\"url\":\"http://a\",\"zone\":3}]|[0].zone: 3 (expected: a text)",
        "[{\"url\":\"http://a\",\"capabilities\":\"tools\"}]|[0].capabilities: \"tools\" (expected: a list of capabilities)",
        "[{\"url\":\"http://a\",\"capabilities\":[\"fly\"]}]|[0].capabilities[0]: \"fly\" (expected: one of tools, vision, audio, json_schema, logprobs, embeddings)",
        "[{\"url\":\"http://a\",\"wieght\":1}]|[0].wieght: unknown key (expected: one of capabilities, id, max_concurrent, url, weight, zone)",
        "[{\"url\":\"http://a\",\"id\":\"x\"},{\"url\":\"http://a\",\"id\":\"y\"}]|[1].url: http://a (expected: another one than [0] has)",
        "[{\"url\":\"http://a\",\"id\":\"x\"},{\"url\":\"http://b\",\"id\":\"x\"}]|[1].id: x (expected: another one than [0] has)",
        "[{\"url\":\"ftp://a\",\"weight\":-1}]|[0].url: \"ftp://a\" (expected: http://HOST:PORT or https://HOST:PORT without a path); [0].weight: -1 (expected: a number > 0)"
      })
  void tellsTheExactMistake(String text, String message) {
    assertThatThrownBy(() -> parse(text)).hasMessage(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[{\"url\":|line 1, column 9: not JSON: ",
        "[] []|line 1, column 4: not JSON: Trailing token",
        "[{\"url\":\"http://a\",\"url\":\"http://b\"}]|line 1, column 25: not JSON: Duplicate field 'url'"
      })
  void tellsWhereItIsNotJson(String text, String beginning) {
    assertThatThrownBy(() -> parse(text)).hasMessageStartingWith(beginning);
  }

  @Test
  void boundsWhatItTells() {
    String text = "[" + "1,".repeat(99) + "1]";
    assertThatThrownBy(() -> parse(text))
        .message()
        .endsWith("[19]: 1 (expected: an object with a url); and 80 more");
  }

  @Test
  void namesReplicasTheSameEverywhereAndApart() {
    PoolName pool = new PoolName("chat");
    assertThat(Addresses.idOf(pool, "10.0.0.7", 8000).value()).isEqualTo("chat-55166d20b3");
    assertThat(Addresses.idOf(pool, "Engine", 1)).isEqualTo(Addresses.idOf(pool, "engine", 1));
    Set<ReplicaId> ids = new HashSet<>();
    for (int host = 0; host < 100; host++) {
      for (int port = 8000; port < 8100; port++) {
        ids.add(Addresses.idOf(pool, "10.0.0." + host, port));
      }
    }
    assertThat(ids).hasSize(10_000);
  }
}
