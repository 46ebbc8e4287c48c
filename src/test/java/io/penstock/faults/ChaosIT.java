package io.penstock.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.faults.Cell.Allowed;
import io.penstock.faults.Processes.Member;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Faults at random for minutes, under load through the two nodes that are not among the victims:
 * whatever happens to engines and to the third node, no request that entered at these fails. {@code
 * -Dpenstock.chaos.minutes=N} and {@code -Dpenstock.chaos.seed=N} make it longer or the same again.
 */
@Tag("faults")
@Tag("soak")
@ExtendWith(Report.class)
class ChaosIT {
  private static final int REPLICAS = 4;
  private static final int CALM_MILLIS = 1_500;

  @TempDir private Path folder;
  private Processes cluster;

  @AfterEach
  void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  private enum Blow {
    ENGINE_KILLED,
    ENGINE_SLOW,
    ENGINE_REFUSES,
    ENGINE_FAILS,
    NODE_KILLED,
    NODE_PAUSED,
    NODE_RESTARTED,
    CPU_TAKEN
  }

  @Test
  void noRequestOfTheOthersFailsWhateverBreaks() throws Exception {
    long seed = Long.getLong("penstock.chaos.seed", System.nanoTime());
    long end =
        System.nanoTime() + TimeUnit.MINUTES.toNanos(Long.getLong("penstock.chaos.minutes", 3));
    Random random = new Random(seed);
    cluster = new Processes(folder, 3, REPLICAS, 50);
    Member victim = cluster.members.get(2);
    Balancer load = new Balancer(cluster, cluster.others(victim), 50);

    int blows = 0;
    StringBuilder history = new StringBuilder("seed " + seed + ":");
    while (System.nanoTime() < end) {
      Blow blow = Blow.values()[random.nextInt(Blow.values().length)];
      history.append(' ').append(blow);
      strike(blow, victim, random);
      blows++;
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(CALM_MILLIS)));
    }

    List<Outcome> outcomes = load.stop();
    cluster.expect("zero failed requests; " + history, outcomes, Allowed.whole());
    Processes.await("three nodes", 60_000, () -> cluster.everybodySees(3));
    cluster.settle();
    double slowest = outcomes.stream().mapToDouble(each -> each.seen().millis()).max().orElse(0);
    assertThat(cluster.report(blows + " random faults under 50/s", "all", slowest)).isEmpty();
  }

  private void strike(Blow blow, Member victim, Random random) throws Exception {
    int replica = random.nextInt(REPLICAS);
    long millis = 500 + random.nextInt(2_000);
    switch (blow) {
      case ENGINE_KILLED -> cluster.arm(replica, "killed", millis);
      case ENGINE_REFUSES -> cluster.arm(replica, "refused", millis);
      case ENGINE_SLOW -> cluster.arm(replica, "slow", 0);
      case ENGINE_FAILS -> cluster.arm(replica, "status", 0);
      case NODE_KILLED -> {
        victim.process().kill();
        again(victim);
      }
      case NODE_RESTARTED -> {
        victim.process().terminate();
        victim.process().exitCode(Duration.ofSeconds(60));
        again(victim);
      }
      case NODE_PAUSED -> {
        victim.signal("STOP");
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(4 * millis));
        victim.signal("CONT");
      }
      case CPU_TAKEN -> takeCpu(millis);
    }
    if (blow == Blow.ENGINE_SLOW || blow == Blow.ENGINE_FAILS) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
      cluster.disarm(replica);
    }
  }

  private void again(Member victim) {
    victim.launch();
    victim.process().awaitReady(victim.httpPort);
  }

  /** One busy thread a core. */
  private void takeCpu(long millis) {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    for (int i = 1; i < Runtime.getRuntime().availableProcessors(); i++) {
      cluster.threads.execute(() -> spin(end));
    }
    spin(end);
  }

  private static void spin(long end) {
    while (System.nanoTime() < end) {
      Thread.onSpinWait();
    }
  }
}
