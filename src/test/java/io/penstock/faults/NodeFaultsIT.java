package io.penstock.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.faults.Cell.Allowed;
import io.penstock.faults.Outcome.Kind;
import io.penstock.faults.Processes.Member;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Faults of nodes: three JVMs of their own, killed, paused and restarted under load. */
@Tag("faults")
@Timeout(1_200)
@ExtendWith(Report.class)
class NodeFaultsIT {
  private static final int REPLICAS = 4;

  /** Of a stream that lives longer than it takes to start sixty of them on a busy machine. */
  private static final int LONG_TOKENS = 3_000;

  private static final long BEFORE_THEIR_END = 15_000;

  /** Of a request that waits, so that a queue of 200 is there for a while. */
  private static final int QUEUED_TOKENS = 300;

  @TempDir private Path folder;
  private Processes cluster;

  @AfterEach
  void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  private static List<Outcome> all(List<CompletableFuture<Outcome>> asked) {
    return asked.stream().map(CompletableFuture::join).toList();
  }

  private static double millisSince(long nanos) {
    return (System.nanoTime() - nanos) / 1e6;
  }

  /** Its own clients see it; no other does, and engines stop working for it. */
  @Test
  void ingressNodeKilled() throws Exception {
    cluster = new Processes(folder, 3, REPLICAS, 50);
    Member victim = cluster.others(cluster.owner()).get(0);
    List<CompletableFuture<Outcome>> lost = new ArrayList<>();
    List<CompletableFuture<Outcome>> kept = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      for (Member member : cluster.members) {
        (member == victim ? lost : kept).add(cluster.send(member, Mode.STREAM, LONG_TOKENS));
      }
    }
    Processes.await(
        "60 live streams", Processes.SOON_MILLIS, () -> cluster.engineSum("running") == 60);
    victim.process().kill();
    long killed = System.nanoTime();
    Processes.await(
        "an end of 20 streams", BEFORE_THEIR_END, () -> cluster.engineSum("in_flight") <= 40);
    double noticed = millisSince(killed);
    cluster.expect(
        "streams that visibly break off",
        all(lost),
        Allowed.kind(Kind.BROKEN_OFF, Kind.ERROR_FRAME));
    cluster.expect("all other streams whole", all(kept), Allowed.whole());
    cluster.settle();
    List<CompletableFuture<Outcome>> after = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      after.add(cluster.send(cluster.others(victim).get(i % 2), Mode.STREAM, 20));
    }
    cluster.expect("every slot free again", all(after), Allowed.whole());
    cluster.settle();

    assertThat(cluster.report("ingress node killed", "stream", noticed)).isEmpty();
  }

  /** What one of these does to the owner of a pool with a full queue. */
  private interface Blow {
    void strike(Member owner);
  }

  /** Fills the queue through the two other nodes, strikes, and waits for every answer. */
  private double strikeOwnerWithFullQueue(Member owner, Blow blow) {
    List<Member> entries = cluster.others(owner);
    List<CompletableFuture<Outcome>> asked = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      asked.add(cluster.send(entries.get(i % 2), Mode.values()[i % 2], QUEUED_TOKENS));
    }
    Processes.await(
        "a full queue",
        Processes.SOON_MILLIS,
        () -> Processes.metric(owner, "llm_request_queue_depth") >= 100);
    blow.strike(owner);
    long struck = System.nanoTime();
    // What was already granted starts within milliseconds; what comes after that is the new
    // owner's.
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300));
    long before = cluster.engineSum("received");
    Processes.await("a grant", Processes.SOON_MILLIS, () -> cluster.engineSum("received") > before);
    double first = millisSince(struck);
    cluster.expect("every queued request whole", all(asked), Allowed.whole());
    return first;
  }

  /** What comes to a node that drains is refused, and rightly. */
  private double takenIn() {
    return cluster.members.stream()
        .mapToDouble(
            member ->
                Processes.metric(member, "penstock_requests_total") // first, so that none is twice
                    + Processes.metric(member, "penstock_requests_in_flight"))
        .sum();
  }

  private void expectLimitsKept() {
    for (int i = 0; i < REPLICAS; i++) {
      long peak = cluster.engine(i, "peak_in_flight");
      cluster.expect("never more than 5 at a time on replica " + i + ", not " + peak, peak <= 5);
    }
  }

  @Test
  void poolOwnerKilledWithAFullQueue() throws Exception {
    cluster = new Processes(folder, 3, REPLICAS, 5);
    Member owner = cluster.owner();

    double first = strikeOwnerWithFullQueue(owner, victim -> victim.process().kill());

    cluster.expect("each request once on an engine", cluster.engineSum("received") == 200);
    expectLimitsKept();
    cluster.settle();
    assertThat(cluster.report("pool owner killed, full queue", "stream, non-stream", first))
        .isEmpty();
  }

  @Test
  void poolOwnerPausedFor10Seconds() throws Exception {
    cluster = new Processes(folder, 3, REPLICAS, 5);
    Member owner = cluster.owner();
    CompletableFuture<Void> resumed =
        new CompletableFuture<Void>().completeOnTimeout(null, 2, TimeUnit.MINUTES);

    double first =
        strikeOwnerWithFullQueue(
            owner,
            victim -> {
              victim.signal("STOP");
              CompletableFuture.delayedExecutor(10, TimeUnit.SECONDS)
                  .execute(
                      () -> {
                        victim.signal("CONT");
                        resumed.complete(null);
                      });
            });

    resumed.join();
    Processes.await("three nodes again", Processes.SOON_MILLIS, () -> cluster.everybodySees(3));
    List<CompletableFuture<Outcome>> after = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      after.add(cluster.send(cluster.members.get(i % 3), Mode.STREAM, 20));
    }
    cluster.expect("every request whole once it is back", all(after), Allowed.whole());
    expectLimitsKept();
    cluster.settle();
    assertThat(cluster.report("pool owner paused for 10 s", "stream, non-stream", first)).isEmpty();
  }

  @Test
  void poolOwnerKilledUnderLoad() throws Exception {
    cluster = new Processes(folder, 3, REPLICAS, 50);
    Member owner = cluster.owner();
    List<Member> entries = cluster.others(owner);
    int rate = Balancer.carried(cluster, entries, 100);
    long warm = cluster.engineSum("received");
    Balancer load = new Balancer(cluster, entries, rate);

    Processes.await(
        "load", Processes.SOON_MILLIS, () -> cluster.engineSum("received") > warm + 2 * rate);
    owner.process().kill();
    long killed = System.nanoTime();
    Processes.await(
        "another owner",
        Processes.SOON_MILLIS,
        () ->
            cluster.others(owner).stream()
                .anyMatch(member -> Processes.metric(member, "penstock_pool_owned") > 0));
    double owned = millisSince(killed);
    long before = cluster.engineSum("received");
    Processes.await(
        "more", Processes.SOON_MILLIS, () -> cluster.engineSum("received") > before + 3 * rate);

    List<Outcome> outcomes = load.stop();
    cluster.expect("zero failed requests", outcomes, Allowed.whole());
    cluster.settle();
    assertThat(cluster.report("pool owner killed under " + rate + "/s", "all", owned)).isEmpty();
  }

  /** Each hands its roles to the other, which gives them up in the same moment. */
  @Test
  void allNodesDrainedAtOnceServeWhoWaits() throws Exception {
    cluster = new Processes(folder, 2, REPLICAS, 5);
    List<CompletableFuture<Outcome>> asked = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      asked.add(cluster.send(cluster.members.get(i % 2), Mode.values()[i % 2], 2 * QUEUED_TOKENS));
    }
    Processes.await("all of them taken in", Processes.SOON_MILLIS, () -> takenIn() == 200);
    cluster.expect(
        "a full queue", Processes.metric(cluster.owner(), "llm_request_queue_depth") >= 40);

    List<CompletableFuture<Integer>> orders =
        cluster.members.stream()
            .map(
                member ->
                    CompletableFuture.supplyAsync(
                        () -> Processes.admin(member, "POST", "nodes/self/drain").statusCode(),
                        cluster.threads))
            .toList();

    assertThat(orders.stream().map(CompletableFuture::join)).containsOnly(202);
    long ordered = System.nanoTime();
    cluster.expect("every queued request whole", all(asked), Allowed.whole());
    cluster.settle();
    assertThat(
            cluster.report(
                "all nodes drained at once, full queue",
                "stream, non-stream",
                millisSince(ordered)))
        .isEmpty();
  }

  @Test
  void rollingRestartUnderLoad() throws Exception {
    cluster = new Processes(folder, 3, REPLICAS, 50);
    int rate = Balancer.carried(cluster, cluster.members, 100);
    Balancer load = new Balancer(cluster, cluster.members, rate);

    for (Member member : cluster.members) {
      member.process().terminate();
      cluster.expect(
          member.name + " ends with 0", member.process().exitCode(Duration.ofMinutes(2)) == 0);
      member.launch();
      member.process().awaitReady(member.httpPort);
      Processes.await("three nodes", Processes.SOON_MILLIS, () -> cluster.everybodySees(3));
    }

    List<Outcome> outcomes = load.stop();
    cluster.expect("zero failed requests", outcomes, Allowed.whole());
    cluster.expect("many requests, not " + outcomes.size(), outcomes.size() > 5 * rate);
    cluster.settle();
    double slowest = outcomes.stream().mapToDouble(each -> each.seen().millis()).max().orElse(0);
    assertThat(
            cluster.report(
                "rolling restart under "
                    + rate
                    + "/s ("
                    + load.triedAgain()
                    + " sent to another node)",
                "all",
                slowest))
        .isEmpty();
  }
}
