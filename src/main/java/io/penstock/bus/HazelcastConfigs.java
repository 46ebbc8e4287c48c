package io.penstock.bus;

import com.hazelcast.config.AdvancedNetworkConfig;
import com.hazelcast.config.Config;
import com.hazelcast.config.InvalidConfigurationException;
import com.hazelcast.config.JoinConfig;
import com.hazelcast.config.KubernetesConfig;
import com.hazelcast.config.MultiMapConfig;
import com.hazelcast.config.ServerSocketEndpointConfig;
import com.hazelcast.instance.EndpointQualifier;
import com.hazelcast.instance.ProtocolType;
import io.penstock.bus.ClusterConfig.Join;
import java.io.FileNotFoundException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hazelcast's configuration, made from a {@link ClusterConfig}. What each setting is for stands at
 * the setting.
 */
final class HazelcastConfigs {
  static final String LOGGING_TYPE = "hazelcast.logging.type";

  private static final Logger LOG = LoggerFactory.getLogger(HazelcastConfigs.class);
  private static final String PHONE_HOME = "hazelcast.phone.home.enabled";
  private static final Duration RETRY_PAUSE = Duration.ofMillis(100);

  /** Hazelcast's own default, in seconds and in tries. */
  private static final long CLAIM_TRIES_MIN = 120;

  private HazelcastConfigs() {}

  /**
   * The configuration of one node.
   *
   * @param host {@link ClusterConfig#host()}, resolved
   * @throws ClusterException when the user's own file can not be read
   */
  static Config of(ClusterConfig cluster, InetAddress host) {
    Config config =
        cluster.hazelcastFile().map(HazelcastConfigs::read).orElseGet(() -> made(cluster, host));
    // Vert.x leaves before Hazelcast does; a hook of Hazelcast's own would run first.
    config.setProperty("hazelcast.shutdownhook.enabled", "false");
    config.setProperty(LOGGING_TYPE, "slf4j");
    if (config.getProperty(PHONE_HOME) == null) {
      config.setProperty(PHONE_HOME, "false");
    }
    return withMapsOfVertx(config);
  }

  private static Config made(ClusterConfig cluster, InetAddress host) {
    Config config = new Config().setClusterName(cluster.name());
    network(config.getAdvancedNetworkConfig(), cluster, host);
    config.setProperty("hazelcast.socket.bind.any", "false");
    config.setProperty(
        "hazelcast.prefer.ipv4.stack", String.valueOf(!(host instanceof Inet6Address)));

    // Failure detection: a killed process is noticed by its sockets at once, a silent one by these.
    // The deadline detector removes a member after exactly max.no.heartbeat; phi-accrual was
    // measured at more than twice that.
    config.setProperty("hazelcast.heartbeat.failuredetector.type", "deadline");
    config.setProperty(
        "hazelcast.heartbeat.interval.seconds", wholeSeconds(cluster.heartbeatInterval()));
    config.setProperty(
        "hazelcast.max.no.heartbeat.seconds", wholeSeconds(cluster.maxNoHeartbeat()));
    config.setProperty(
        "hazelcast.mastership.claim.timeout.seconds", claimTries(cluster.heartbeatInterval()));

    // Two halves of a cluster look for each other soon; the default is after five minutes.
    config.setProperty("hazelcast.merge.first.run.delay.seconds", "5");
    config.setProperty("hazelcast.merge.next.run.delay.seconds", "5");

    // How long the master waits for more nodes to join with this one (5 s by default), which every
    // node that joins would wait for. With DNS and Kubernetes it is also how long a node looks for
    // others before it believes to be the first.
    boolean isLookedUp = !(cluster.join() instanceof Join.Static);
    config.setProperty("hazelcast.wait.seconds.before.join", isLookedUp ? "1" : "0");
    // A look-up that met a partition on the move tries again soon; the default is 500 ms.
    config.setProperty(
        "hazelcast.invocation.retry.pause.millis", String.valueOf(RETRY_PAUSE.toMillis()));
    // A leaving node hands its partitions over, but does not hang on it for ten minutes.
    config.setProperty("hazelcast.graceful.shutdown.max.wait", "10");

    // Only the registry of addresses lives in it: few partitions move faster when a node comes or
    // goes, and a few threads do. The number of partitions must be the same on all nodes.
    config.setProperty("hazelcast.partition.count", "71");
    config.setProperty("hazelcast.operation.thread.count", "2");
    config.setProperty("hazelcast.operation.generic.thread.count", "2");
    config.setProperty("hazelcast.operation.response.thread.count", "1");
    config.setProperty("hazelcast.io.thread.count", "1");
    config.setProperty("hazelcast.event.thread.count", "1");
    return config;
  }

  /**
   * A port for members alone, which is more than tidy: a port for all protocols (Hazelcast's
   * default) has an encoder that, until the other side has answered, asks to be called again at
   * once, for as long as something is to be sent. Towards a process that is paused it occupied the
   * output thread, no heartbeat left this node any more, and the healthy members lost each other.
   */
  private static void network(
      AdvancedNetworkConfig network, ClusterConfig cluster, InetAddress host) {
    ServerSocketEndpointConfig members = new ServerSocketEndpointConfig();
    members.setProtocolType(ProtocolType.MEMBER);
    // Others list this port, so another one is of no use.
    members.setPort(cluster.port()).setPortAutoIncrement(false).setPortCount(1);
    members.getInterfaces().setEnabled(true).addInterface(host.getHostAddress());
    network.setEnabled(true).setMemberEndpointConfig(members);
    join(network.getJoin(), cluster);
  }

