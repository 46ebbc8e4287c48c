package io.penstock.batcher;

import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.batcher.AdmissionDecision.AlarmChanged;
import io.penstock.batcher.AdmissionDecision.Called;
import io.penstock.batcher.AdmissionDecision.CensusRepeated;
import io.penstock.batcher.AdmissionDecision.CensusTaken;
import io.penstock.batcher.AdmissionDecision.Disowned;
import io.penstock.batcher.AdmissionDecision.Doubted;
import io.penstock.batcher.AdmissionDecision.Granted;
import io.penstock.batcher.AdmissionDecision.Judged;
import io.penstock.batcher.AdmissionDecision.LeaseDropped;
import io.penstock.batcher.AdmissionDecision.LeaseExpired;
import io.penstock.batcher.AdmissionDecision.LeaseNotAdopted;
import io.penstock.batcher.AdmissionDecision.Merged;
import io.penstock.batcher.AdmissionDecision.Refused;
import io.penstock.batcher.AdmissionDecision.ReleaseIgnored;
import io.penstock.batcher.AdmissionDecision.Renewed;
import io.penstock.bus.Bus;
import io.penstock.bus.Directory;
import io.penstock.bus.DrainState;
import io.penstock.bus.Drains;
import io.penstock.bus.HeardShares;
import io.penstock.bus.Setting;
import io.penstock.bus.View;
import io.penstock.fault.Fault;
import io.penstock.inference.Fleet;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.message.Admit;
import io.penstock.message.AskDecisions;
import io.penstock.message.AskHealth;
import io.penstock.message.AskPool;
import io.penstock.message.CensusAnswer;
import io.penstock.message.Decisions;
import io.penstock.message.FirstToken;
import io.penstock.message.Grant;
import io.penstock.message.HealthReport;
import io.penstock.message.Message;
import io.penstock.message.Refusal;
import io.penstock.message.Release;
import io.penstock.message.Remark;
import io.penstock.message.Renew;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.Room;
import io.penstock.message.Seat;
import io.penstock.message.Station;
import io.penstock.message.Withdraw;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The role {@code batcher}: owner of the pools that the view of the cluster gives to this node. One
 * instance per node. It reads the clock, hands each message to the pool's core and carries out what
 * the core decided; one timer for all pools runs while anything waits or lives, none otherwise.
 */
public final class BatcherVerticle extends VerticleBase {
  /** How often deadlines and leases are looked at: the error of a queue deadline. */
  static final long TICK_MILLIS = 50;

  /** Reports of probers that did not know of this node yet may have missed it. */
  private static final long ASK_AGAIN_MILLIS = 500;

  private static final Logger LOG = LoggerFactory.getLogger(BatcherVerticle.class);
  private static final long NO_TIMER = -1;
  private static final long UNKNOWN_POOL_RETRY_MILLIS = 1_000;

  private final Bus bus;
  private final Directory directory;
  private final Drains drains;
  private final HeardShares shares = new HeardShares();
  private final Setting<Fleet> fleet;
  private final Duration census;
  private final Clock clock;
  private final MeterRegistry meters;
  private final Legacy legacy;

  // All of these are touched on this verticle's event loop only.
  private final Map<PoolName, Shell> pools = new LinkedHashMap<>();
  private Bus.@Nullable Registration registration;
  private long timer = NO_TIMER;
  private long companyDueMillis = Long.MAX_VALUE;
  private boolean stopped;

  /**
   * @param census longest wait of a new owner for the ingress loops' live grants
   * @param legacy of the batchers that this one comes after
   */
  public BatcherVerticle(
      Bus bus,
      Directory directory,
      Drains drains,
      Setting<Fleet> fleet,
      Duration census,
      Clock clock,
      MeterRegistry meters,
      Legacy legacy) {
    this.bus = bus;
    this.directory = directory;
    this.drains = drains;
    this.fleet = fleet;
    this.census = census;
    this.clock = clock;
    this.meters = meters;
    this.legacy = legacy;
  }

  @Override
  public Future<?> start() {
    for (Pool pool : fleet.now().pools()) {
      pools.put(pool.name(), new Shell(pool));
    }
    return bus.consume(Room.BATCHER, 0, this::receive)
        .onSuccess(
            consumer -> {
              registration = consumer;
              drains.onChange(this::drainsChanged);
              directory.onChange(this::viewChanged);
              fleet.onChange(this::fleetChanged);
              askHealth();
              vertx.setTimer(ASK_AGAIN_MILLIS, due -> askHealth());
            });
  }

  private void askHealth() {
    bus.publish(Room.PROBER, new AskHealth(bus.self()));
  }

