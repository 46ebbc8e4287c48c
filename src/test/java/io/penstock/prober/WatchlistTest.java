package io.penstock.prober;

import static io.penstock.inference.ReplicaState.HEALTHY;
import static io.penstock.inference.ReplicaState.REMOVED;
import static io.penstock.inference.ReplicaState.STARTING;
import static io.penstock.inference.ReplicaState.UNHEALTHY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.penstock.inference.EngineKind;
import io.penstock.inference.HealthPolicy;
import io.penstock.inference.NodeId;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.message.Doubt;
import io.penstock.message.HealthReport;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.Signals;
import io.penstock.prober.ProberDecision.Check;
import io.penstock.prober.ProberDecision.Close;
import io.penstock.prober.ProberDecision.Open;
import io.penstock.prober.ProberDecision.Report;
import io.penstock.prober.ProberDecision.Scrape;
import io.penstock.prober.ProberDecision.SignalsKnown;
import io.penstock.prober.ProberDecision.Target;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** All in virtual time, in milliseconds. */
class WatchlistTest {
  private static final NodeId A = new NodeId("a");
  private static final NodeId B = new NodeId("b");
  private static final PoolName POOL = new PoolName("p");
  private static final Pool CONFIG = Fleets.pool("p");
  private static final Signals SIGNALS = new Signals(2, 3, 0.5, Double.NaN, 0);

  /** A prober in virtual time, over engines that answer as they are told, at once. */
  private static final class Prober {
    final Watchlist watchlist;
    final Map<String, Target> open = new HashMap<>();
    final Set<String> failing = new HashSet<>();
    final List<HealthReport> reports = new ArrayList<>();
    final List<Long> reportedAt = new ArrayList<>();
    final List<Integer> checkedAt = new ArrayList<>();
    int scrapes;
    Optional<Signals> signals = Optional.of(SIGNALS);
    final List<Integer> askedAt = new ArrayList<>();

    /** What an API says; null for one that does not answer. */
    @Nullable Boolean continues = true;

    boolean isMute;
    long now;

    Prober(NodeId self) {
      this(self, false);
    }

    Prober(NodeId self, boolean afterAnother) {
      this.watchlist = new Watchlist(self, List.of(CONFIG), afterAnother);
    }

    void probers(NodeId... nodes) {
      act(watchlist.onProbers(List.of(nodes), now));
    }

    void list(ReplicaSpec... replicas) {
      act(watchlist.onList(POOL, List.of(replicas), now));
    }

    void hear(HealthReport report) {
      act(watchlist.onReport(report, now));
    }

    void act(List<ProberDecision> decisions) {
      decisions.forEach(this::carryOut);
      watchlist.tick(now).forEach(this::carryOut);
      while (!isMute && watchlist.nextDueMillis() <= now) {
        watchlist.tick(now).forEach(this::carryOut);
      }
    }

    void runUntil(long until) {
      while (watchlist.nextDueMillis() <= until) {
        now = Math.max(now, watchlist.nextDueMillis());
        act(List.of());
      }
      now = until;
    }

    void carryOut(ProberDecision decision) {
      if (decision instanceof Open opened) {
        assertThat(open.put(opened.target().id().value(), opened.target())).isNull();
      } else if (decision instanceof ProberDecision.Reopen reopened) {
        assertThat(open.put(reopened.target().id().value(), reopened.target()))
            .isEqualTo(reopened.before());
      } else if (decision instanceof Close closed) {
        assertThat(open.remove(closed.target().id().value())).isEqualTo(closed.target());
      } else if (decision instanceof Check check) {
        checkedAt.add((int) now);
        if (!isMute) {
          boolean fails = failing.contains(check.target().id().value());
          (fails
                  ? watchlist.onCheckFailed(check.target(), "503", now)
                  : watchlist.onCheckSucceeded(check.target(), now))
              .forEach(this::carryOut);
        }
      } else if (decision instanceof Scrape scrape) {
        scrapes++;
        watchlist.onSignals(scrape.target(), signals, now).forEach(this::carryOut);
      } else if (decision instanceof ProberDecision.AskAbility ask) {
        askedAt.add((int) now);
        if (continues == null) {
          watchlist.onAbilityFailed(ask.target(), now);
        } else {
          watchlist.onAbility(ask.target(), Optional.of(continues)).forEach(this::carryOut);
        }
      } else if (decision instanceof Report report) {
        reports.add(report.report());
        reportedAt.add(now);
      }
    }

