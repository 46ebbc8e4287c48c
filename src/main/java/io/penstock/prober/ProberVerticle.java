package io.penstock.prober;

import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.bus.Bus;
import io.penstock.bus.Directory;
import io.penstock.bus.Setting;
import io.penstock.inference.Fleet;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.Role;
import io.penstock.message.AskHealth;
import io.penstock.message.Doubt;
import io.penstock.message.HealthReport;
import io.penstock.message.KvCacheState;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Signals;
import io.penstock.prober.ProberDecision.Target;
import io.penstock.time.Clock;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shell of {@link Watchlist}: brings it views, lists, reports and the engines' answers, and
 * carries out what it decides. One per node with the role {@code health-prober}; it begins to probe
 * when the directory lists its node with that role.
 */
public final class ProberVerticle extends VerticleBase {
  private static final Logger log = LoggerFactory.getLogger(ProberVerticle.class);
  private static final int ERROR_CHARS_MAX = 200;

  /** A replica that has never answered is told of once, after so many checks. */
  private static final int CHECKS_UNTIL_TOLD = 10;

  /** A replica under watch, as far as the outside world goes. */
  private static final class Engine {
    private final EngineProbes.Probe probe;
    private final ReplicaMeters meters;
    private final CacheEvents.Subscription events;
    private int checksWithoutAnswer;

    Engine(EngineProbes.Probe probe, CacheEvents.Subscription events, ReplicaMeters meters) {
      this.probe = probe;
      this.events = events;
      this.meters = meters;
    }

    EngineProbes.Probe probe() {
      return probe;
    }

    ReplicaMeters meters() {
      return meters;
    }

    /** Whether it is time to say that it has never answered. */
    boolean stillSilent(boolean answered) {
      if (answered) {
        checksWithoutAnswer = Integer.MIN_VALUE; // it has: its changes of state tell the rest
      }
      return ++checksWithoutAnswer == CHECKS_UNTIL_TOLD;
    }

    /** The same replica, asked in another way. */
    Engine askedBy(EngineProbes.Probe other, CacheEvents.Subscription otherEvents) {
      probe.close();
      events.cancel();
      meters.noKvCache();
      return new Engine(other, otherEvents, meters);
    }

    void close() {
      probe.close();
      events.cancel();
      meters.close();
    }
  }

  /** A pool's list that is followed. */
  private record Followed(Pool pool, ReplicaLists.Subscription subscription) {
    /** Whether the other definition of the pool lists the same. */
    boolean listsAs(Pool other) {
      return pool.replicas().equals(other.replicas())
          && pool.maxConcurrent() == other.maxConcurrent()
          && pool.capabilities().equals(other.capabilities());
    }
  }

  private final Bus bus;
  private final Directory directory;
  private final Setting<Fleet> fleet;
  private final EngineProbes probes;
  private final CacheEvents cacheEvents;
  private final ReplicaLists lists;
  private final Clock clock;
  private final MeterRegistry registry;
  private final Watchlist watchlist;
  private final Outlet outlet = new Outlet();
  private final Map<Target, Engine> engines = new HashMap<>();
  private final Map<PoolName, Followed> followed = new HashMap<>();
  private Bus.@Nullable Registration registration;
  private @Nullable Long timer;
  private boolean isStopped;

  /**
   * @param afterAnother whether it comes in the place of one on this node that failed: it says
   *     nothing of a replica that it knows nothing about while others may believe that one
   */
  public ProberVerticle(
      Bus bus,
      Directory directory,
      Setting<Fleet> fleet,
      EngineProbes probes,
      CacheEvents cacheEvents,
      ReplicaLists lists,
      Clock clock,
      MeterRegistry registry,
      boolean afterAnother) {
    this.bus = bus;
    this.directory = directory;
    this.fleet = fleet;
    this.probes = probes;
    this.cacheEvents = cacheEvents;
    this.lists = lists;
    this.clock = clock;
    this.registry = registry;
    this.watchlist = new Watchlist(bus.self(), fleet.now().pools(), afterAnother);
  }

  @Override
  public Future<?> start() {
    return bus.consume(Room.PROBER, 0, this::hear).map(this::follow);
  }

  private Future<Void> follow(Bus.Registration heard) {
    registration = heard;
    fleetChanged(fleet.now());
    directory.onChange(
        view -> act(watchlist.onProbers(view.with(Role.HEALTH_PROBER), clock.millis())));
    fleet.onChange(this::fleetChanged);
    return Future.succeededFuture();
  }