  @Override
  public Future<?> stop() {
    stopped = true;
    stopTimer();
    pools.values().forEach(pool -> pool.poolMeters.close());
    return registration == null ? Future.succeededFuture() : registration.cancel();
  }

  private void fleetChanged(Fleet next) {
    if (stopped) {
      return;
    }
    long now = clock.millis();
    Set<PoolName> named = new HashSet<>();
    for (Pool pool : next.pools()) {
      named.add(pool.name());
      Shell known = pools.get(pool.name());
      if (known == null) {
        open(new Shell(pool), now);
      } else if (known.retired || !known.pool.equals(pool)) {
        known.redefine(pool, now);
      }
    }
    for (Shell each : pools.values()) {
      if (!each.retired && !named.contains(each.pool.name())) {
        each.retire(now);
      }
    }
    keepTime();
  }

  /** Tells a pool that is new all that the others have been told before. */
  private void open(Shell added, long nowMillis) {
    pools.put(added.pool.name(), added);
    added.carryOut(added.owner.drains(drains.now(), nowMillis));
    added.carryOut(
        added.owner.view(directory.view(), legacy.epochSeed(clock.epochMillis()), nowMillis));
  }

  private void viewChanged(View view) {
    if (stopped) {
      return;
    }
    long seed = legacy.epochSeed(clock.epochMillis());
    long now = clock.millis();
    pools.values().forEach(pool -> pool.carryOut(pool.owner.view(view, seed, now)));
    keepTime();
  }

  private void drainsChanged(DrainState state) {
    if (stopped) {
      return;
    }
    long now = clock.millis();
    pools.values().forEach(pool -> pool.carryOut(pool.owner.drains(state, now)));
    keepTime();
  }

  private void answer(AskPool question) {
    Shell pool = pools.get(question.pool());
    bus.send(
            question.replyTo(),
            pool == null
                ? Reports.unknown(question, bus.self())
                : Reports.of(question, bus.self(), pool.owner, clock.millis()))
        .onFailure(failure -> LOG.debug("report not delivered: {}", failure.getMessage()));
  }

  private void answer(AskDecisions question) {
    Shell pool = pools.get(question.pool());
    Optional<Admission> owned = pool == null ? Optional.empty() : pool.owner.admission();
    bus.send(
            question.replyTo(),
            new Decisions(
                question.question(),
                question.pool(),
                bus.self(),
                owned.isPresent(),
                owned
                    .map(
                        admission ->
                            admission
                                .decisions()
                                .last(
                                    question.request(),
                                    Math.min(question.last(), AskDecisions.LAST_MAX),
                                    clock.millis()))
                    .orElse(List.of())))
        .onFailure(failure -> LOG.debug("decisions not delivered: {}", failure.getMessage()));
  }

  /** A request at which a batcher fails for the second time is told so, and not asked for again. */
  private void receive(Message message) {
    try {
      handle(message);
    } catch (RuntimeException bug) {
      if (message instanceof Admit admit && legacy.failedAt(admit.id())) {
        LOG.error("pool {}: request {} is refused: batchers fail at it", admit.pool(), admit.id());
        bus.send(admit.replyTo(), failedAt(admit));
      }
      throw bug;
    }
  }

  private void handle(Message message) {
    long now = clock.millis();
    if (message instanceof Admit admit) {
      Shell pool = pools.get(admit.pool());
      if (pool == null) {
        bus.send(admit.replyTo(), unknownPool(admit));
      } else {
        pool.carryOut(pool.owner.admit(admit, now));
      }
    } else if (message instanceof Release release) {
      with(release.pool(), owner -> owner.release(release, now));
    } else if (message instanceof FirstToken news) {
      with(
          news.pool(),
          owner -> {
            owner.firstToken(news, now);
            return List.of();
          });
    } else if (message instanceof Remark remark) {
      with(
          remark.pool(),
          owner -> {
            owner
                .admission()
                .ifPresent(of -> of.decisions().remark(remark.request(), remark.text()));
            return List.of();
          });
    } else if (message instanceof Withdraw withdraw) {
      with(
          withdraw.pool(),
          owner -> {
            owner.withdraw(withdraw);
            return List.of();
          });
    } else if (message instanceof Renew renew) {
      with(renew.pool(), owner -> owner.renew(renew, now));
    } else if (message instanceof CensusAnswer answer) {
      with(answer.pool(), owner -> owner.census(answer, now));
    } else if (message instanceof HealthReport report) {
      reported(report, now);
    } else if (message instanceof AskPool question) {
      answer(question);
    } else if (message instanceof AskDecisions question) {
      answer(question);
    } else {
      LOG.warn(
          "batcher got {} (expected: Admit, FirstToken, Release, Remark, Withdraw, Renew, CensusAnswer,"
              + " HealthReport, AskPool, AskDecisions)",
          message.getClass().getSimpleName());
    }
    keepTime();
  }

