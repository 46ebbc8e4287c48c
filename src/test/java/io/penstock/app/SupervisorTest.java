package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.bus.Listeners;
import io.penstock.inference.Role;
import io.penstock.telemetry.Names;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

@Timeout(300)
class SupervisorTest {
  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(2));
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final BlockingQueue<String> seen = new LinkedBlockingQueue<>();
  private final BlockingQueue<Long> seenNanos = new LinkedBlockingQueue<>();
  private long lastNanos; // when that came about which next() has given last
  private final Listeners<String> views = new Listeners<>();
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private final Supervisor supervisor =
      new Supervisor(
          vertx,
          Clock.system(),
          meters,
          new Supervisor.Posts() {
            @Override
            public void vacant(String name, Optional<Role> role, String why) {
              saw("vacant " + name + role.map(r -> " of " + r).orElse(""));
            }

            @Override
            public void filled(String name, Optional<Role> role) {
              saw("filled " + name);
            }
          });

  @BeforeEach
  void listen() {
    log.start();
    ((Logger) LoggerFactory.getLogger(Supervisor.class)).addAppender(log);
  }

  @AfterEach
  void close() throws Exception {
    ((Logger) LoggerFactory.getLogger(Supervisor.class)).detachAppender(log);
    get(vertx.close());
  }

  private static <T> T get(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private synchronized void saw(String what) {
    seenNanos.add(System.nanoTime());
    seen.add(what);
  }

  private String next() throws InterruptedException {
    String next = String.valueOf(seen.poll(60, TimeUnit.SECONDS));
    lastNanos = seenNanos.isEmpty() ? 0 : seenNanos.remove();
    return next;
  }

  private double count(String name, String role) {
    return meters.get(name).tag("role", role).counter().count();
  }

  private double up(String role) {
    return meters.get(Names.VERTICLE_UP).tag("role", role).gauge().value();
  }

  /** Where something may throw. */
  private enum Entry {
    MESSAGE,
    TIMER,
    PERIODIC,
    FUTURE,
    VIEW
  }

  /** Says when it begins and ends, and throws in an entry where it is to. */
  private final class Fragile extends VerticleBase {
    private final int number;
    private final Entry entry;
    private final boolean throwing;
    private boolean thrown;

    Fragile(int number, Entry entry, boolean throwing) {
      this.number = number;
      this.entry = entry;
      this.throwing = throwing;
    }

    @Override
    public Future<?> start() {
      vertx.eventBus().consumer("poke", poked -> entered(Entry.MESSAGE));
      vertx.setTimer(5, due -> entered(Entry.TIMER));
      vertx.setPeriodic(5, due -> entered(Entry.PERIODIC));
      vertx.timer(5).onComplete(due -> entered(Entry.FUTURE));
      views.add(vertx, view -> entered(Entry.VIEW), () -> "view");
      saw("begins " + number);
      return Future.succeededFuture();
    }

    private void entered(Entry where) {
      if (throwing && where == entry && !thrown) {
        thrown = true;
        throw new IllegalStateException("on purpose in " + where);
      }
    }

    @Override
    public Future<?> stop() {
      saw("ends " + number);
      return Future.succeededFuture();
    }
  }

  private Future<Void> keep(Role role, Entry entry, IntPredicate throwing) {
    return supervisor.keep(role, nth -> new Fragile(nth, entry, throwing.test(nth)));
  }

  @ParameterizedTest
  @EnumSource
  void whatThrowsAnywhereIsStartedAfreshAtOnce(Entry entry) throws Exception {
    get(keep(Role.BATCHER, entry, nth -> nth == 0));
    vertx.eventBus().publish("poke", "");
    assertThat(next()).isEqualTo("begins 0");
    assertThat(next()).isEqualTo("ends 0");
    assertThat(next()).isEqualTo("begins 1");
    until(() -> up("batcher") == 1);
    assertThat(count(Names.VERTICLE_EXCEPTIONS, "batcher")).isEqualTo(1);
    assertThat(count(Names.VERTICLE_RESTARTS, "batcher")).isEqualTo(1);
    assertThat(supervisor.vacant()).isEmpty();
    assertThat(errors())
        .singleElement()
        .satisfies(
            line -> {
              assertThat(line.getFormattedMessage()).startsWith("batcher: ").contains("at once");
              assertThat(line.getThrowableProxy().getMessage()).isEqualTo("on purpose in " + entry);
            });
    views.tell("later"); // not to the first any more
    assertThat(seen).isEmpty();
  }

  private List<ILoggingEvent> errors() {
    return log.list.stream().filter(line -> line.getLevel() == Level.ERROR).toList();
  }

  private static void until(java.util.function.BooleanSupplier condition) throws Exception {
    CompletableFuture<Void> met = new CompletableFuture<>();
    Vertx ticking = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    ticking.setPeriodic(
        5,
        tick -> {
          if (condition.getAsBoolean()) {
            met.complete(null);
          }
        });
    try {
      met.get(60, TimeUnit.SECONDS);
    } finally {
      get(ticking.close());
    }
  }

  @Test
  void whatKeepsThrowingIsGivenUpForLongerAndLongerAndThenTakenUpAgain() throws Exception {
    get(keep(Role.ROUTER, Entry.TIMER, nth -> nth < 3));
    assertThat(List.of(next(), next(), next(), next()))
        .containsExactly("begins 0", "ends 0", "begins 1", "vacant router of router");
    assertThat(supervisor.vacant()).containsExactly(Role.ROUTER);
    assertThat(up("router")).isZero();
    long given = lastNanos;
    assertThat(List.of(next(), next())).containsExactly("ends 1", "begins 2");
    assertThat(TimeUnit.NANOSECONDS.toMillis(lastNanos - given)).isGreaterThan(900);
    assertThat(next()).isEqualTo("filled router");
    assertThat(next()).isEqualTo("vacant router of router");
    given = lastNanos;
    assertThat(List.of(next(), next())).containsExactly("ends 2", "begins 3");
    assertThat(TimeUnit.NANOSECONDS.toMillis(lastNanos - given)).isGreaterThan(1_900);
    assertThat(next()).isEqualTo("filled router");
    assertThat(supervisor.vacant()).isEmpty();
    assertThat(up("router")).isEqualTo(1);
    assertThat(count(Names.VERTICLE_RESTARTS, "router")).isEqualTo(3);
    assertThat(errors()).hasSize(3);
  }

  @Test
  void whatDoesNotStartAfreshIsTriedAgain() throws Exception {
    get(
        supervisor.keep(
            "admin",
            nth -> {
              if (nth == 1) {
                throw new IllegalStateException("can not be made");
              }
              return nth == 2
                  ? of -> {
                    saw("tried 2");
                    return Future.failedFuture("no port");
                  }
                  : new Fragile(nth, Entry.TIMER, nth == 0);
            }));
    assertThat(List.of(next(), next(), next()))
        .containsExactly("begins 0", "ends 0", "vacant admin");
    assertThat(supervisor.vacant()).as("it is none of a role").isEmpty();
    assertThat(List.of(next(), next())).containsExactly("tried 2", "vacant admin");
    assertThat(List.of(next(), next())).containsExactly("begins 3", "filled admin");
    assertThat(count(Names.VERTICLE_RESTARTS, "admin")).isEqualTo(1);
  }

  @Test
  void aFirstOneThatCanNotStartIsTheCallersToDealWith() throws Exception {
    Future<Void> kept = supervisor.keep(Role.BATCHER, nth -> of -> Future.failedFuture("no port"));
    assertThat(kept.toCompletionStage().toCompletableFuture())
        .failsWithin(60, TimeUnit.SECONDS)
        .withThrowableThat()
        .withMessageContaining("no port");
    assertThat(seen).isEmpty();
    assertThat(errors()).isEmpty();
  }

  @Test
  void whatDoesNotEndLeavesItsRoleToOthersMeanwhile() throws Exception {
    Promise<Void> end = Promise.promise();
    get(
        supervisor.keep(
            Role.HEALTH_PROBER,
            nth ->
                new VerticleBase() {
                  @Override
                  public Future<?> start() {
                    saw("begins " + nth);
                    if (nth == 0) {
                      vertx.runOnContext(
                          turn -> {
                            throw new IllegalStateException("on purpose");
                          });
                    }
                    return Future.succeededFuture();
                  }

                  @Override
                  public Future<?> stop() {
                    return end.future();
                  }
                }));
    assertThat(next()).isEqualTo("begins 0");
    assertThat(next()).isEqualTo("vacant health-prober of health-prober");
    assertThat(next()).isEqualTo("begins 1");
    assertThat(next()).isEqualTo("filled health-prober");
    end.complete();
  }

  @Test
  void whatIsOnlyWatchedGoesOn() throws Exception {
    Fragile lane = new Fragile(7, Entry.MESSAGE, true);
    get(vertx.deployVerticle(supervisor.watched(Role.INGRESS, lane)));
    assertThat(next()).isEqualTo("begins 7");
    long began = System.nanoTime();
    for (int i = 1; i <= 10; i++) {
      int times = i;
      lane.thrown = false;
      vertx.eventBus().publish("poke", "");
      until(() -> count(Names.VERTICLE_EXCEPTIONS, "ingress") == times);
    }
    long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began);
    assertThat((long) errors().size()).as("one stack trace a second").isBetween(1L, 1 + seconds);
    assertThat(seen).isEmpty();
  }

  @Test
  void nothingIsStartedAfreshOnceTheNodeEnds() throws Exception {
    get(keep(Role.BATCHER, Entry.MESSAGE, nth -> true));
    assertThat(next()).isEqualTo("begins 0");
    supervisor.stop();
    vertx.eventBus().publish("poke", "");
    until(() -> count(Names.VERTICLE_EXCEPTIONS, "batcher") == 1);
    get(vertx.close());
    assertThat(seen).containsExactly("ends 0");
  }
}