    Target target(String id) {
      return Objects.requireNonNull(open.get(id), id);
    }

    HealthReport last() {
      return reports.get(reports.size() - 1);
    }

    /** What was said last of each replica of which something was said in the last interval. */
    Map<String, ReplicaState> states() {
      Map<String, ReplicaState> states = new HashMap<>();
      for (int i = 0; i < reports.size(); i++) {
        if (reportedAt.get(i) > now - CONFIG.health().signalInterval().toMillis()) {
          reports.get(i).replicas().forEach(r -> states.put(r.spec().id().value(), r.state()));
        }
      }
      return states;
    }
  }

  private final Prober a = new Prober(A);

  private static HealthReport report(NodeId from, ReplicaState state, String... ids) {
    List<ReplicaStatus> statuses = new ArrayList<>();
    for (String id : ids) {
      statuses.add(
          new ReplicaStatus(
              POOL,
              Fleets.replica(id),
              state,
              Optional.of(SIGNALS),
              "told",
              Optional.empty(),
              0,
              Optional.empty()));
    }
    return new HealthReport(from, 1, statuses, false);
  }

  /** An id that falls to {@code owner} when both probe. */
  private static String idOf(NodeId owner) {
    for (int i = 0; ; i++) {
      String id = "r" + i;
      Prober probe = new Prober(owner);
      probe.isMute = true;
      probe.probers(A, B);
      probe.list(Fleets.replica(id));
      if (!probe.open.isEmpty()) {
        return id;
      }
    }
  }

  private static Pool config(EngineKind engine, Duration checkInterval) {
    return Fleets.pool(
        "p",
        engine,
        new ReplicaSource.Listed(List.of()),
        new HealthPolicy(
            checkInterval, Duration.ofSeconds(5), 3, Duration.ofSeconds(5), Duration.ofSeconds(1)));
  }

  @Test
  void aPoolThatIsGoneIsProbedNoMoreAndToldAsRemoved() {
    a.list(Fleets.replica("r"), Fleets.replica("s"));
    a.probers(A);
    a.runUntil(1_000);
    a.act(a.watchlist.onFleet(List.of(), a.now));
    a.runUntil(1_100);
    assertThat(a.open).isEmpty();
    assertThat(a.states()).containsEntry("r", REMOVED).containsEntry("s", REMOVED);
    int checks = a.checkedAt.size();
    a.runUntil(600_000);
    assertThat(a.checkedAt).hasSize(checks);
    a.list(Fleets.replica("r"));
    assertThat(a.open).as("its list counts no more").isEmpty();
  }

  @Test
  void aPoolThatIsBackIsProbedAnew() {
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(1_000);
    a.act(a.watchlist.onFleet(List.of(), a.now));
    a.act(a.watchlist.onFleet(List.of(CONFIG), a.now));
    a.list(Fleets.replica("r"));
    a.runUntil(2_000);
    assertThat(a.states()).containsEntry("r", HEALTHY);
  }

  @Test
  void aShorterIntervalCountsFromTheLastCheckOn() {
    a.act(a.watchlist.onFleet(List.of(config(EngineKind.VLLM, Duration.ofHours(1))), a.now));
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(60_000);
    assertThat(a.checkedAt).containsExactly(0);
    Target before = a.target("r");
    a.act(a.watchlist.onFleet(List.of(config(EngineKind.VLLM, Duration.ofSeconds(30))), a.now));
    a.runUntil(91_000);
    assertThat(a.checkedAt).containsExactly(0, 60_000, 90_000);
    assertThat(a.target("r")).as("the same probe").isEqualTo(before);
    assertThat(a.states()).containsEntry("r", HEALTHY);
  }