  private void reported(HealthReport report, long nowMillis) {
    if (!shares.isOfUse(report)) {
      askHealth(); // the share was missed
      return;
    }
    Map<PoolName, List<ReplicaStatus>> byPool = new LinkedHashMap<>();
    for (ReplicaStatus each : report.replicas()) {
      byPool.computeIfAbsent(each.pool(), pool -> new ArrayList<>()).add(each);
    }
    byPool.forEach(
        (pool, replicas) ->
            with(pool, owner -> owner.report(report.prober(), replicas, nowMillis)));
  }

  private interface Event {
    List<AdmissionDecision> happen(PoolOwner owner);
  }

  private void with(PoolName name, Event event) {
    Shell pool = pools.get(name);
    if (pool != null) {
      pool.carryOut(event.happen(pool.owner));
    }
  }

  private static Refusal failedAt(Admit admit) {
    return new Refusal(
        admit.id(),
        Optional.of(admit.pool()),
        Fault.INTERNAL,
        "something went wrong inside the gateway at this request, twice; the log of the owner of pool '"
            + admit.pool()
            + "' says what",
        "",
        0);
  }

  private static Refusal unknownPool(Admit admit) {
    return new Refusal(
        admit.id(),
        Optional.of(admit.pool()),
        Fault.UNKNOWN_POOL,
        "Pool '" + admit.pool() + "' is not in the configuration of the node that should own it.",
        "",
        UNKNOWN_POOL_RETRY_MILLIS);
  }

  /** Keeps the timer while a pool needs it, and forgets pools that are gone with all they held. */
  private void keepTime() {
    boolean busy = false;
    boolean over = false;
    long due = Long.MAX_VALUE;
    for (Shell pool : pools.values()) {
      busy |= pool.owner.busy();
      over |= pool.owner.isOver();
      due = Math.min(due, pool.owner.companyDueMillis());
    }
    keepCompanyTime(due);
    if (over) {
      pools.values().removeIf(Shell::closedIfOver);
    }
    if (!busy) {
      stopTimer();
    } else if (timer == NO_TIMER && !stopped) {
      timer = vertx.setPeriodic(TICK_MILLIS, id -> tick());
    }
  }

  private void tick() {
    long now = clock.millis();
    pools.values().forEach(pool -> pool.carryOut(pool.owner.tick(now)));
    keepTime();
  }

  /** Wakes up when the first request has waited long enough for company. */
  private void keepCompanyTime(long due) {
    if (due < companyDueMillis && !stopped) {
      companyDueMillis = due;
      vertx.setTimer(Math.max(1, due - clock.millis()), id -> companyDue(due));
    }
  }

  private void companyDue(long dueMillis) {
    if (dueMillis == companyDueMillis) {
      companyDueMillis = Long.MAX_VALUE;
      tick();
    }
  }

  private void stopTimer() {
    if (timer != NO_TIMER) {
      vertx.cancelTimer(timer);
      timer = NO_TIMER;
    }
  }

  /** One pool: its core, its meters, and the outlet that carries its decisions out. */
  private final class Shell implements AdmissionDecision.Outlet {
    private Pool pool;
    private final PoolOwner owner;
    private final PoolMeters poolMeters;
    private boolean retired;

    Shell(Pool pool) {
      this.pool = pool;
      this.owner =
          new PoolOwner(
              pool, bus.self(), census.toMillis(), () -> ThreadLocalRandom.current().nextDouble());
      this.poolMeters = new PoolMeters(meters, pool);
    }

    void redefine(Pool next, long nowMillis) {
      LOG.info("pool {}: {}", next.name(), retired ? "is back" : "is defined anew");
      retired = false;
      pool = next;
      carryOut(owner.redefine(next, nowMillis));
    }

    void retire(long nowMillis) {
      LOG.info(
          "pool {}: taken out of the configuration; {} requests still run",
          pool.name(),
          owner.admission().map(Admission::live).orElse(0));
      retired = true;
      carryOut(owner.retire(nowMillis));
    }

    boolean closedIfOver() {
      boolean over = owner.isOver();
      if (over) {
        poolMeters.close();
      }
      return over;
    }

    void carryOut(List<AdmissionDecision> decisions) {
      decisions.forEach(decision -> decision.tell(this));
      poolMeters.show(owner);
    }

