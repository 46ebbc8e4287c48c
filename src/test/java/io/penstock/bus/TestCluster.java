package io.penstock.bus;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.bus.ClusterConfig.Join;
import io.penstock.fake.Ports;
import io.penstock.inference.NodeId;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/** Clustered nodes on the loopback interface, in this JVM or for others. */
final class TestCluster {
  /** For what happens within a few seconds unless it never does. */
  static final Duration BOUND = Duration.ofMinutes(1);

  private final String name = "test-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
  private final List<Integer> ports;

  /** A place for {@code size} nodes. */
  TestCluster(int size) {
    ports = IntStream.range(0, 2 * size).mapToObj(i -> Ports.free()).toList();
  }

  String name() {
    return name;
  }

  int port(int index) {
    return ports.get(index);
  }

  int busPort(int index) {
    return ports.get(ports.size() / 2 + index);
  }

  List<String> members() {
    return ports.subList(0, ports.size() / 2).stream().map(p -> "127.0.0.1:" + p).toList();
  }

  ClusterConfig config(int index) {
    return config(name, port(index), busPort(index), members());
  }

  static ClusterConfig config(String name, int port, int busPort, List<String> members) {
    return new ClusterConfig(
        name,
        "127.0.0.1",
        port,
        busPort,
        new Join.Static(members),
        Duration.ofSeconds(1),
        Duration.ofSeconds(3),
        Duration.ofMillis(500),
        Duration.ZERO,
        Optional.empty());
  }

  ClusterNode start(int index, String fleetHash, SimpleMeterRegistry meters) {
    return start(Optional.of(config(index)), "node-" + index, fleetHash, meters);
  }

  ClusterNode start(int index) {
    return start(index, "fleet", new SimpleMeterRegistry());
  }

  ClusterNode start(int index, Clock clock, SimpleMeterRegistry meters) {
    return start(Optional.of(config(index)), "node-" + index, "fleet", clock, meters, 1);
  }

  ClusterNode startOnLoops(int index, int loops) {
    return start(
        Optional.of(config(index)),
        "node-" + index,
        "fleet",
        Clock.system(),
        new SimpleMeterRegistry(),
        loops);
  }

  static ClusterNode start(
      Optional<ClusterConfig> config, String name, String fleetHash, SimpleMeterRegistry meters) {
    return start(config, name, fleetHash, Clock.system(), meters, 1);
  }

  private static ClusterNode start(
      Optional<ClusterConfig> config,
      String name,
      String fleetHash,
      Clock clock,
      SimpleMeterRegistry meters,
      int loops) {
    return await(
        ClusterNode.start(
            Vertx.builder(),
            new VertxOptions().setEventLoopPoolSize(loops),
            config,
            new ClusterNode.Identity(name, "zone", fleetHash),
            clock,
            meters),
        BOUND);
  }

  /** The first view of {@code node} that is as wanted. */
  static View awaitView(ClusterNode node, Predicate<View> wanted, Duration bound) {
    Promise<View> seen = Promise.promise();
    node.directory()
        .onChange(
            view -> {
              if (wanted.test(view)) {
                seen.tryComplete(view);
              }
            });
    return await(seen.future(), bound);
  }

  static Predicate<View> has(ClusterNode... nodes) {
    Set<NodeId> wanted = new HashSet<>();
    for (ClusterNode node : nodes) {
      wanted.add(node.bus().self());
    }
    return view -> ids(view).equals(wanted);
  }

  static Set<NodeId> ids(View view) {
    Set<NodeId> ids = new HashSet<>();
    view.nodes().forEach(n -> ids.add(n.id()));
    return ids;
  }

  static <T> T await(Future<T> future) {
    return await(future, BOUND);
  }

  static <T> T await(Future<T> future, Duration bound) {
    try {
      return future
          .toCompletionStage()
          .toCompletableFuture()
          .get(bound.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new AssertionError(String.valueOf(e.getCause()), e.getCause());
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError("not within " + bound, e);
    }
  }
}