  @Test
  void anotherKindOfEngineIsAskedInItsOwnWayAndKeepsItsState() {
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(1_000);
    a.failing.add("r");
    a.isMute = true;
    a.runUntil(10_000);
    Target before = a.target("r");
    int reports = a.reports.size();
    a.isMute = false;
    a.failing.clear();
    a.act(a.watchlist.onFleet(List.of(config(EngineKind.SGLANG, Duration.ofSeconds(10))), a.now));
    assertThat(a.target("r")).isNotEqualTo(before);
    assertThat(a.watchlist.onCheckFailed(before, "closed", a.now))
        .as("of the probe before")
        .isEmpty();
    a.runUntil(60_000);
    assertThat(a.reports.subList(reports, a.reports.size()))
        .allSatisfy(
            report ->
                assertThat(report.replicas())
                    .allSatisfy(status -> assertThat(status.state()).isEqualTo(HEALTHY)));
    assertThat(a.checkedAt.size()).as("checks go on").isGreaterThan(5);
  }

  @Test
  void whoIsNewInTheClusterIsToldAtOnce() {
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(5_500);
    int before = a.reports.size();
    a.probers(A);
    a.runUntil(5_500 + Watchlist.REPORT_GAP_MILLIS);
    assertThat(a.reports).hasSizeGreaterThan(before);
  }

  @Test
  void doesNothingBeforeItIsAProber() {
    a.list(Fleets.replica("r"));
    a.runUntil(10_000);
    assertThat(a.open).isEmpty();
    assertThat(a.reports).isEmpty();
  }

  @Test
  void checksAtOnceAndReportsHealthyInTheSameInstant() {
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(20);
    assertThat(a.checkedAt).containsExactly(0);
    assertThat(a.states()).containsEntry("r", HEALTHY);
  }

  private static Optional<Boolean> ability(Prober prober, String id) {
    return prober.last().replicas().stream()
        .filter(status -> status.spec().id().value().equals(id))
        .findFirst()
        .orElseThrow()
        .continuesMessages();
  }

  @Test
  void asksWhatAReplicaCanDoOnceAfterEachRise() {
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(600_000);
    assertThat(a.askedAt).containsExactly(0);
    assertThat(ability(a, "r")).contains(true);
    a.failing.add("r");
    a.runUntil(800_000);
    assertThat(a.states()).containsEntry("r", UNHEALTHY);
    assertThat(ability(a, "r")).as("until it has said otherwise").contains(true);
    a.failing.clear();
    a.continues = false;
    a.runUntil(1_600_000);
    assertThat(a.states()).containsEntry("r", HEALTHY);
    assertThat(a.askedAt).hasSize(2);
    assertThat(ability(a, "r")).contains(false);
  }

  @Test
  void givesUpOnAnApiThatDoesNotAnswer() {
    a.continues = null;
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(600_000);
    assertThat(a.askedAt).containsExactly(0, 5_000, 10_000);
    assertThat(ability(a, "r")).isEmpty();
  }

  @Test
  void doesNotAskWhatTheProberBeforeHasFoundOut() {
    String id = idOf(A);
    a.list(Fleets.replica(id));
    a.hear(
        new HealthReport(
            B,
            1,
            List.of(
                new ReplicaStatus(
                    POOL,
                    Fleets.replica(id),
                    HEALTHY,
                    Optional.empty(),
                    "",
                    Optional.of(false),
                    9,
                    Optional.empty())),
            false));
    a.probers(A, B);
    a.runUntil(60_000);
    assertThat(ability(a, id)).contains(false);
    assertThat(a.askedAt).isEmpty();
  }

  @Test
  void countsFinishedChecks() {
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(60_000);
    assertThat(a.last().replicas().get(0).checks())
        .isPositive()
        .isLessThanOrEqualTo(a.checkedAt.size());
  }

  @Test
  void reportsItsWholeShareEverySecondWithTheAgeOfTheSignals() {
    a.list(Fleets.replica("r"), Fleets.replica("s"));
    a.probers(A);
    a.runUntil(20);
    int before = a.reports.size();
    a.signals = Optional.empty();
    a.runUntil(3_020);
    assertThat(a.reports).hasSize(before + 3);
    assertThat(a.last().replicas()).hasSize(2);
    assertThat(a.last().sequence()).isEqualTo(a.reports.size());
    assertThat(a.last().replicas())
        .allSatisfy(
            r -> assertThat(r.signals().orElseThrow().ageMillis()).isBetween(2_900L, 3_020L));
  }

