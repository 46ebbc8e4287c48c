package io.penstock.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.faults.Cell.Allowed;
import io.penstock.faults.Processes.Member;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * The fleet's file changes under load, and three JVMs of their own are told one after another. The
 * clients try nothing again, and know of nothing.
 */
@Tag("faults")
@Timeout(1_200)
@ExtendWith(Report.class)
class ReloadIT {
  private static final String LAKE = "lake-8b";

  /** Between two nodes, as an operator's hand or a rolling update has it: their fleets differ. */
  private static final long PAUSE_MILLIS = 1_500;

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

  private static void pause(long millis) {
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
  }

  /** So many requests a second, in all modes and to all nodes in turn, until it is stopped. */
  private CompletableFuture<List<CompletableFuture<Outcome>>> load(
      String model, int perSecond, AtomicBoolean stop) {
    return CompletableFuture.supplyAsync(
        () -> {
          List<CompletableFuture<Outcome>> asked = new ArrayList<>();
          long begin = System.nanoTime();
          for (int i = 0; !stop.get(); i++) {
            long due = begin + TimeUnit.MILLISECONDS.toNanos(1_000L * i / perSecond);
            while (System.nanoTime() < due) {
              LockSupport.parkNanos(due - System.nanoTime());
            }
            int number = i;
            asked.add(CompletableFuture.supplyAsync(() -> ask(model, number), cluster.threads));
          }
          return asked;
        },
        cluster.threads);
  }

  private Outcome ask(String model, int number) {
    Member entry = cluster.members.get(number % cluster.members.size());
    Mode mode = Mode.values()[number / cluster.members.size() % Mode.values().length];
    return cluster.keep(cluster.ticket(mode, model, 20).ask(entry));
  }

  private void reloadOneAfterAnother(JsonObject... pools) throws Exception {
    cluster.fleet(pools);
    for (Member member : cluster.members) {
      cluster.reload(member);
      pause(PAUSE_MILLIS);
    }
    Processes.await(
        "one fleet",
        Processes.SOON_MILLIS,
        () ->
            cluster.members.stream()
                .allMatch(m -> Processes.metric(m, "penstock_cluster_fleet_mismatches") == 0));
  }

  /** The limit of a replica at its pool's owner; 0 where that keeps none. */
  private double limit(String replica) {
    String pool = replica.substring(0, replica.indexOf('-'));
    return cluster.members.stream()
        .filter(m -> Processes.metric(m, "penstock_pool_owned", "pool=\"" + pool + "\"") > 0)
        .mapToDouble(
            m -> Processes.metric(m, "penstock_replica_limit", "replica=\"" + replica + "\""))
        .sum();
  }

  private void expectLimit(String replica, int limit) {
    Processes.await(
        "limit " + limit + " of " + replica, Processes.SOON_MILLIS, () -> limit(replica) == limit);
  }

  /** That an engine gets nothing while others do, once what was granted before has come. */
  private void expectNothingFor(int engine) {
    Processes.await(
        "nothing for engine " + engine, Processes.SOON_MILLIS, () -> gotNothing(engine));
  }

  private boolean gotNothing(int engine) {
    long before = cluster.engine(engine, "received");
    long others = cluster.engineSum("received");
    Processes.await(
        "work", Processes.SOON_MILLIS, () -> cluster.engineSum("received") > others + 50);
    return cluster.engine(engine, "received") == before;
  }

  private void expectWorkFor(int engine) {
    long before = cluster.engine(engine, "received");
    Processes.await(
        "work for engine " + engine,
        Processes.SOON_MILLIS,
        () -> cluster.engine(engine, "received") > before);
  }

  private JsonObject rivers(List<Integer> engines, int maxConcurrent, String strategy) {
    return cluster
        .pool(Processes.POOL, Processes.MODEL, engines, maxConcurrent)
        .put("routing_strategy", strategy);
  }

  @Test
  void noRequestFailsWhileNodesAreReloadedOneAfterAnother() throws Exception {
    cluster = new Processes(folder, 3, 4, 2, 50);
    AtomicBoolean stop = new AtomicBoolean();
    int rate = Balancer.carried(cluster, cluster.members, 40);
    CompletableFuture<List<CompletableFuture<Outcome>>> load = load(Processes.MODEL, rate, stop);
    pause(2_000);

    JsonObject lakes = cluster.pool("lakes", LAKE, List.of(5), 30);
    reloadOneAfterAnother(rivers(List.of(1, 2, 3, 4), 20, "round_robin"), lakes);
    AtomicBoolean stopLakes = new AtomicBoolean();
    CompletableFuture<List<CompletableFuture<Outcome>>> onLakes =
        load(LAKE, Math.min(rate, 10), stopLakes);
    for (int engine = 1; engine <= 4; engine++) {
      expectLimit("rivers-" + engine, 20);
    }
    expectLimit("lakes-5", 30);
    expectNothingFor(0);
    expectWorkFor(4);
    expectWorkFor(5);

    JsonObject wider = cluster.pool("lakes", LAKE, List.of(5, 3), 40);
    reloadOneAfterAnother(rivers(List.of(0, 1, 2), 30, "hash_based"), wider);
    for (int engine = 0; engine <= 2; engine++) {
      expectLimit("rivers-" + engine, 30);
    }
    expectLimit("lakes-3", 40);
    expectLimit("rivers-4", 0);
    expectNothingFor(4);
    stopLakes.set(true);
    List<Outcome> ofLakes = all(onLakes.join());

    // The hard one: the model's only pool is replaced, so nodes name pools that others do not know.
    reloadOneAfterAnother(cluster.pool("brooks", Processes.MODEL, List.of(3, 4), 50));
    expectLimit("brooks-3", 50);
    expectNothingFor(1);
    stop.set(true);

    List<Outcome> outcomes = all(load.join());
    cluster.expect("zero failed requests", outcomes, Allowed.whole());
    cluster.expect("zero failed requests of a new pool", ofLakes, Allowed.whole());
    cluster.expect("many requests, not " + outcomes.size(), outcomes.size() > 5 * rate);
    cluster.settle();
    double slowest = outcomes.stream().mapToDouble(each -> each.seen().millis()).max().orElse(0);
    assertThat(cluster.report("three rolling reloads under " + rate + "/s", "all", slowest))
        .isEmpty();
  }

  @Test
  void aFileWithAMistakeChangesNothing() throws Exception {
    cluster = new Processes(folder, 1, 1, 10);
    Member only = cluster.members.get(0);
    cluster.fleet(rivers(List.of(0), 10, "best_effort"));
    cluster.reload(only);
    cluster.expect(
        "a reload that was refused",
        Processes.metric(only, "penstock_reloads_total", "mistakes") == 1);
    Processes.await(
        "the mistake in the log",
        Processes.SOON_MILLIS,
        () ->
            only.process()
                .output()
                .contains("fleet.json: pools[0].routing_strategy: \\\"best_effort\\\""));
    cluster.expect(
        "the old fleet", List.of(cluster.send(only, Mode.WHOLE, 20).join()), Allowed.whole());
    assertThat(cluster.report("reload of a file with a mistake", "non-stream", 0)).isEmpty();
  }
}