  private void fleetChanged(Fleet next) {
    if (isStopped) {
      return;
    }
    act(watchlist.onFleet(next.pools(), clock.millis()));
    Set<PoolName> named = next.pools().stream().map(Pool::name).collect(Collectors.toSet());
    for (PoolName name : List.copyOf(followed.keySet())) {
      if (!named.contains(name)) {
        unfollow(name);
      }
    }
    for (Pool pool : next.pools()) {
      Followed known = followed.get(pool.name());
      if (known == null || !known.listsAs(pool)) {
        unfollow(pool.name());
        follow(pool);
      }
    }
  }

  private void follow(Pool pool) {
    ReplicaLists.Subscription subscription =
        lists.follow(
            pool, replicas -> act(watchlist.onList(pool.name(), replicas, clock.millis())));
    followed.put(pool.name(), new Followed(pool, subscription));
  }

  private void unfollow(PoolName name) {
    Followed known = followed.remove(name);
    if (known != null) {
      known
          .subscription()
          .cancel()
          .onFailure(e -> log.warn("pool {}: its list can not be let go of", name, e));
    }
  }

  @Override
  public Future<?> stop() {
    isStopped = true;
    disarm();
    engines.values().forEach(Engine::close);
    engines.clear();
    List<Future<Void>> ends = new ArrayList<>();
    ends.add(cacheEvents.close());
    followed.values().forEach(each -> ends.add(each.subscription().cancel()));
    if (registration != null) {
      ends.add(registration.cancel());
    }
    return Future.join(ends);
  }

  private void hear(Message message) {
    if (message instanceof HealthReport report) {
      act(watchlist.onReport(report, clock.millis()));
    } else if (message instanceof Doubt doubt) {
      watchlist.onDoubt(doubt, clock.millis());
      act(List.of());
    } else if (message instanceof AskHealth) {
      watchlist.onAsked();
      act(List.of());
    }
  }

  private void act(List<ProberDecision> decisions) {
    if (isStopped) {
      return;
    }
    decisions.forEach(decision -> decision.tell(outlet));
    watchlist.tick(clock.millis()).forEach(decision -> decision.tell(outlet));
    arm();
  }

  private void arm() {
    disarm();
    long due = watchlist.nextDueMillis();
    long now = clock.millis();
    if (due != Long.MAX_VALUE) {
      timer = vertx.setTimer(due <= now ? 1 : due - now, fired -> act(List.of()));
    }
  }

  private void disarm() {
    if (timer != null) {
      vertx.cancelTimer(timer);
      timer = null;
    }
  }

  private void checked(Target target, AsyncResult<Void> answer) {
    Engine engine = engines.get(target);
    if (engine == null) {
      return;
    }
    engine.meters().checked(answer.succeeded());
    if (engine.stillSilent(answer.succeeded())) {
      log.warn(
          "replica {} of pool {}: has not answered any of {} checks yet: {}",
          target.id(),
          target.pool(),
          CHECKS_UNTIL_TOLD,
          why(answer.cause()));
    }
    long now = clock.millis();
    act(
        answer.succeeded()
            ? watchlist.onCheckSucceeded(target, now)
            : watchlist.onCheckFailed(target, why(answer.cause()), now));
  }

  private void scraped(Target target, AsyncResult<Optional<Signals>> answer) {
    Engine engine = engines.get(target);
    if (engine == null) {
      return;
    }
    engine.meters().scraped(answer.succeeded());
    if (answer.succeeded()) {
      answer.result().ifPresent(engine.meters()::signals);
      act(watchlist.onSignals(target, answer.result(), clock.millis()));
    } else {
      log.debug(
          "replica {} of pool {}: scrape failed: {}",
          target.id(),
          target.pool(),
          why(answer.cause()));
      watchlist.onScrapeFailed(target);
      act(List.of());
    }
  }

  private CacheEvents.Subscription events(Target target, Pool pool, ReplicaSpec spec) {
    return pool.kvEvents()
        .map(source -> cacheEvents.follow(spec, source, state -> cacheChanged(target, state)))
        .orElse(() -> {});
  }

  private void cacheChanged(Target target, KvCacheState state) {
    Engine engine = engines.get(target);
    if (engine != null) {
      engine.meters().kvCache(state);
      act(watchlist.onKvCache(target, state, clock.millis()));
    }
  }

