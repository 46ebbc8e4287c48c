package io.penstock.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.hazelcast.config.AdvancedNetworkConfig;
import com.hazelcast.config.Config;
import com.hazelcast.config.JoinConfig;
import com.hazelcast.config.MultiMapConfig.ValueCollectionType;
import com.hazelcast.config.ServerSocketEndpointConfig;
import com.hazelcast.instance.EndpointQualifier;
import io.penstock.bus.ClusterConfig;
import io.penstock.inference.Fleet;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The files in {@code conf/} and {@code cluster/} are what users start from. */
class ShippedFilesTest {
  private static final Path CONF = Path.of("conf");

  private static Loaded.Ok load(Path file) {
    return ConfigLoader.load(file, name -> Optional.empty(), Machine.ANOTHER)
        .fold(ok -> ok, failed -> failWith(failed.mistakes()));
  }

  private static Loaded.Ok failWith(List<Mistake> mistakes) {
    throw new AssertionError(mistakes);
  }

  static Stream<Path> nodeFiles() throws IOException {
    try (Stream<Path> files = Files.walk(CONF)) {
      return files
          .filter(f -> f.toString().endsWith(".json") && !f.endsWith("fleet.json"))
          .filter(f -> !f.startsWith(CONF.resolve("replay")))
          .toList()
          .stream();
    }
  }

  @ParameterizedTest
  @MethodSource("nodeFiles")
  void everyFileLoadsWithoutAnEnvironment(Path file) {
    assertThat(load(file).config().fleet().pools()).isNotEmpty();
  }

  @Test
  void standaloneNeedsNothingButItself() {
    Loaded.Ok loaded = load(CONF.resolve("standalone.json"));

    assertThat(loaded.advice()).isEmpty();
    NodeConfig node = loaded.config();
    assertThat(node.cluster()).isEmpty();
    assertThat(node.roles()).containsExactlyInAnyOrder(Role.values());
    assertThat(node.ingress().host()).isEqualTo("127.0.0.1");
    assertThat(node.ingress().port()).isEqualTo(8080);
    assertThat(node.fleet().pools()).extracting(Pool::model).doesNotHaveDuplicates().hasSize(2);
    assertThat(node.fleet().pools())
        .extracting(Pool::replicas)
        .allSatisfy(
            source ->
                assertThat(source)
                    .isInstanceOfSatisfying(
                        ReplicaSource.Simulated.class,
                        simulated -> assertThat(simulated.count()).isGreaterThanOrEqualTo(2)));
  }

  @Test
  void threeNodesOfOneMachineFitTogether() {
    List<Loaded.Ok> loaded =
        IntStream.rangeClosed(1, 3)
            .mapToObj(n -> load(CONF.resolve("cluster/node-" + n + ".json")))
            .toList();
    List<NodeConfig> nodes = loaded.stream().map(Loaded.Ok::config).toList();

    assertThat(loaded).flatExtracting(Loaded.Ok::advice).isEmpty();
    assertThat(Advisor.adviseTogether(nodes)).isEmpty();
    assertThat(nodes).extracting(NodeConfig::fleet).extracting(Fleet::hash).containsOnly(hash());
    List<ClusterConfig> clusters = nodes.stream().map(n -> n.cluster().orElseThrow()).toList();
    assertThat(
            Stream.concat(
                nodes.stream().map(n -> n.ingress().port()),
                clusters.stream().flatMap(c -> Stream.of(c.port(), c.busPort()))))
        .doesNotHaveDuplicates()
        .hasSize(9);
    assertThat(clusters)
        .allSatisfy(
            c ->
                assertThat(((ClusterConfig.Join.Static) c.join()).members())
                    .contains(c.host() + ":" + c.port()));
  }

  private static String hash() {
    return load(CONF.resolve("cluster/node-1.json")).config().fleet().hash();
  }

