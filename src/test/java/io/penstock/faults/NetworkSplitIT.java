package io.penstock.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.penstock.faults.Cell.Allowed;
import io.penstock.faults.Processes.Member;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three nodes on three hosts that lose each other while both sides still reach clients and engines.
 * Needs root and iproute2.
 */
@Tag("faults")
@Timeout(1_200)
@ExtendWith(Report.class)
class NetworkSplitIT {
  private static final int REPLICAS = 4;
  private static final int LIMIT = 6;

  /** More than enough to fill every slot from each node. */
  private static final int CLIENTS_PER_NODE = 30;

  @TempDir private Path folder;
  private Namespaces hosts;
  private Processes cluster;
  private volatile boolean stopped;

  @BeforeEach
  void start() throws Exception {
    boolean possible = Namespaces.arePossible();
    assumeTrue(possible || "true".equals(System.getenv("CI")), "no network namespaces here");
    hosts = new Namespaces(3);
    cluster = new Processes(folder, hosts, 3, REPLICAS, LIMIT);
    awaitSeats(3);
  }

  @AfterEach
  void stop() {
    stopped = true;
    if (cluster != null) {
      cluster.close();
    }
    if (hosts != null) {
      hosts.close();
    }
  }

  /** Clients that send their next request when the last one has ended. */
  private List<CompletableFuture<List<Outcome>>> load(List<Member> entries) {
    List<CompletableFuture<List<Outcome>>> clients = new ArrayList<>();
    for (Member entry : entries) {
      for (int i = 0; i < CLIENTS_PER_NODE; i++) {
        Mode mode = i % 2 == 0 ? Mode.STREAM : Mode.WHOLE;
        clients.add(
            CompletableFuture.supplyAsync(
                () -> {
                  List<Outcome> all = new ArrayList<>();
                  while (!stopped) {
                    all.add(cluster.keep(cluster.ticket(mode, 40).ask(entry)));
                  }
                  return all;
                },
                cluster.threads));
      }
    }
    return clients;
  }

  /** The most that a replica carried at a time while this took. */
  private long peakWhile(String what, BooleanSupplier until) {
    long peak = 0;
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Processes.SOON_MILLIS);
    boolean held = false;
    while (!held && System.nanoTime() < end) {
      for (int i = 0; i < REPLICAS; i++) {
        peak = Math.max(peak, cluster.engine(i, "in_flight"));
      }
      held = until.getAsBoolean();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
    cluster.expect(what + " within " + Processes.SOON_MILLIS + " ms", held);
    return peak;
  }

  private static BooleanSupplier after(long millis) {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    return () -> System.nanoTime() > end;
  }

  private double share(Member member) {
    return Processes.metric(member, "penstock_cluster_share");
  }

  private void awaitShares(double majority, double minority, Member cut) {
    Processes.await(
        "shares of " + majority + " and " + minority,
        Processes.SOON_MILLIS,
        () ->
            cluster.members.stream()
                .allMatch(m -> Math.abs(share(m) - (m == cut ? minority : majority)) < 1e-9));
  }

  /** All know that all may own pools. */
  private void awaitSeats(int count) {
    Processes.await(
        count + " seats",
        Processes.SOON_MILLIS,
        () ->
            cluster.members.stream()
                .allMatch(m -> Processes.metric(m, "penstock_cluster_seats") == count));
  }

  private double granted(Member member) {
    return Processes.metric(member, "penstock_queue_wait_seconds_count");
  }

  @Test
  void bothSidesServeAndTheLimitHolds() {
    Member cut = cluster.owner();
    List<Member> rest = cluster.others(cut);
    List<CompletableFuture<List<Outcome>>> clients = load(cluster.members);
    Processes.await(
        "load",
        Processes.SOON_MILLIS,
        () -> cluster.engineSum("in_flight") >= REPLICAS * LIMIT / 2);

    hosts.cut(Set.of(cluster.members.indexOf(cut)));
    long struck = System.nanoTime();
    awaitShares(2 / 3.0, 1 / 3.0, cut);
    double noticed = (System.nanoTime() - struck) / 1e6;
    peakWhile("what ran at the cut ended", after(10_000));
    double before = granted(cut);
    double beforeRest = rest.stream().mapToDouble(this::granted).sum();
    long during = peakWhile("10 s apart passed", after(10_000));
    cluster.expect(
        "at most " + LIMIT + " on a replica while apart, not " + during, during <= LIMIT);
    cluster.expect("the minority served", granted(cut) > before + 20);
    cluster.expect(
        "the majority served", rest.stream().mapToDouble(this::granted).sum() > beforeRest + 40);
    cluster.expect(
        "the minority says so",
        ready(cut).contains("nodes_missing") && ready(cut).contains(rest.get(0).name));

    hosts.heal();
    long healing =
        peakWhile(
            "one cluster again",
            () ->
                cluster.everybodySees(3)
                    && cluster.members.stream().allMatch(m -> share(m) == 1.0));
    long together = peakWhile("5 s together passed", after(5_000));
    stopped = true;
    List<Outcome> outcomes = new ArrayList<>();
    clients.forEach(client -> outcomes.addAll(client.join()));
    cluster.expect(
        "at most " + LIMIT + " on a replica while it healed, not " + healing, healing <= LIMIT);
    cluster.expect(
        "at most " + LIMIT + " on a replica together, not " + together, together <= LIMIT);
    cluster.expect("zero failed requests", outcomes, Allowed.whole());
    cluster.settle();
    String report =
        cluster.report("network cut between nodes, then healed", "stream, non-stream", noticed);
    assertThat(report)
        .as(
            () ->
                cluster.members.stream()
                    .map(m -> "\n--- " + m.name + "\n" + m.process().output())
                    .reduce("", String::concat))
        .isEmpty();
  }

  /** A process that has ended is told from one that is cut off, and an operator's word counts. */
  @Test
  void theDeadKeepNoShareAndTheLostAreForgottenByOrder() throws Exception {
    Member victim = cluster.others(cluster.owner()).get(0);
    List<Member> rest = cluster.others(victim);
    victim.process().kill();
    Processes.await(
        "two nodes with all of every limit",
        Processes.SOON_MILLIS,
        () ->
            rest.stream()
                .allMatch(
                    m -> Processes.metric(m, "penstock_cluster_nodes") == 2 && share(m) == 1.0));
    victim.launch();
    victim.process().awaitReady(victim.host(), victim.httpPort);
    Processes.await("three nodes", Processes.SOON_MILLIS, () -> cluster.everybodySees(3));
    awaitSeats(3);

    hosts.cut(Set.of(cluster.members.indexOf(victim)));
    victim.process().kill();
    Processes.await(
        "two of three shares",
        Processes.SOON_MILLIS,
        () -> rest.stream().allMatch(m -> Math.abs(share(m) - 2 / 3.0) < 1e-9));
    Processes.await(
        "an alarm", Processes.SOON_MILLIS, () -> ready(rest.get(0)).contains(victim.name));
    HttpResponse<String> answer = forget(rest.get(0), victim.name);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    Processes.await(
        "all of every limit on both",
        Processes.SOON_MILLIS,
        () -> rest.stream().allMatch(m -> share(m) == 1.0));
    assertThat(forget(rest.get(1), victim.name).statusCode()).isEqualTo(404);
    assertThat(forget(rest.get(1), rest.get(0).name).body()).contains("is not missing");
  }

  private static String ready(Member member) {
    return Processes.get("http://" + member.host() + ":" + member.httpPort + "/health/ready");
  }

  private static HttpResponse<String> forget(Member member, String name) {
    return Processes.admin(member, "DELETE", "nodes/" + name);
  }
}