  @Test
  void reportsAChangeOfStateAtOnceButManyChangesTogether() {
    ReplicaSpec[] many =
        IntStream.range(0, 50).mapToObj(i -> Fleets.replica("r" + i)).toArray(ReplicaSpec[]::new);
    a.list(many);
    a.probers(A);
    a.runUntil(100);
    assertThat(a.reports.size()).isLessThanOrEqualTo(3);
    assertThat(a.states()).hasSize(50).containsValue(HEALTHY).doesNotContainValue(STARTING);
    for (ReplicaSpec each : many) {
      a.failing.add(each.id().value());
    }
    a.runUntil(31_000);
    assertThat(a.states()).doesNotContainValue(HEALTHY);
  }

  /** A share of thousands of which one after another falls, as when a rack fails. */
  @Test
  void aChangeIsToldWithoutTheWholeShare() {
    ReplicaSpec[] many =
        IntStream.range(0, 2_000)
            .mapToObj(i -> Fleets.replica("r" + i))
            .toArray(ReplicaSpec[]::new);
    a.list(many);
    a.probers(A);
    a.runUntil(10_000);
    int before = a.reports.size();
    for (int i = 0; i < 200; i++) {
      a.failing.add("r" + i);
      a.act(a.watchlist.onCheckFailed(a.target("r" + i), "reset", a.now));
      doubt("r" + i);
      a.act(List.of());
      a.runUntil(10_000 + 20 * i);
    }
    a.runUntil(15_000);
    Set<String> news = new HashSet<>();
    int told = 0;
    for (HealthReport report : a.reports.subList(before, a.reports.size())) {
      told += report.replicas().size();
      if (report.partial()) {
        assertThat(report.replicas()).hasSizeLessThan(5);
        report.replicas().stream()
            .filter(each -> each.state() == UNHEALTHY)
            .forEach(each -> news.add(each.spec().id().value()));
      }
    }
    assertThat(told).as("five times all, and each change").isLessThan(6 * 2_000 + 4 * 200);
    assertThat(news).as("but for those that the whole share told at once").hasSizeGreaterThan(190);
  }

  @Test
  void whoeverAsksTheWholeShareIsNotToldInEachTurn() {
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(10_100);
    int before = a.reports.size();
    for (int i = 0; i < 40; i++) {
      a.watchlist.onAsked();
      a.runUntil(10_100 + 20 * i);
    }
    assertThat(a.reports.size() - before).isBetween(4, 6);
  }

  @Test
  void asksAnEngineWithoutSignalsSeldom() {
    a.signals = Optional.empty();
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(60_000);
    assertThat(a.scrapes).isBetween(2, 4);
    assertThat(a.last().replicas().get(0).signals()).isEmpty();
  }

  @Test
  void saysOnceWhetherSignalsAreGiven() {
    a.list(Fleets.replica("r"));
    a.probers(A);
    Target target = a.target("r");
    assertThat(a.watchlist.onSignals(target, Optional.of(SIGNALS), 1)).isEmpty();
    assertThat(a.watchlist.onSignals(target, Optional.empty(), 2))
        .containsExactly(new SignalsKnown(target, false));
    assertThat(a.watchlist.onSignals(target, Optional.empty(), 3)).isEmpty();
    assertThat(a.watchlist.onSignals(target, Optional.of(SIGNALS), 4))
        .containsExactly(new SignalsKnown(target, true));
  }

  @Test
  void scrapesHealthyReplicasOnly() {
    a.failing.add("r");
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(30_000);
    assertThat(a.scrapes).isZero();
    assertThat(a.states()).containsEntry("r", STARTING);
  }

  @Test
  void forgetsSignalsThatAreHalfAMinuteOld() {
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(20);
    assertThat(a.last().replicas().get(0).signals()).isPresent();
    a.signals = Optional.empty();
    a.runUntil(40_000);
    assertThat(a.last().replicas().get(0).signals()).isEmpty();
  }

  @Test
  void reportsARemovedReplicaForThirtySeconds() {
    a.list(Fleets.replica("r"), Fleets.replica("s"));
    a.probers(A);
    a.runUntil(1_000);
    a.list(Fleets.replica("s"));
    a.runUntil(1_020);
    assertThat(a.states()).containsEntry("r", REMOVED).containsEntry("s", HEALTHY);
    assertThat(a.open).containsOnlyKeys("s");
    a.runUntil(30_900);
    assertThat(a.states()).containsEntry("r", REMOVED);
    a.runUntil(32_100);
    assertThat(a.states()).containsOnlyKeys("s");
  }

