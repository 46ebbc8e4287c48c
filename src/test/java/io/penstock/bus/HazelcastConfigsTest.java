package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.hazelcast.config.Config;
import com.hazelcast.config.JoinConfig;
import com.hazelcast.config.MultiMapConfig;
import com.hazelcast.config.ServerSocketEndpointConfig;
import com.hazelcast.instance.EndpointQualifier;
import io.penstock.bus.ClusterConfig.Join;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HazelcastConfigsTest {
  private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

  @Test
  void staticMembers() {
    Config config = of(new Join.Static(List.of("10.0.0.1:5701", "10.0.0.2:5701")));
    JoinConfig join = config.getAdvancedNetworkConfig().getJoin();
    assertThat(join.getTcpIpConfig().isEnabled()).isTrue();
    assertThat(join.getTcpIpConfig().getMembers())
        .containsExactly("10.0.0.1:5701", "10.0.0.2:5701");
    assertThat(join.getMulticastConfig().isEnabled()).isFalse();
    assertThat(join.isAutoDetectionEnabled()).isFalse();
    assertThat(config.getClusterName()).isEqualTo("blue");
    ServerSocketEndpointConfig port =
        (ServerSocketEndpointConfig)
            Objects.requireNonNull(
                config
                    .getAdvancedNetworkConfig()
                    .getEndpointConfigs()
                    .get(EndpointQualifier.MEMBER));
    assertThat(port.getPort()).isEqualTo(5711);
    assertThat(port.isPortAutoIncrement()).isFalse();
    assertThat(port.getInterfaces().getInterfaces()).containsExactly("127.0.0.1");
  }

  @Test
  void dns() {
    JoinConfig join = of(new Join.Dns("penstock.svc")).getAdvancedNetworkConfig().getJoin();
    assertThat(join.getKubernetesConfig().isEnabled()).isTrue();
    assertThat(join.getKubernetesConfig().getProperty("service-dns")).isEqualTo("penstock.svc");
    assertThat(join.getKubernetesConfig().getProperty("service-port")).isEqualTo("5711");
    assertThat(join.getTcpIpConfig().isEnabled()).isFalse();
    assertThat(join.getMulticastConfig().isEnabled()).isFalse();
  }

  @Test
  void kubernetes() {
    JoinConfig join =
        of(new Join.Kubernetes("ai", "penstock")).getAdvancedNetworkConfig().getJoin();
    assertThat(join.getKubernetesConfig().getProperty("namespace")).isEqualTo("ai");
    assertThat(join.getKubernetesConfig().getProperty("service-name")).isEqualTo("penstock");
    assertThat(join.getKubernetesConfig().getProperty("service-dns")).isNull();
    assertThat(join.getMulticastConfig().isEnabled()).isFalse();
  }

  @Test
  void failureDetectionIsAsConfiguredInWholeSecondsRoundedUp() {
    Config config = of(new Join.Static(List.of()));
    assertThat(config.getProperty("hazelcast.heartbeat.failuredetector.type"))
        .isEqualTo("deadline");
    assertThat(config.getProperty("hazelcast.heartbeat.interval.seconds")).isEqualTo("1");
    assertThat(config.getProperty("hazelcast.max.no.heartbeat.seconds")).isEqualTo("3");
  }

  @Test
  void aNewMasterAsksForConsentUntilTheOthersCanHaveMissedTheOldOneToo() {
    for (int seconds : List.of(1, 6, 60)) {
      ClusterConfig cluster = on("127.0.0.1", 5711, 5712, Duration.ofSeconds(seconds));
      Config config = HazelcastConfigs.of(cluster, LOOPBACK);
      int tries = number(config, "hazelcast.mastership.claim.timeout.seconds");
      int pauseMillis = number(config, "hazelcast.invocation.retry.pause.millis");
      assertThat((tries - 12) * pauseMillis).as("%s", cluster).isGreaterThan(seconds * 1_000);
    }
  }

  private static int number(Config config, String property) {
    return Integer.parseInt(config.getProperty(property));
  }

  @Test
  void onlyWhereNodesAreLookedUpIsAnyWaitedFor() {
    String wait = "hazelcast.wait.seconds.before.join";
    assertThat(of(new Join.Static(List.of("10.0.0.1:5701"))).getProperty(wait)).isEqualTo("0");
    assertThat(of(new Join.Dns("penstock.svc")).getProperty(wait)).isEqualTo("1");
  }

  @Test
  void tellsNobodyAndLeavesTheShutdownToVertx() {
    Config config = of(new Join.Static(List.of()));
    assertThat(config.getProperty("hazelcast.phone.home.enabled")).isEqualTo("false");
    assertThat(config.getProperty("hazelcast.shutdownhook.enabled")).isEqualTo("false");
    assertThat(config.getProperty("hazelcast.logging.type")).isEqualTo("slf4j");
  }

  @Test
  void aFileOfTheUsersOwnReplacesAllButWhatVertxNeeds(@TempDir Path dir) throws IOException {
    for (String name : List.of("own.yaml", "own.xml")) {
      Path file = dir.resolve(name);
      Files.writeString(
          file,
          name.endsWith("yaml")
              ? "hazelcast:\n  cluster-name: mine\n  network:\n    port:\n      port: 7777\n"
              : "<hazelcast xmlns=\"http://www.hazelcast.com/schema/config\"><cluster-name>mine"
                  + "</cluster-name><network><port>7777</port></network></hazelcast>");
      Config config = HazelcastConfigs.of(cluster(new Join.Dns("x"), 1, file), LOOPBACK);
      assertThat(config.getClusterName()).isEqualTo("mine");
      assertThat(config.getNetworkConfig().getPort()).isEqualTo(7777);
      assertThat(config.getProperty("hazelcast.phone.home.enabled")).isEqualTo("false");
      assertThat(config.getMultiMapConfig("__vertx.subs").getValueCollectionType())
          .isEqualTo(MultiMapConfig.ValueCollectionType.SET);
    }
  }

  @Test
  void aFileThatIsNotThereIsNamed(@TempDir Path dir) {
    Path file = dir.resolve("nowhere.xml");
    assertThatThrownBy(() -> HazelcastConfigs.of(cluster(new Join.Dns("x"), 1, file), LOOPBACK))
        .isInstanceOf(ClusterException.class)
        .hasMessage(
            "cluster.hazelcast_file: %s is not there (expected: a file that can be read)", file);
  }

  @Test
  void aFileThatIsNoConfigurationIsNamed(@TempDir Path dir) throws IOException {
    for (String name : List.of("bad.xml", "bad.yaml", "bad.txt")) {
      Path file = Files.writeString(dir.resolve(name), "hazelcats:\n  - nine lives\n");
      assertThatThrownBy(() -> HazelcastConfigs.of(cluster(new Join.Dns("x"), 1, file), LOOPBACK))
          .isInstanceOf(ClusterException.class)
          .hasMessageStartingWith("cluster.hazelcast_file: " + file + " is no configuration: ")
          .hasMessageEndingWith("(expected: a Hazelcast 5.3 file, .xml, .yaml or .yml)");
    }
  }

  /** The jar has of Hazelcast what members need. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          jet: {enabled: true}              | jet (expected: enabled: false; a node runs no jobs)
          integrity-checker: {enabled: true}| integrity-checker (expected: enabled: false; the jar has what members need)
          advanced-network: {enabled: true, client-server-socket-endpoint-config: {port: {port: 7778}}}| advanced-network.client-server-socket-endpoint-config (expected: none; clients of Hazelcast's are not served)
          """)
  void aFileThatAsksForWhatIsNotHereIsRefused(String wish, String told, @TempDir Path dir)
      throws IOException {
    Path file = Files.writeString(dir.resolve("own.yaml"), "hazelcast:\n  " + wish + "\n");
    assertThatThrownBy(() -> HazelcastConfigs.of(cluster(new Join.Dns("x"), 1, file), LOOPBACK))
        .isInstanceOf(ClusterException.class)
        .hasMessage("cluster.hazelcast_file: " + file + " has " + told);
  }

  @Test
  void aPortInUseIsNamed() throws IOException {
    try (ServerSocket taken = new ServerSocket()) {
      taken.bind(new InetSocketAddress(LOOPBACK, 0));
      int port = taken.getLocalPort();
      assertThatThrownBy(() -> ClusterPorts.check(on("127.0.0.1", port, 0)))
          .isInstanceOf(ClusterException.class)
          .hasMessage(
              "cluster.port: %d on 127.0.0.1 can not be opened: Address already in use"
                  + " (expected: a free port)",
              port);
      assertThatThrownBy(() -> ClusterPorts.check(on("127.0.0.1", 0, port)))
          .hasMessageStartingWith("cluster.bus_port: " + port + " on 127.0.0.1");
    }
  }

  @Test
  void aHostThatIsNotOursIsNamed() {
    assertThatThrownBy(() -> ClusterPorts.check(on("192.0.2.7", 5701, 5702)))
        .isInstanceOf(ClusterException.class)
        .hasMessageStartingWith(
            "cluster.host: 192.0.2.7 is not an address of this machine (expected: one of ")
        .hasMessageContaining("127.0.0.1");
    assertThatThrownBy(() -> ClusterPorts.check(on("no-such-host.invalid", 5701, 5702)))
        .hasMessage(
            "cluster.host: no-such-host.invalid (expected: a name or an address that resolves)");
    assertThatThrownBy(() -> ClusterPorts.check(on("0.0.0.0", 5701, 5702)))
        .hasMessage("cluster.host: 0.0.0.0 (expected: the one address that other nodes reach)");
  }

  private static Config of(Join join) {
    return HazelcastConfigs.of(cluster(join, 5711, null), LOOPBACK);
  }

  private static ClusterConfig on(String host, int port, int busPort) {
    return on(host, port, busPort, Duration.ofSeconds(1));
  }

  private static ClusterConfig on(String host, int port, int busPort, Duration heartbeat) {
    return new ClusterConfig(
        "blue",
        host,
        port,
        busPort,
        new Join.Static(List.of()),
        heartbeat,
        Duration.ofSeconds(3),
        Duration.ofMillis(500),
        Duration.ofMinutes(15),
        Optional.empty());
  }

  private static ClusterConfig cluster(Join join, int port, @Nullable Path file) {
    return new ClusterConfig(
        "blue",
        "127.0.0.1",
        port,
        5712,
        join,
        Duration.ofMillis(900),
        Duration.ofMillis(2_500),
        Duration.ofMillis(500),
        Duration.ofMinutes(15),
        Optional.ofNullable(file));
  }
}
