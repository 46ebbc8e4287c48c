package io.penstock.app;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.bus.Listeners;
import io.penstock.inference.Role;
import io.penstock.telemetry.LoopWatch;
import io.penstock.telemetry.Names;
import io.penstock.time.Clock;
import io.vertx.core.Context;
import io.vertx.core.Deployable;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the verticles of one node running. When an entry of one throws (a message, a timer, a
 * change of the cluster), its core may be half changed and can't be trusted: it is undeployed, and
 * a fresh one is deployed that rebuilds its state from the cluster, as an heir on another node
 * would. That happens at once, and when it keeps failing by the {@link RestartPlan}. What is down
 * for longer than {@link #PATIENCE_MILLIS} leaves its post to other nodes until it runs again, and
 * so does what lives on an event loop that hangs.
 *
 * <p>Its state is touched on an event loop of its own choice; methods may be called from any
 * thread.
 */
final class Supervisor implements LoopWatch.Listener {
  /** How long a verticle may be down before others are asked to take its role. */
  static final long PATIENCE_MILLIS = 1_000;

  /** A verticle that does not end within this is left behind. */
  private static final long END_MILLIS = 5_000;

  /** Least time between two stack traces of a verticle that goes on. */
  private static final long LOG_GAP_MILLIS = 1_000;

  private static final Logger LOG = LoggerFactory.getLogger(Supervisor.class);

  /** What follows when a verticle is down for longer. Called on any thread. */
  interface Posts {
    /**
     * It is down, or still is.
     *
     * @param role that others should take now; empty when the verticle is none of a role
     */
    void vacant(String name, Optional<Role> role, String why);

    /** It runs again. */
    void filled(String name, Optional<Role> role);
  }

  private final Vertx vertx;
  private final Context context;
  private final Clock clock;
  private final MeterRegistry meters;
  private final Posts posts;
  private final AtomicReference<Set<Absence>> absences = new AtomicReference<>(Set.of());
  private final List<Ward> wards = new CopyOnWriteArrayList<>();
  private final AtomicBoolean stopped = new AtomicBoolean();

  Supervisor(Vertx vertx, Clock clock, MeterRegistry meters, Posts posts) {
    this.vertx = vertx;
    this.context = vertx.getOrCreateContext();
    this.clock = clock;
    this.meters = meters;
    this.posts = posts;
  }

  /**
   * Deploys a role's verticle and keeps it running.
   *
   * @param nth makes the first one from 0, those that come after it from 1, 2, …
   * @return completes when the first is up; fails, and keeps nothing running, when it can not start
   */
  Future<Void> keep(Role role, IntFunction<Deployable> nth) {
    return keep(role, nth, UnaryOperator.identity());
  }

  /**
   * The same of one that lives on a certain event loop.
   *
   * @param place given what is to be deployed, gives what deploys it there
   */
  Future<Void> keep(Role role, IntFunction<Deployable> nth, UnaryOperator<Deployable> place) {
    return keep(new Ward(role.label(), Optional.of(role), nth, place));
  }

  /** The same for a verticle that is none of a role. */
  Future<Void> keep(String name, IntFunction<Deployable> nth) {
    return keep(new Ward(name, Optional.empty(), nth, UnaryOperator.identity()));
  }

  private Future<Void> keep(Ward ward) {
    wards.add(ward);
    context.runOnContext(turn -> ward.begin());
    return ward.first.future();
  }

  /**
   * A verticle that is not started afresh: what it carries is worth more than its state. What comes
   * out of its entries is counted and logged, and it goes on.
   */
  Deployable watched(Role role, Deployable verticle) {
    return new Watched(verticle, new Tolerance(role));
  }

  /** Counts, logs, and lets it go on. Touched on the verticle's event loop. */
  private final class Tolerance implements Doctor {
    private final Role role;
    private final Counter exceptions;
    private long nextLogMillis = Long.MIN_VALUE;
    private long unsaid;

    Tolerance(Role role) {
      this.role = role;
      this.exceptions = meters.counter(Names.VERTICLE_EXCEPTIONS, "role", role.label());
    }

    @Override
    public void livesOn(Thread loop) {}

    @Override
    public void failed(Throwable bug) {
      exceptions.increment();
      long now = clock.millis();
      if (now < nextLogMillis) {
        unsaid++;
        return;
      }
      LOG.error(
          "{}: an entry failed, outside of any request; it goes on ({} more since the last line)",
          role,
          unsaid,
          bug);
      nextLogMillis = now + LOG_GAP_MILLIS;
      unsaid = 0;
    }
  }

  /** Roles whose verticles are down, or hang. */
  Set<Role> vacant() {
    Set<Role> roles = EnumSet.noneOf(Role.class);
    for (Absence each : Objects.requireNonNull(absences.get())) {
      each.role().ifPresent(roles::add);
    }
    return Set.copyOf(roles);
  }

  /**
   * An event loop hangs, and with it the verticles that live on it. They are not started afresh,
   * since they may go on; their roles are for others meanwhile. At once and on any thread: the
   * supervisor's own loop may be the one.
   */
  @Override
  public void hangs(Thread thread) {
    for (Ward ward : wards) {
      if (thread.equals(ward.thread.get())) {
        vacate(new Absence(ward.name, ward.role, Optional.of(thread)), "its event loop hangs");
      }
    }
  }

  @Override
  public void turns(Thread thread) {
    for (Ward ward : wards) {
      fill(new Absence(ward.name, ward.role, Optional.of(thread)));
    }
  }

  /**
   * Why a verticle does nothing.
   *
   * @param hung the loop that hangs; empty when it has failed
   */
  private record Absence(String name, Optional<Role> role, Optional<Thread> hung) {}

  private void vacate(Absence absence, String why) {
    absences.updateAndGet(now -> changed(now, absence, true));
    posts.vacant(absence.name(), absence.role(), why);
  }

  private void fill(Absence absence) {
    Set<Absence> before = Objects.requireNonNull(absences.get());
    Set<Absence> after = absences.updateAndGet(now -> changed(now, absence, false));
    boolean isThere = after.stream().noneMatch(each -> each.name().equals(absence.name()));
    if (before.contains(absence) && isThere) {
      posts.filled(absence.name(), absence.role());
    }
  }

  /** Starts nothing afresh from now on. */
  void stop() {
    stopped.set(true);
  }

  /** What may happen to a verticle that is deployed. */
  private interface Doctor {
    void livesOn(Thread loop);

    void failed(Throwable bug);
  }

  /** A verticle whose context tells what its entries throw. */
  private record Watched(Deployable verticle, Doctor doctor) implements Deployable {
    @Override
    public Future<?> deploy(Context of) throws Exception {
      doctor.livesOn(Thread.currentThread());
      of.exceptionHandler(doctor::failed);
      boolean began = false;
      try {
        Future<?> deployed = verticle.deploy(of);
        began = true;
        return deployed.onFailure(e -> Listeners.retire(of));
      } finally {
        if (!began) {
          Listeners.retire(of);
        }
      }
    }

    @Override
    public Future<?> undeploy(Context of) throws Exception {
      Listeners.retire(of);
      return verticle.undeploy(of);
    }
  }

  private enum Phase {
    STARTING,
    UP,
    ENDING,
    WAITING
  }

  /** One verticle that is kept. Touched on the supervisor's event loop, but for its gauge. */
  private final class Ward {
    final String name;
    final Optional<Role> role;
    final IntFunction<Deployable> nth;
    final UnaryOperator<Deployable> place;
    final Promise<Void> first = Promise.promise();
    final RestartPlan plan = new RestartPlan();
    final Counter exceptions;
    final Counter restarts;
    final AtomicInteger up = new AtomicInteger();
    private Phase phase = Phase.WAITING;
    private int number = -1;
    private String deployment = "";
    private long failedMillis;
    private boolean isVacant;

    /** Where it lives; any thread may look. */
    final AtomicReference<@Nullable Thread> thread = new AtomicReference<>();

    private @Nullable Throwable failedEarly;

    Ward(
        String name,
        Optional<Role> role,
        IntFunction<Deployable> nth,
        UnaryOperator<Deployable> place) {
      this.name = name;
      this.role = role;
      this.nth = nth;
      this.place = place;
      this.exceptions = meters.counter(Names.VERTICLE_EXCEPTIONS, "role", name);
      this.restarts = meters.counter(Names.VERTICLE_RESTARTS, "role", name);
      Gauge.builder(Names.VERTICLE_UP, up, AtomicInteger::get)
          .tag("role", name)
          .strongReference(true)
          .register(meters);
    }

    private void begin() {
      if (stopped.get()) {
        return;
      }
      phase = Phase.STARTING;
      failedEarly = null;
      int mine = ++number;
      deploy(mine).onComplete(this::started, this::notStarted);
    }

    private Future<String> deploy(int mine) {
      Doctor doctor =
          new Doctor() {
            @Override
            public void livesOn(Thread loop) {
              thread.set(loop);
            }

            @Override
            public void failed(Throwable bug) {
              context.runOnContext(turn -> Ward.this.failed(mine, bug));
            }
          };
      try {
        Deployable watched = new Watched(nth.apply(mine), doctor);
        return vertx.deployVerticle(place.apply(watched), new DeploymentOptions());
      } catch (RuntimeException e) {
        return Future.failedFuture(e);
      }
    }

    private void started(String id) {
      deployment = id;
      phase = Phase.UP;
      long now = clock.millis();
      if (number > 0) {
        restarts.increment();
      }
      Throwable early = failedEarly;
      if (early != null) {
        first.tryComplete();
        end(plan.notStarted(), early);
        return;
      }
      plan.up(now);
      up.set(1);
      if (number > 0) {
        LOG.info("{}: runs again, after {} ms", name, now - failedMillis);
      }
      fill();
      first.tryComplete();
    }

    private void notStarted(Throwable why) {
      if (number == 0) {
        phase = Phase.WAITING;
        first.tryFail(why);
        return;
      }
      long delay = plan.notStarted();
      LOG.error("{}: could not be started afresh; the next try is in {} ms", name, delay, why);
      vacate("it could not be started afresh: " + why);
      waitFor(delay);
    }

    /** An entry has thrown. */
    private void failed(int which, Throwable bug) {
      exceptions.increment();
      if (stopped.get() || which != number || phase == Phase.ENDING || phase == Phase.WAITING) {
        LOG.debug("{}: an entry failed when it was given up already", name, bug);
      } else if (phase == Phase.STARTING) {
        failedEarly = bug;
      } else {
        end(plan.failed(clock.millis()), bug);
      }
    }

    private void end(long delay, Throwable bug) {
      phase = Phase.ENDING;
      up.set(0);
      failedMillis = clock.millis();
      if (delay == 0) {
        LOG.error(
            "{}: an entry failed, and its state can't be trusted any more; it is started afresh at"
                + " once, and its state rebuilt from the cluster",
            name,
            bug);
        vertx.setTimer(PATIENCE_MILLIS, late -> stillDown(bug));
      } else {
        LOG.error(
            "{}: an entry failed again ({} times in a row); it is started afresh in {} ms{}",
            name,
            plan.failuresInARow(),
            delay,
            role.isPresent() ? ", and the role is given up until then" : "",
            bug);
        vacate("it keeps failing: " + bug);
      }
      vertx
          .undeploy(deployment)
          .timeout(END_MILLIS, TimeUnit.MILLISECONDS)
          .onFailure(e -> LOG.warn("{}: did not end in order", name, e))
          .onComplete(ended -> waitFor(delay));
    }

    private void stillDown(Throwable bug) {
      if (up.get() == 0 && !isVacant) {
        vacate("it failed, and its restart takes long: " + bug);
      }
    }

    private void waitFor(long delay) {
      phase = Phase.WAITING;
      if (delay == 0) {
        begin();
      } else {
        vertx.setTimer(delay, due -> begin());
      }
    }

    private void vacate(String why) {
      if (stopped.get()) {
        return;
      }
      isVacant = true;
      Supervisor.this.vacate(new Absence(name, role, Optional.empty()), why);
    }

    private void fill() {
      if (isVacant) {
        isVacant = false;
        Supervisor.this.fill(new Absence(name, role, Optional.empty()));
      }
    }
  }

  private static Set<Absence> changed(Set<Absence> of, Absence absence, boolean isIn) {
    Set<Absence> next = new HashSet<>(of);
    if (isIn) {
      next.add(absence);
    } else {
      next.remove(absence);
    }
    return Set.copyOf(next);
  }
}