  @Test
  void productionAsksForItsCertificateOnlyWhereItRunsAndForAnAdminKey() {
    Path file = CONF.resolve("production.json");

    assertThat(load(file).advice())
        .extracting(Advice::path)
        .containsExactly("ingress.tls.certificate_file", "ingress.tls.key_file", "admin.key");
    Loaded here = ConfigLoader.load(file, name -> Optional.empty());
    assertThat(here.<List<Mistake>>fold(ok -> List.of(), Loaded.Failed::mistakes))
        .extracting(Mistake::toString)
        .containsExactly(
            "ingress.tls.certificate_file: \"/etc/penstock/tls/tls.crt\" from"
                + " \"${TLS_DIR:-/etc/penstock/tls}/tls.crt\""
                + " (expected: a readable PEM file with a CERTIFICATE)",
            "ingress.tls.key_file: \"/etc/penstock/tls/tls.key\" from"
                + " \"${TLS_DIR:-/etc/penstock/tls}/tls.key\""
                + " (expected: a readable PEM file with a PRIVATE KEY)");
  }

  @Test
  void productionShowsEveryKeyButOtherWaysOfDoingTheSame() throws IOException {
    JsonNode file = JsonFile.MAPPER.readTree(CONF.resolve("production.json").toFile());
    Set<String> missing = new TreeSet<>();
    Schemas.keys().forEach(path -> addIfMissing(path, file, missing));

    assertThat(missing)
        .containsExactly(
            "cluster.hazelcast_file",
            "cluster.join.dns",
            "cluster.join.dns.service",
            "cluster.join.static",
            "cluster.join.static.members",
            "fleet.$schema",
            "fleet.pools.replicas.file",
            "fleet.pools.replicas.simulated",
            "fleet.pools.replicas.simulated.count",
            "fleet.pools.replicas.simulated.profile",
            "fleet.tiers.estimator_embeddings",
            "fleet.tiers.estimator_embeddings.cache_bytes",
            "fleet.tiers.estimator_embeddings.model_id",
            "fleet.tiers.estimator_embeddings.timeout_ms",
            "fleet.tiers.estimator_file",
            "prefixes.redis_url",
            "tenants.$schema",
            "tenants.key_redis_url",
            "tenants.limits",
            "tenants.limits.redis_url",
            "tenants.list.keys.secret");
  }

  private static void addIfMissing(String path, JsonNode file, Set<String> missing) {
    List<JsonNode> level = List.of(file);
    for (String key : path.split("\\.", -1)) {
      level =
          level.stream()
              .flatMap(n -> n.isArray() ? Schemas.stream(n) : Stream.of(n))
              .filter(n -> n.has(key))
              .map(n -> n.get(key))
              .toList();
    }
    if (level.isEmpty()) {
      missing.add(path);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"static", "dns", "kubernetes"})
  void hazelcastFilesSayTheSameButForTheJoin(String name) throws IOException {
    Path file = Path.of("cluster", name + ".yaml");
    Config config = Config.loadFromFile(file.toFile());

    assertThat(Files.readString(file)).doesNotContain("${");
    assertThat(config.getClusterName()).isEqualTo("penstock");
    AdvancedNetworkConfig network = config.getAdvancedNetworkConfig();
    assertThat(network.isEnabled()).isTrue();
    ServerSocketEndpointConfig members =
        (ServerSocketEndpointConfig)
            Objects.requireNonNull(network.getEndpointConfigs().get(EndpointQualifier.MEMBER));
    assertThat(members.getPort()).isEqualTo(5701);
    assertThat(members.isPortAutoIncrement()).isFalse();
    assertThat(config.getProperties())
        .containsEntry("hazelcast.heartbeat.interval.seconds", "1")
        .containsEntry("hazelcast.max.no.heartbeat.seconds", "5")
        .containsEntry("hazelcast.heartbeat.failuredetector.type", "deadline")
        .containsEntry("hazelcast.mastership.claim.timeout.seconds", "120")
        .containsEntry("hazelcast.merge.first.run.delay.seconds", "5")
        .containsEntry("hazelcast.phone.home.enabled", "false")
        .containsEntry("hazelcast.shutdownhook.enabled", "false");
    assertThat(config.getMultiMapConfig("__vertx.subs").getBackupCount()).isEqualTo(1);
    assertThat(config.getMultiMapConfig("__vertx.subs").getValueCollectionType())
        .isEqualTo(ValueCollectionType.SET);
    JoinConfig join = network.getJoin();
    assertThat(join.getMulticastConfig().isEnabled()).isFalse();
    assertThat(join.getAutoDetectionConfig().isEnabled()).isFalse();
    assertThat(join.getTcpIpConfig().isEnabled()).isEqualTo(name.equals("static"));
    assertThat(join.getKubernetesConfig().isEnabled()).isEqualTo(!name.equals("static"));
  }
}