    @Override
    public void granted(Granted decision) {
      if (!decision.again()) {
        poolMeters.granted(decision.priority(), decision.tenant(), decision.grant().queuedMillis());
      }
      bus.send(decision.to(), decision.grant())
          .onFailure(failure -> undelivered(decision.to(), decision.grant(), failure));
    }

    private void undelivered(Station to, Grant grant, Throwable failure) {
      LOG.info(
          "pool {}: grant of {} to {} not delivered: {}",
          pool.name(),
          grant.id(),
          to,
          failure.getMessage());
      // On a turn of its own: a send may fail while decisions are still being told.
      context.runOnContext(
          later -> {
            carryOut(owner.undelivered(grant, clock.millis()));
            keepTime();
          });
    }

    @Override
    public void merged(Merged decision) {
      bus.send(decision.to(), decision.batch())
          .onFailure(failure -> undelivered(decision.to(), decision.batch().grant(), failure));
      for (int i = 0; i < decision.seats().size(); i++) {
        Seat seat = decision.seats().get(i);
        poolMeters.granted(
            decision.priorities().get(i), decision.tenants().get(i), seat.queuedMillis());
        tell(decision.batch().lanes().get(i).station(), seat);
      }
    }

    @Override
    public void called(Called decision) {
      poolMeters.called(decision.inputs(), decision.waitedMillis());
    }

    @Override
    public void refused(Refused decision) {
      poolMeters.refused(decision.refusal().fault());
      tell(decision.to(), decision.refusal());
    }

    @Override
    public void disowned(Disowned decision) {
      tell(decision.to(), decision.answer());
    }

    @Override
    public void renewed(Renewed decision) {
      tell(decision.to(), decision.answer());
    }

    @Override
    public void censusTaken(CensusTaken decision) {
      bus.publish(Room.INGRESS, decision.census());
    }

    @Override
    public void censusRepeated(CensusRepeated decision) {
      tell(decision.to(), decision.census());
    }

    @Override
    public void leaseExpired(LeaseExpired decision) {
      poolMeters.leaseExpired();
      LOG.warn(
          "pool {}: {} has not renewed {} on {} for {} ms; its slot is free again",
          pool.name(),
          decision.holder(),
          decision.lease().id(),
          decision.lease().replica(),
          Admission.LEASE_MILLIS);
    }

    @Override
    public void leaseDropped(LeaseDropped decision) {
      poolMeters.leaseDropped();
      LOG.info(
          "pool {}: {} holds {} on {} no more, and its release was lost; its slot is free again",
          pool.name(),
          decision.holder(),
          decision.lease().id(),
          decision.lease().replica());
    }

    @Override
    public void leaseNotAdopted(LeaseNotAdopted decision) {
      poolMeters.leaseNotAdopted();
      LOG.warn(
          "pool {}: lease {} of {} not adopted: the ledger is full (at most {})",
          pool.name(),
          decision.lease().id(),
          decision.holder(),
          Admission.LEDGER_MAX);
    }

    @Override
    public void releaseIgnored(ReleaseIgnored decision) {
      poolMeters.releaseIgnored();
      LOG.debug("pool {}: release of {} matches no live grant", pool.name(), decision.id());
    }

    @Override
    public void doubted(Doubted decision) {
      bus.publish(Room.PROBER, decision.doubt());
    }

    @Override
    public void judged(Judged decision) {
      if (decision.bar().severity() > decision.before().severity()) {
        poolMeters.ejected(decision.bar());
        LOG.warn("pool {}: replica {}: {}", pool.name(), decision.replica(), decision.why());
      } else {
        LOG.info(
            "pool {}: replica {}: {}",
            pool.name(),
            decision.replica(),
            decision.bar() == Bar.NONE ? "in use again" : decision.why());
      }
    }

    @Override
    public void alarmChanged(AlarmChanged decision) {
      if (decision.belowMin()) {
        LOG.warn(
            "pool {}: {} healthy replicas (expected: at least {}, min_healthy_replicas)",
            pool.name(),
            decision.healthy(),
            decision.minHealthy());
      } else {
        LOG.info("pool {}: {} healthy replicas, enough again", pool.name(), decision.healthy());
      }
    }

    /** The receiver asks again if this is lost, so a failure is only noted. */
    private void tell(Station to, Message message) {
      bus.send(to, message)
          .onFailure(
              failure ->
                  LOG.debug(
                      "pool {}: {} to {} not delivered: {}",
                      pool.name(),
                      message.getClass().getSimpleName(),
                      to,
                      failure.getMessage()));
    }
  }
}
