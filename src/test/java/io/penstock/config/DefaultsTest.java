package io.penstock.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.groups.Tuple.tuple;

import io.penstock.fake.Pools;
import io.penstock.inference.Capability;
import io.penstock.inference.EngineKind;
import io.penstock.inference.ModelName;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource.Listed;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.Role;
import io.penstock.ingress.IngressConfig;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DefaultsTest {
  @Test
  void aFileWithOnlyTheEssentialsGetsTheRest() {
    NodeConfig node =
        Trees.config(
            "{'fleet': {'pools': [{'model_id': 'm', 'replicas': [{'url': 'http://h:8000'}]}]}}");

    assertThat(node.name()).isEqualTo("penstock");
    assertThat(node.zone()).isEmpty();
    assertThat(node.region()).isEqualTo("local");
    assertThat(node.roles()).containsExactlyInAnyOrder(Role.values());
    assertThat(node.eventLoops()).isZero();
    assertThat(node.cluster()).isEmpty();
    assertThat(node.ingress())
        .isEqualTo(
            new IngressConfig(
                "127.0.0.1",
                8080,
                16 << 20,
                new IngressConfig.Deadlines(
                    Duration.ofSeconds(3),
                    Duration.ofSeconds(120),
                    Duration.ofSeconds(30),
                    Duration.ofSeconds(600)),
                IngressConfig.Retries.DEFAULT,
                Duration.ofSeconds(10),
                Duration.ofSeconds(30),
                Optional.empty(),
                Optional.empty()));
    assertThat(node.prefixes().redisUrl()).isEmpty();
    assertThat(node.prefixes().file().orElseThrow()).hasFileName("prefixes-penstock.json");
    assertThat(node.fleet().enableFallback()).isTrue();
    assertThat(node.fleet().fallbackModel()).isEmpty();
    assertThat(node.fleet().pools())
        .containsExactly(
            Pools.of("m", "m")
                .engine(EngineKind.OPENAI)
                .replicas(
                    List.of(
                        new ReplicaSpec(
                            new ReplicaId("m-0"), "http://h:8000", 1, 100, Set.of(), "")))
                .maxConcurrent(100)
                .make());
  }

  @Test
  void aReplicaTakesFromItsPoolWhatItDoesNotSay() {
    NodeConfig node =
        Trees.config(
            "{'fleet': {'fallback_model_id': 'alias', 'pools': [{'name': 'p', 'model_id': 'm',"
                + " 'aliases': ['alias'], 'max_concurrent': 7, 'capabilities': ['tools'],"
                + " 'replicas': [{'url': 'http://h:1/'}, {'url': 'https://[::1]:2', 'id': 'x',"
                + " 'weight': 0.5, 'max_concurrent': 3, 'capabilities': [], 'zone': 'z'}]}]}}");

    Listed list = (Listed) node.fleet().pools().get(0).replicas();
    assertThat(list.replicas())
        .containsExactly(
            new ReplicaSpec(new ReplicaId("p-0"), "http://h:1", 1, 7, Set.of(Capability.TOOLS), ""),
            new ReplicaSpec(new ReplicaId("x"), "https://[::1]:2", 0.5, 3, Set.of(), "z"));
    assertThat(node.fleet().fallbackModel()).contains(new ModelName("m"));
  }

  @Test
  void backendsBecomeOnePoolForEachModel() {
    NodeConfig node =
        Trees.ok(
                Defaults.forBackends(
                    "127.0.0.1",
                    8107,
                    List.of(
                        new Defaults.Backend(
                            "http://127.0.0.1:9101", EngineKind.VLLM, List.of("a", "/models/b")),
                        new Defaults.Backend(
                            "http://127.0.0.1:9102/", EngineKind.SGLANG, List.of("a")))))
            .config();

    assertThat(node.cluster()).isEmpty();
    assertThat(node.roles()).containsExactlyInAnyOrder(Role.values());
    assertThat(node.ingress().port()).isEqualTo(8107);
    assertThat(node.fleet().pools())
        .extracting(p -> p.name().value(), p -> p.model().value(), Pool::engine)
        .containsExactly(
            tuple("a", "a", EngineKind.OPENAI), tuple("models/b", "/models/b", EngineKind.VLLM));
    Listed first = (Listed) node.fleet().pools().get(0).replicas();
    assertThat(first.replicas())
        .extracting(ReplicaSpec::url)
        .containsExactly("http://127.0.0.1:9101", "http://127.0.0.1:9102");
    assertThat(first.replicas()).allMatch(r -> r.maxConcurrent() == 4096);
  }

  @Test
  void modelsOfLikeNamesGetPoolsOfTheirOwn() {
    NodeConfig node =
        Trees.ok(
                Defaults.forBackends(
                    "127.0.0.1",
                    0,
                    List.of(
                        new Defaults.Backend(
                            "http://h:1", EngineKind.OPENAI, List.of("a+b", "a=b", "=")))))
            .config();

    assertThat(node.fleet().pools())
        .extracting(p -> p.name().value())
        .containsExactly("a_b", "a_b-2", "pool");
  }

  @Test
  void backendsWithoutAModelAreAMistake() {
    Loaded loaded = Defaults.forBackends("127.0.0.1", 0, List.of());

    assertThat(loaded.<List<Mistake>>fold(ok -> List.of(), Loaded.Failed::mistakes))
        .hasToString("[--backend: no model (expected: an engine that serves at least one)]");
  }

  @Test
  void addressesOfBackendsAreCheckedBeforeAnybodyConnects() {
    assertThat(Defaults.checkBackends(List.of("http://h:1", "https://h", "h:1", "http://h:1/v1")))
        .extracting(Mistake::path)
        .containsExactly("--backend h:1", "--backend http://h:1/v1");
  }
}
