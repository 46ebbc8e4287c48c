package io.penstock.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.bus.ClusterConfig;
import io.penstock.bus.ClusterConfig.Join;
import io.penstock.inference.EngineKind;
import io.penstock.inference.HealthPolicy;
import io.penstock.inference.ModelName;
import io.penstock.inference.Pool;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSource.RecordType;
import io.penstock.inference.Role;
import io.penstock.inference.RoutingStrategy;
import io.penstock.ingress.IngressConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigLoaderTest {
  @TempDir Path directory;

  private Path write(String name, String json) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, json.replace('\'', '"'));
  }

  private static Loaded load(Path file) {
    return ConfigLoader.load(file, name -> Optional.empty());
  }

  private static List<String> mistakes(Loaded loaded) {
    return loaded.fold(
        ok -> List.of(), failed -> failed.mistakes().stream().map(Mistake::toString).toList());
  }

  @Test
  void everyValueArrives() throws IOException {
    write("tls/crt", "-----BEGIN CERTIFICATE-----");
    write("tls/key", "-----BEGIN PRIVATE KEY-----");
    Path file =
        write(
            "node.json",
            "{'node': {'name': 'n', 'zone': 'z', 'region': 'r', 'roles': ['ingress', 'router'],"
                + " 'event_loops': 3, 'host': '::', 'ports': {'http': 1, 'cluster': 2, 'bus': 3}},"
                + " 'cluster': {'name': 'c', 'host': 'h', 'join': {'kubernetes': {'namespace': 'ns',"
                + " 'service': 's'}}, 'heartbeat_interval_seconds': 4, 'max_no_heartbeat_seconds':"
                + " 15, 'census_ms': 600, 'forget_missing_after_seconds': 90}, 'ingress': {'max_body_bytes': 2048, 'deadlines':"
                + " {'connect_ms': 7, 'first_token_ms': 8, 'idle_ms': 9, 'total_ms': 10},"
                + " 'retries': {'max_attempts': 4, 'budget_percent': 21, 'budget_min': 12,"
                + " 'backoff_ms': 51}, 'ping_after_ms': 5, 'drain_seconds': 11, 'tls': {'certificate_file': 'tls/crt',"
                + " 'key_file': 'tls/key'}, 'cors': {'origins': ['https://a:1'], 'credentials':"
                + " true}}, 'fleet': {'enable_fallback': false, 'fallback_model_id': 'm', 'pools':"
                + " [{'name': 'p', 'model_id': 'm', 'engine': 'sglang', 'engine_model_id': 'e/m',"
                + " 'engine_api_key': 'k', 'routing_strategy': 'hash_based', 'context_tokens': 12,"
                + " 'replicas': {'dns': {'name': 'd', 'type': 'SRV', 'scheme': 'https',"
                + " 'refresh_seconds': 13, 'name_server': 'ns:53'}}, 'queue': {'max_requests': 14,"
                + " 'max_bytes': 4294967296, 'queue_ms': {'interactive': 16, 'default': 17, 'bulk':"
                + " 18}}, 'health': {'health_check_interval_seconds': 19,"
                + " 'health_check_timeout_seconds': 20, 'consecutive_failures_for_unhealthy': 21,"
                + " 'recovery_probe_interval_seconds': 22, 'signal_interval_ms': 230}}]}}");

    NodeConfig node = Trees.ok(load(file)).config();

    assertThat(node.name()).isEqualTo("n");
    assertThat(node.zone()).isEqualTo("z");
    assertThat(node.region()).isEqualTo("r");
    assertThat(node.roles()).containsExactlyInAnyOrder(Role.INGRESS, Role.ROUTER);
    assertThat(node.eventLoops()).isEqualTo(3);
    assertThat(node.cluster())
        .contains(
            new ClusterConfig(
                "c",
                "h",
                2,
                3,
                new Join.Kubernetes("ns", "s"),
                Duration.ofSeconds(4),
                Duration.ofSeconds(15),
                Duration.ofMillis(600),
                Duration.ofSeconds(90),
                Optional.empty()));
    assertThat(node.ingress())
        .isEqualTo(
            new IngressConfig(
                "::",
                1,
                2048,
                new IngressConfig.Deadlines(
                    Duration.ofMillis(7),
                    Duration.ofMillis(8),
                    Duration.ofMillis(9),
                    Duration.ofMillis(10)),
                new IngressConfig.Retries(4, 21, 12, Duration.ofMillis(51)),
                Duration.ofMillis(5),
                Duration.ofSeconds(11),
                Optional.of(
                    new IngressConfig.Tls(
                        directory.resolve("tls/crt"), directory.resolve("tls/key"))),
                Optional.of(new IngressConfig.Cors(List.of("https://a:1"), true))));
    assertThat(node.fleet().enableFallback()).isFalse();
    assertThat(node.fleet().fallbackModel()).contains(new ModelName("m"));
    Pool pool = node.fleet().pools().get(0);
    assertThat(pool.engine()).isEqualTo(EngineKind.SGLANG);
    assertThat(pool.nameForEngine()).isEqualTo(new ModelName("e/m"));
    assertThat(pool.engineApiKey()).contains("k");
    assertThat(pool.routingStrategy()).isEqualTo(RoutingStrategy.HASH_BASED);
    assertThat(pool.contextTokens()).isEqualTo(12);
    assertThat(pool.replicas())
        .isEqualTo(
            new ReplicaSource.Dns(
                "d", RecordType.SRV, "https", 0, Duration.ofSeconds(13), Optional.of("ns:53")));
    assertThat(pool.queue())
        .isEqualTo(
            new QueueLimits(
                14, 1L << 32, Duration.ofMillis(16), Duration.ofMillis(17), Duration.ofMillis(18)));
    assertThat(pool.health())
        .isEqualTo(
            new HealthPolicy(
                Duration.ofSeconds(19),
                Duration.ofSeconds(20),
                21,
                Duration.ofSeconds(22),
                Duration.ofMillis(230)));
  }

  @Test
  void pathsStartFromTheFileThatNamesThem() throws IOException {
    write("hazelcast.yaml", "hazelcast: {}");
    write("shared/list.json", "[]");
    write("shared/fleet.json", "{'pools': [{'model_id': 'm', 'replicas': {'file': 'list.json'}}]}");
    Path file =
        write(
            "nodes/n.json",
            "{'node': {'name': 'n'}, 'cluster': {'host': 'h', 'hazelcast_file':"
                + " '../hazelcast.yaml'}, 'fleet': {'file': '../shared/fleet.json'}}");

    NodeConfig node = Trees.ok(load(file)).config();

    assertThat(node.cluster().orElseThrow().hazelcastFile().orElseThrow())
        .isEqualTo(directory.resolve("hazelcast.yaml"));
    assertThat(node.cluster().orElseThrow().join()).isEqualTo(new Join.Static(List.of()));
    ReplicaSource.Watched watched = (ReplicaSource.Watched) node.fleet().pools().get(0).replicas();
    assertThat(watched.file()).isEqualTo(directory.resolve("shared/list.json"));
  }

  @Test
  void mistakesOfBothFilesComeTogetherAndInOrder() throws IOException {
    write(
        "fleet.json",
        "{'pools': [{'model_id': 'm', 'max_concurrent': 0, 'replicas': [{'url': '${ENGINE}'}]},"
            + " {'model_id': 'n', 'replicas': [{'url': 'http://h:1', 'wieght': 2}]}],"
            + " 'fallback_model_id': 'o'}");
    Path file =
        write(
            "node.json",
            "{'ingress': {'drain_seconds': '3'}, 'fleet': {'file': 'fleet.json'},"
                + " 'node': {'ports': {'http': -1}}}");

    assertThat(mistakes(load(file)))
        .containsExactly(
            "ingress.drain_seconds: \"3\" (expected: integer from 0 to 86400)",
            "node.ports.http: -1 (expected: integer from 0 to 65535)",
            "fleet.json: pools[0].max_concurrent: 0 (expected: integer from 1 to 1000000)",
            "fleet.json: pools[0].replicas[0].url: \"${ENGINE}\" (expected: ENGINE in the"
                + " environment, or a default: ${ENGINE:-default})",
            "fleet.json: pools[1].replicas[0].wieght: unknown key (did you mean weight?)",
            "fleet.json: fallback_model_id: \"o\" (expected: a model that a pool serves: m, n)");
  }

  @Test
  void aFileThatIsNotThereIsNamed() {
    Path file = directory.resolve("none.json");

    assertThat(mistakes(load(file)))
        .containsExactly(file + ": no such file (expected: a JSON file)");
  }

  @Test
  void textThatIsNotUnicodeIsAMistakeWithItsPlace() throws IOException {
    Path file = Files.write(directory.resolve("n.json"), new byte[] {'{', '"', (byte) 0xff, '"'});

    assertThat(mistakes(load(file))).singleElement().asString().contains("line 1, column", "UTF-8");
  }

  @Test
  void filesOfAnotherMachineAreAdviceThere() throws IOException {
    Path file =
        write(
            "n.json",
            "{'fleet': {'pools': [{'model_id': 'm', 'replicas': {'file': 'list.json'}}]}}");

    assertThat(mistakes(load(file)))
        .containsExactly("fleet.pools[0].replicas.file: \"list.json\" (expected: a readable file)");
    Loaded.Ok there = Trees.ok(ConfigLoader.load(file, name -> Optional.empty(), Machine.ANOTHER));
    assertThat(there.advice())
        .extracting(Advice::toString)
        .containsExactly(
            "fleet.pools[0].replicas.file: \"list.json\" can not be read here; the node needs a"
                + " readable file to start");
  }

  @Test
  void noSecretIsShown() {
    String json =
        "{'fleet': {'pools': [{'model_id': 'm', 'engine_api_key': 'top secret', 'replicas': []}]}}";

    assertThat(mistakes(Trees.load(json)))
        .containsExactly(
            "fleet.pools[0].engine_api_key: *** (expected: printable ASCII characters without"
                + " spaces)");
  }
}