  /**
   * The host of an engine and of its prober is gone: its list knows it, and somebody has to say.
   */
  @Test
  void tellsOfAReplicaThatLeftItsListWithItsProber() {
    a.list(replicas(20));
    a.probers(A, B);
    a.runUntil(10_000);
    Set<String> others = new HashSet<>(List.of(ids(20)));
    others.removeAll(a.open.keySet());
    assertThat(others).isNotEmpty();
    a.list();
    a.runUntil(11_000);
    assertThat(a.states())
        .as("the others are for B to tell")
        .doesNotContainKeys(others.toArray(String[]::new));
    a.probers(A);
    a.runUntil(12_000);
    others.forEach(id -> assertThat(a.states()).containsEntry(id, REMOVED));
    a.runUntil(60_000);
    int said = a.reports.size();
    a.probers(A, B);
    a.probers(A);
    a.runUntil(61_000);
    assertThat(a.reports).as("nothing more to say").hasSize(said);
  }

  private static String[] ids(int count) {
    return IntStream.range(0, count).mapToObj(i -> "r" + i).toArray(String[]::new);
  }

  private static ReplicaSpec[] replicas(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> Fleets.replica("r" + i))
        .toArray(ReplicaSpec[]::new);
  }

  @Test
  void boundsTheRemovedReplicasThatItReports() {
    a.probers(A);
    a.isMute = true;
    a.list(
        IntStream.range(0, Watchlist.REMOVED_MAX + 10)
            .mapToObj(i -> Fleets.replica("r" + i))
            .toArray(ReplicaSpec[]::new));
    a.list();
    a.runUntil(2_000);
    assertThat(a.last().replicas()).hasSize(Watchlist.REMOVED_MAX);
  }

  @Test
  void welcomesARemovedReplicaBackAsANewOne() {
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(1_000);
    a.list();
    a.runUntil(2_000);
    a.list(Fleets.replica("r"));
    a.runUntil(2_020);
    assertThat(a.last().replicas()).hasSize(1);
    assertThat(a.states()).containsEntry("r", HEALTHY);
  }

  @Test
  void aNewUrlIsANewEngineAndANewWeightIsNot() {
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(1_000);
    Target before = a.target("r");
    ReplicaSpec old = Fleets.replica("r");
    ReplicaSpec heavier =
        new ReplicaSpec(old.id(), old.url(), 5, 16, old.capabilities(), old.zone());
    a.list(heavier);
    a.runUntil(1_040);
    assertThat(a.open.get("r")).isEqualTo(before);
    assertThat(a.last().replicas().get(0).spec().weight()).isEqualTo(5);

    a.failing.add("r");
    a.list(Fleets.replica("r", "http://elsewhere:1"));
    a.runUntil(1_100);
    assertThat(a.open.get("r")).isNotEqualTo(before);
    assertThat(a.states()).containsEntry("r", STARTING);
  }

  @Test
  void ignoresAnswersToQuestionsOfAnEarlierWatch() {
    a.list(Fleets.replica("r"));
    a.isMute = true;
    a.probers(A);
    Target before = a.target("r");
    a.list();
    a.list(Fleets.replica("r"));
    assertThat(a.watchlist.onCheckSucceeded(before, 10)).isEmpty();
    a.runUntil(2_000);
    assertThat(a.states()).containsEntry("r", STARTING);
  }

  @Test
  void neverOverlapsTheChecksOfOneReplica() {
    a.isMute = true;
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(60_000);
    assertThat(a.checkedAt).containsExactly(0);
  }

  @Test
  void startsFromWhatTheProberBeforeSaid() {
    String id = idOf(A);
    a.list(Fleets.replica(id));
    a.probers(B);
    a.hear(report(B, UNHEALTHY, id));
    a.isMute = true;
    a.now = 500;
    a.probers(A, B);
    assertThat(a.states()).containsEntry(id, UNHEALTHY);
    assertThat(a.last().replicas().get(0).lastError()).isEqualTo("told");
    assertThat(a.last().replicas().get(0).signals().orElseThrow().ageMillis()).isEqualTo(500);
  }

  @Test
  void doesNotStartFromWordsThatAreTooOldOrOfAnotherEngine() {
    String id = idOf(A);
    a.list(Fleets.replica(id, "http://other:1"));
    a.probers(B);
    a.hear(report(B, HEALTHY, id));
    a.list(Fleets.replica(id));
    a.now = 100;
    a.hear(report(B, HEALTHY, id));
    a.now = 100 + Watchlist.HEARSAY_MAX_MILLIS + 1;
    a.isMute = true;
    a.probers(A);
    assertThat(a.states()).containsEntry(id, STARTING);
  }

  @Test
  void saysNothingOfWhatAnotherMayKnowUntilItKnowsItself() {
    String id = idOf(A);
    a.failing.add(id);
    a.list(Fleets.replica(id));
    a.probers(A, B);
    a.runUntil(2_000);
    assertThat(a.reports).isEmpty();
    a.hear(report(B, HEALTHY, id));
    a.runUntil(2_100);
    assertThat(a.states()).containsEntry(id, HEALTHY);
  }

  @Test
  void speaksAfterAWhileWhenNobodyKnows() {
    String id = idOf(A);
    a.failing.add(id);
    a.list(Fleets.replica(id));
    a.probers(A, B);
    a.runUntil(Watchlist.SILENCE_MILLIS + 1_100);
    assertThat(a.states()).containsEntry(id, STARTING);
  }

  @Test
  void keepsWhatItGivesUpUntilTheNewProberHasSpoken() {
    String id = idOf(B);
    a.list(Fleets.replica(id));
    a.probers(A);
    a.runUntil(1_000);
    a.probers(A, B);
    a.runUntil(3_000);
    assertThat(a.open).containsKey(id);
    assertThat(a.states()).containsEntry(id, HEALTHY);
    int told = a.reports.size();
    a.hear(report(B, HEALTHY, id));
    a.runUntil(5_000);
    assertThat(a.open).isEmpty();
    assertThat(a.reports).hasSize(told);
  }

  @Test
  void waitsForTheNewProberFiveSecondsAtMost() {
    String id = idOf(B);
    a.list(Fleets.replica(id));
    a.probers(A);
    a.runUntil(1_000);
    a.probers(A, B);
    a.runUntil(1_000 + Watchlist.HANDOVER_MILLIS);
    assertThat(a.open).isEmpty();
  }

  @Test
  void takesBackWhatItWasAboutToGiveUp() {
    String id = idOf(B);
    a.list(Fleets.replica(id));
    a.probers(A);
    Target before = a.target(id);
    a.probers(A, B);
    a.now = 1_000;
    a.probers(A);
    a.runUntil(20_000);
    assertThat(a.open.get(id)).isEqualTo(before);
  }

  @Test
  void keepsItsShareWhenNobodyProbes() {
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.probers();
    a.runUntil(20_000);
    assertThat(a.open).containsKey("r");
  }

  @Test
  void ignoresItsOwnReportsAndPoolsThatItDoesNotKnow() {
    a.list(Fleets.replica("r"));
    a.failing.add("r");
    a.probers(A);
    a.hear(report(A, HEALTHY, "r"));
    a.runUntil(100);
    assertThat(a.states()).containsEntry("r", STARTING);
    assertThat(a.watchlist.onList(new PoolName("x"), List.of(Fleets.replica("y")), 0)).isEmpty();
  }

  private void doubt(String id) {
    a.watchlist.onDoubt(new Doubt(POOL, new ReplicaId(id), "refused"), a.now);
    a.act(List.of());
  }

  @Test
  void checksADoubtedReplicaAtOnceAndReportsThatItIsOut() {
    a.list(Fleets.replica("r"), Fleets.replica("s"));
    a.probers(A);
    a.runUntil(2_350);
    a.checkedAt.clear();
    a.failing.add("r");
    doubt("r");
    a.runUntil(2_350 + Watchlist.REPORT_GAP_MILLIS);
    assertThat(a.checkedAt).containsExactly(2_350);
    assertThat(a.states()).containsEntry("r", UNHEALTHY).containsEntry("s", HEALTHY);
  }

  @Test
  void aDoubtThatIsAnsweredIsReportedAtOnceWithOneMoreCheck() {
    a.list(Fleets.replica("r"));
    a.probers(A);
    a.runUntil(2_350);
    int reports = a.reports.size();
    long checks = a.last().replicas().get(0).checks();
    doubt("r");
    a.runUntil(2_350 + Watchlist.REPORT_GAP_MILLIS);
    assertThat(a.reports).hasSizeGreaterThan(reports);
    assertThat(a.last().replicas().get(0).checks()).isEqualTo(checks + 1);
    assertThat(a.states()).containsEntry("r", HEALTHY);
  }

  @Test
  void ignoresDoubtsAboutReplicasOfOthers() {
    String id = idOf(B);
    a.list(Fleets.replica(id));
    a.probers(A, B);
    doubt(id);
    doubt("unknown");
    assertThat(a.checkedAt).isEmpty();
  }

  @Test
  void refusesTwoPoolsOfOneName() {
    assertThatThrownBy(() -> new Watchlist(A, List.of(CONFIG, CONFIG), false))
        .hasMessage("pool: p (expected: a name no other pool has)");
  }

  /** Two probers that hear each other; at every moment each replica is told of, and rightly. */
  @Property(tries = 50)
  void sharesMoveWithoutAGap(@ForAll @IntRange(min = 1, max = 40) int count) {
    ReplicaSpec[] replicas =
        IntStream.range(0, count)
            .mapToObj(i -> Fleets.replica("r" + i))
            .toArray(ReplicaSpec[]::new);
    Prober first = new Prober(A);
    Prober second = new Prober(B);
    first.list(replicas);
    first.probers(A);
    first.runUntil(1_500);
    assertThat(first.states()).hasSize(count);

    second.now = 1_500;
    second.failing.addAll(first.open.keySet());
    second.list(replicas);
    first.probers(A, B);
    second.probers(A, B);
    int heardOfFirst = first.reports.size();
    int heardOfSecond = 0;
    for (long now = 1_510; now <= 9_000; now += 10) {
      first.runUntil(now);
      second.runUntil(now);
      for (; heardOfFirst < first.reports.size(); heardOfFirst++) {
        second.hear(first.reports.get(heardOfFirst));
      }
      for (; heardOfSecond < second.reports.size(); heardOfSecond++) {
        HealthReport report = second.reports.get(heardOfSecond);
        assertThat(report.replicas()).allSatisfy(r -> assertThat(r.state()).isEqualTo(HEALTHY));
        first.hear(report);
      }
      Set<String> watched = new HashSet<>(first.open.keySet());
      watched.addAll(second.open.keySet());
      assertThat(watched).hasSize(count);
    }
    assertThat(first.open.size() + second.open.size()).isEqualTo(count);
  }

  @Test
  void oneThatComesAfterAnotherSaysNothingWhileItKnowsNothing() {
    Prober a = new Prober(A, true);
    a.failing.add("dead");
    a.probers(A);
    a.list(Fleets.replica("dead"), Fleets.replica("live"));
    a.runUntil(Watchlist.SILENCE_MILLIS - 1);
    assertThat(a.reports).isNotEmpty();
    assertThat(a.reports.stream().flatMap(report -> report.replicas().stream()))
        .allSatisfy(
            status -> {
              assertThat(status.spec().id().value()).isEqualTo("live");
              assertThat(status.state()).isEqualTo(ReplicaState.HEALTHY);
            });
    a.runUntil(Watchlist.SILENCE_MILLIS + 1_000);
    assertThat(a.reports.get(a.reports.size() - 1).replicas())
        .filteredOn(status -> status.spec().id().value().equals("dead"))
        .singleElement()
        .satisfies(status -> assertThat(status.state()).isEqualTo(ReplicaState.STARTING));
  }

  @Test
  void whoAsksGetsAReportBeforeItsTime() {
    Prober a = new Prober(A);
    a.probers(A);
    a.list(Fleets.replica("r"));
    a.runUntil(10_000);
    int before = a.reports.size();
    a.watchlist.onAsked();
    a.runUntil(10_000 + Watchlist.REPORT_GAP_MILLIS);
    assertThat(a.reports).hasSize(before + 1);
  }
}