  private static void join(JoinConfig join, ClusterConfig cluster) {
    join.getAutoDetectionConfig().setEnabled(false);
    join.getMulticastConfig().setEnabled(false);
    Join how = cluster.join();
    if (how instanceof Join.Static fixed) {
      join.getTcpIpConfig().setEnabled(true).setMembers(fixed.members());
    } else if (how instanceof Join.Dns dns) {
      // The Kubernetes plugin's DNS mode asks for A records only and works anywhere.
      kubernetes(join, cluster).setProperty("service-dns", dns.service());
    } else if (how instanceof Join.Kubernetes kubernetes) {
      kubernetes(join, cluster)
          .setProperty("namespace", kubernetes.namespace())
          .setProperty("service-name", kubernetes.service())
          // Nodes are ready only once they have joined, so they must find each other before.
          .setProperty("resolve-not-ready-addresses", "true");
    } else {
      throw new IllegalArgumentException("join: " + how + " (expected: Static, Dns or Kubernetes)");
    }
  }

  private static KubernetesConfig kubernetes(JoinConfig join, ClusterConfig cluster) {
    KubernetesConfig config = join.getKubernetesConfig();
    config.setEnabled(true);
    config.setProperty("service-port", String.valueOf(cluster.port()));
    return config;
  }

  /**
   * The registry is a multimap of sets, as vertx-hazelcast's own default configuration has it. One
   * backup is enough: when members are lost, each survivor puts its entries again.
   */
  private static Config withMapsOfVertx(Config config) {
    if (!config.getMultiMapConfigs().containsKey("__vertx.subs")) {
      config.addMultiMapConfig(
          new MultiMapConfig("__vertx.subs")
              .setBackupCount(1)
              .setValueCollectionType(MultiMapConfig.ValueCollectionType.SET));
    }
    if (!config.getMapConfigs().containsKey("__vertx.nodeInfo")) {
      config.getMapConfig("__vertx.nodeInfo").setBackupCount(1);
    }
    return config;
  }

  private static Config read(Path file) {
    try {
      Config config = Config.loadFromFile(file.toFile());
      if (!config.getAdvancedNetworkConfig().isEnabled()) {
        LOG.warn(
            "cluster.hazelcast_file: {} has a network section (expected: advanced-network, as in"
                + " cluster/*.yaml): while a member hangs, the others may lose each other",
            file);
      }
      refuseWhatIsNotHere(config, file);
      return config;
    } catch (FileNotFoundException e) {
      throw new ClusterException(
          "cluster.hazelcast_file: " + file + " is not there (expected: a file that can be read)",
          e);
    } catch (InvalidConfigurationException | IllegalArgumentException e) {
      throw new ClusterException(
          "cluster.hazelcast_file: "
              + file
              + " is no configuration: "
              + e.getMessage()
              + " (expected: a Hazelcast 5.3 file, .xml, .yaml or .yml)",
          e);
    }
  }

  /** Parts of Hazelcast that no node needs are not in the jar: see the filters in the pom. */
  private static void refuseWhatIsNotHere(Config config, Path file) {
    refuse(config.getJetConfig().isEnabled(), file, "jet", "enabled: false; a node runs no jobs");
    refuse(
        config.getIntegrityCheckerConfig().isEnabled(),
        file,
        "integrity-checker",
        "enabled: false; the jar has what members need");
    AdvancedNetworkConfig network = config.getAdvancedNetworkConfig();
    refuse(
        network.isEnabled() && network.getEndpointConfigs().containsKey(EndpointQualifier.CLIENT),
        file,
        "advanced-network.client-server-socket-endpoint-config",
        "none; clients of Hazelcast's are not served");
  }

  private static void refuse(boolean isThere, Path file, String key, String expected) {
    if (isThere) {
      throw new ClusterException(
          "cluster.hazelcast_file: " + file + " has " + key + " (expected: " + expected + ")");
    }
  }

  /**
   * How long the oldest survivor asks the others for their consent when the master is gone. It
   * claims as soon as it suspects the master; the others consent when they do, up to a heartbeat
   * later. Hazelcast takes the figure for the number of tries as well, of which the first dozen
   * take a tenth of a second: with 3 tries the claim was over after 30 ms, whoever had not
   * consented by then was thrown out, and two healthy nodes were two clusters for ten seconds.
   */
  private static String claimTries(Duration heartbeatInterval) {
    long perInterval = heartbeatInterval.toMillis() / RETRY_PAUSE.toMillis();
    return String.valueOf(Math.max(CLAIM_TRIES_MIN, 2 * perInterval));
  }

  /** Hazelcast counts these in whole seconds; rounded up, at least 1. */
  private static String wholeSeconds(Duration duration) {
    return String.valueOf(Math.max(1, (duration.toMillis() + 999) / 1000));
  }
}
