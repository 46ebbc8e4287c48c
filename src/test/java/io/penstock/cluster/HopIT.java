package io.penstock.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.cluster.Cluster.Node;
import io.penstock.fake.Ports;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What it costs that a pool's owner is another node: the same requests by way of the owner and by
 * way of the other of two nodes, in turn. It logs what the way adds, at the median and at the 99th
 * percentile, and what the owner's process spends on a request that entered at the other, less what
 * it spends when there is none. Figures are the medians of the rounds. It checks that each request
 * was answered; what the figures should be depends on the machine, and on what else it does.
 */
@Tag("soak")
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class HopIT {
  private static final Logger LOG = LoggerFactory.getLogger(HopIT.class);
  private static final int RATE = Integer.getInteger("hop.rate", 2_000);
  private static final int ROUNDS = Integer.getInteger("hop.rounds", 5);
  private static final int SECONDS = Integer.getInteger("hop.seconds", 8);

  /** Compilers of both nodes are through by then. */
  private static final int WARM_SECONDS = Integer.getInteger("hop.warm", 30);

  /** Of Linux, and of {@code /proc}. */
  private static final double TICK_MICROS = 10_000;

  @TempDir private Path folder;

  private record Round(double p50Millis, double p99Millis, double ownerMicros) {}

  @Test
  void whatAnOwnerOnAnotherNodeCosts() throws Exception {
    int enginePort = Ports.free();
    try (OpenLoop load = new OpenLoop(enginePort, Cluster.MODEL);
        Cluster cluster =
            new Cluster(
                folder,
                2,
                1,
                "h100-llama-3.1-8b",
                new JsonObject().put("auth", "none"),
                simulated -> fleet(enginePort))) {
      Node owner = cluster.owner();
      Node other = owner.number == 0 ? cluster.node(1) : cluster.node(0);
      for (int i = 0; i < 2; i++) {
        answered(load.run(owner.httpPort, RATE * 1.5, WARM_SECONDS / 4.0));
        answered(load.run(other.httpPort, RATE * 1.5, WARM_SECONDS / 4.0));
      }

      double idlePerSecond = idlePerSecond(owner);
      List<Round> byOwner = new ArrayList<>();
      List<Round> byOther = new ArrayList<>();
      List<Round> direct = new ArrayList<>();
      for (int i = 0; i < ROUNDS; i++) {
        byOwner.add(round(load, owner.httpPort, owner, idlePerSecond));
        byOther.add(round(load, other.httpPort, owner, idlePerSecond));
        direct.add(round(load, enginePort, owner, idlePerSecond));
      }

      assertThat(cluster.owner()).as("the owner all along").isSameAs(owner);
      say("straight to the engine", direct);
      say("by way of the owner", byOwner);
      say("by way of the other node", byOther);
      LOG.info(
          String.format(
              "at %,d requests/s an owner on another node adds %.2f ms p50, %.2f ms p99; a request"
                  + " that entered there costs the owner's process %.0f µs CPU, one that entered at"
                  + " the owner %.0f µs (idle: %.1f ms a second, subtracted)",
              RATE,
              median(byOther, Round::p50Millis) - median(byOwner, Round::p50Millis),
              median(byOther, Round::p99Millis) - median(byOwner, Round::p99Millis),
              median(byOther, Round::ownerMicros),
              median(byOwner, Round::ownerMicros),
              idlePerSecond * TICK_MICROS / 1_000));
    }
  }

  /** Ticks a second of a node that nobody asks. */
  private static double idlePerSecond(Node node) throws IOException {
    double before = ticks(node);
    long began = System.nanoTime();
    long end = began + TimeUnit.SECONDS.toNanos(SECONDS);
    for (long left = end - began; left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
    return (ticks(node) - before) / ((System.nanoTime() - began) / 1e9);
  }

  private static JsonObject fleet(int enginePort) {
    return new JsonObject()
        .put(
            "pools",
            new JsonArray()
                .add(
                    new JsonObject()
                        .put("name", Cluster.POOL)
                        .put("model_id", Cluster.MODEL)
                        .put("engine", "vllm")
                        .put("max_concurrent", 2_000)
                        .put(
                            "replicas",
                            new JsonArray()
                                .add(
                                    new JsonObject()
                                        .put("url", "http://127.0.0.1:" + enginePort)))));
  }

  private static Round round(OpenLoop load, int port, Node owner, double idlePerSecond)
      throws Exception {
    double before = ticks(owner);
    long began = System.nanoTime();
    OpenLoop.Times times = answered(load.run(port, RATE, SECONDS));
    double seconds = (System.nanoTime() - began) / 1e9;
    double spent = ticks(owner) - before - idlePerSecond * seconds;
    return new Round(
        times.millis(0.5), times.millis(0.99), spent * TICK_MICROS / times.sortedNanos().length);
  }

  private static OpenLoop.Times answered(OpenLoop.Times times) {
    assertThat(times.failed()).as("requests without an answer of 200").isZero();
    return times;
  }

  private static void say(String what, List<Round> rounds) {
    LOG.info(
        String.format(
            "%s: p50 %.2f ms, p99 %.2f ms (%d rounds of %d s, p99 %.2f to %.2f)",
            what,
            median(rounds, Round::p50Millis),
            median(rounds, Round::p99Millis),
            ROUNDS,
            SECONDS,
            rounds.stream().mapToDouble(Round::p99Millis).min().orElse(0),
            rounds.stream().mapToDouble(Round::p99Millis).max().orElse(0)));
  }

  private static double median(List<Round> rounds, ToDoubleFunction<Round> figure) {
    List<Double> sorted = new ArrayList<>();
    rounds.forEach(each -> sorted.add(figure.applyAsDouble(each)));
    Collections.sort(sorted);
    return sorted.get(sorted.size() / 2);
  }

  /** CPU of a node's process since its start, user and system. */
  private static double ticks(Node node) throws IOException {
    String stat = Files.readString(Path.of("/proc/" + node.process.pid() + "/stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return Double.parseDouble(fields[11]) + Double.parseDouble(fields[12]);
  }
}