  private void answered(Target target, AsyncResult<Optional<Boolean>> answer) {
    if (!engines.containsKey(target)) {
      return;
    }
    if (answer.succeeded()) {
      act(watchlist.onAbility(target, answer.result()));
    } else {
      log.debug(
          "replica {} of pool {}: its API description did not come: {}",
          target.id(),
          target.pool(),
          why(answer.cause()));
      watchlist.onAbilityFailed(target, clock.millis());
      act(List.of());
    }
  }

  private static String why(Throwable cause) {
    String message = cause.getMessage();
    String text = message == null ? cause.getClass().getSimpleName() : message;
    return text.length() <= ERROR_CHARS_MAX ? text : text.substring(0, ERROR_CHARS_MAX);
  }

  private final class Outlet implements ProberDecision.Outlet {
    @Override
    public void open(ProberDecision.Open decision) {
      engines.put(
          decision.target(),
          new Engine(
              probes.open(decision.pool(), decision.spec()),
              events(decision.target(), decision.pool(), decision.spec()),
              new ReplicaMeters(registry, decision.target())));
    }

    @Override
    public void reopen(ProberDecision.Reopen decision) {
      Engine engine = engines.remove(decision.before());
      if (engine != null) {
        engines.put(
            decision.target(),
            engine.askedBy(
                probes.open(decision.pool(), decision.spec()),
                events(decision.target(), decision.pool(), decision.spec())));
      }
    }

    @Override
    public void close(ProberDecision.Close decision) {
      Engine engine = engines.remove(decision.target());
      if (engine != null) {
        engine.close();
      }
    }

    @Override
    public void check(ProberDecision.Check decision) {
      Engine engine = engines.get(decision.target());
      if (engine != null) {
        engine
            .probe()
            .check(decision.timeout())
            .onComplete(answer -> checked(decision.target(), answer));
      }
    }

    @Override
    public void scrape(ProberDecision.Scrape decision) {
      Engine engine = engines.get(decision.target());
      if (engine != null) {
        engine
            .probe()
            .scrape(decision.timeout())
            .onComplete(answer -> scraped(decision.target(), answer));
      }
    }

    @Override
    public void askAbility(ProberDecision.AskAbility decision) {
      Engine engine = engines.get(decision.target());
      if (engine != null) {
        engine
            .probe()
            .continuesMessages(decision.timeout())
            .onComplete(answer -> answered(decision.target(), answer));
      }
    }

    @Override
    public void changed(ProberDecision.Changed decision) {
      ReplicaHealth.Change change = decision.change();
      Target target = decision.target();
      if (change.to() == ReplicaState.UNHEALTHY) {
        log.warn(
            "replica {} of pool {}: {} -> {}: {}",
            target.id(),
            target.pool(),
            change.from(),
            change.to(),
            change.why());
      } else {
        log.info(
            "replica {} of pool {}: {} -> {}: {}",
            target.id(),
            target.pool(),
            change.from(),
            change.to(),
            change.why());
      }
      Engine engine = engines.get(target);
      if (engine != null) {
        engine.meters().changed(change.to());
      }
    }

    @Override
    public void signalsKnown(ProberDecision.SignalsKnown decision) {
      Target target = decision.target();
      if (decision.given()) {
        log.info("replica {} of pool {}: gives load signals", target.id(), target.pool());
      } else {
        log.warn(
            "replica {} of pool {}: gives no load signals; it is judged by what we sent it alone",
            target.id(),
            target.pool());
      }
    }

    @Override
    public void abilityKnown(ProberDecision.AbilityKnown decision) {
      Target target = decision.target();
      if (decision.continuesMessages().equals(Optional.of(false))) {
        log.info(
            "replica {} of pool {}: its API can not continue a message, so chats that break"
                + " elsewhere do not go on here",
            target.id(),
            target.pool());
      } else {
        log.debug(
            "replica {} of pool {}: continues messages: {}",
            target.id(),
            target.pool(),
            decision.continuesMessages().map(String::valueOf).orElse("not told"));
      }
    }

    @Override
    public void report(ProberDecision.Report decision) {
      bus.publish(Room.BATCHER, decision.report());
      bus.publish(Room.ROUTER, decision.report());
      bus.publish(Room.PROBER, decision.report());
    }
  }
}
