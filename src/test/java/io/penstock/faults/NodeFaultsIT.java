package io.penstock.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.faults.Cell.Allowed;
import io.penstock.faults.Outcome.Kind;
import io.penstock.faults.Processes.Member;
import io.penstock.faults.Processes.Ticket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Faults of nodes: three JVMs of their own, killed, paused and restarted under load. */
@Tag("faults")
@Timeout(300)
@ExtendWith(Report.class)
class NodeFaultsIT {
  private static final int REPLICAS = 4;

  /** What the load balancer last heard. */
  private final Set<Member> ready = ConcurrentHashMap.newKeySet();

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
        (member == victim ? lost : kept).add(cluster.send(member, Mode.STREAM, 600));
      }
    }
    Processes.await("60 live streams", 30_000, () -> cluster.engineSum("running") == 60);
    victim.process().kill();
    long killed = System.nanoTime();
    Processes.await("an end of 20 streams", 10_000, () -> cluster.engineSum("in_flight") <= 40);
    double noticed = millisSince(killed);
    cluster.expect("engines told within 1 s, not " + noticed + " ms", noticed < 1_000);
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
      asked.add(cluster.send(entries.get(i % 2), Mode.values()[i % 2], 150));
    }
    Processes.await(
        "a full queue", 30_000, () -> Processes.metric(owner, "llm_request_queue_depth") >= 150);
    blow.strike(owner);
    long struck = System.nanoTime();
    // What was already granted starts within milliseconds; what comes after that is the new
    // owner's.
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300));
    long before = cluster.engineSum("received");
    Processes.await("a grant", 30_000, () -> cluster.engineSum("received") > before);
    double first = millisSince(struck);
    cluster.expect("every queued request whole", all(asked), Allowed.whole());
    return first;
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
    cluster.expect("a first grant within 20 s, not " + first + " ms", first < 20_000);
    Processes.await("three nodes again", 60_000, () -> cluster.everybodySees(3));
    List<CompletableFuture<Outcome>> after = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      after.add(cluster.send(cluster.members.get(i % 3), Mode.STREAM, 20));
    }
    cluster.expect("every request whole once it is back", all(after), Allowed.whole());
    expectLimitsKept();
    cluster.settle();
    assertThat(cluster.report("pool owner paused for 10 s", "stream, non-stream", first)).isEmpty();
  }

  /**
   * A load balancer sends to nodes that say they are ready; as those do, it tries another node when
   * the connection is refused or the node says that it is draining. Nothing else is tried again.
   */
  @Test
  void rollingRestartUnder100RequestsASecond() throws Exception {
    cluster = new Processes(folder, 3, REPLICAS, 50);
    AtomicBoolean stop = new AtomicBoolean();
    AtomicInteger triedAgain = new AtomicInteger();
    ready.addAll(cluster.members);
    CompletableFuture.runAsync(() -> watchReadiness(stop), cluster.threads);
    CompletableFuture<List<CompletableFuture<Outcome>>> load =
        CompletableFuture.supplyAsync(() -> balancedLoad(stop, triedAgain), cluster.threads);

    for (Member member : cluster.members) {
      member.process().terminate();
      cluster.expect(
          member.name + " ends with 0", member.process().exitCode(Duration.ofSeconds(60)) == 0);
      member.launch();
      member.process().awaitReady(member.httpPort);
      Processes.await("three nodes", 60_000, () -> cluster.everybodySees(3));
    }
    stop.set(true);

    List<Outcome> outcomes = all(load.join());
    cluster.expect("zero failed requests", outcomes, Allowed.whole());
    cluster.expect("many requests, not " + outcomes.size(), outcomes.size() > 300);
    cluster.settle();
    double slowest = outcomes.stream().mapToDouble(each -> each.seen().millis()).max().orElse(0);
    assertThat(
            cluster.report(
                "rolling restart under 100/s (" + triedAgain + " sent to another node)",
                "all",
                slowest))
        .isEmpty();
  }

  private void watchReadiness(AtomicBoolean stop) {
    while (!stop.get()) {
      cluster.members.forEach(
          member -> {
            if (member.isReady()) {
              ready.add(member);
            } else {
              ready.remove(member);
            }
          });
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
  }

  private List<CompletableFuture<Outcome>> balancedLoad(
      AtomicBoolean stop, AtomicInteger triedAgain) {
    List<CompletableFuture<Outcome>> asked = new ArrayList<>();
    long begin = System.nanoTime();
    for (int i = 0; !stop.get(); i++) {
      long due = begin + TimeUnit.MILLISECONDS.toNanos(10L * i);
      while (System.nanoTime() < due) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
      int number = i;
      asked.add(CompletableFuture.supplyAsync(() -> balanced(number, triedAgain), cluster.threads));
    }
    return asked;
  }

  private Outcome balanced(int number, AtomicInteger triedAgain) {
    Ticket ticket = cluster.ticket(Mode.values()[number % 3], 20);
    Outcome outcome = null;
    for (int attempt = 0; attempt < 3; attempt++) {
      List<Member> usable = cluster.members.stream().filter(ready::contains).toList();
      outcome = ticket.ask(usable.get((number + attempt) % usable.size()).httpPort);
      boolean another = outcome.kind() == Kind.REFUSED || outcome.code().equals("draining");
      if (!another) {
        break;
      }
      triedAgain.incrementAndGet();
    }
    return cluster.keep(outcome);
  }
}
