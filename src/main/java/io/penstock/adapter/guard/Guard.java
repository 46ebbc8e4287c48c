package io.penstock.adapter.guard;

import static io.penstock.inference.Checks.require;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.penstock.telemetry.Names;
import io.vertx.circuitbreaker.CircuitBreaker;
import io.vertx.circuitbreaker.CircuitBreakerOptions;
import io.vertx.circuitbreaker.OpenCircuitException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls to one foreign system at one address. After so many failures in a row it is left alone for
 * a while, then asked once; if that fails too it is left alone again, and else asked by everybody
 * as before. Belongs to the event loop on which it is called, and ends with it.
 */
public final class Guard {
  private static final Logger log = LoggerFactory.getLogger(Guard.class);

  /** Failures in a row that lie further apart are not one outage. */
  private static final Duration WINDOW = Duration.ofHours(1);

  private static final int CLOSED = 0;
  private static final int HALF_OPEN = 1;
  private static final int OPEN = 2;

  /**
   * When a system is left alone.
   *
   * @param failuresInARow that open it
   * @param timeout of a call; it counts as a failure
   * @param rest how long it is left alone
   */
  public record Rules(int failuresInARow, Duration timeout, Duration rest) {
    public Rules {
      require(failuresInARow > 0, "failuresInARow", failuresInARow, "> 0");
      require(timeout.toMillis() > 0, "timeout", timeout, "at least a millisecond");
      require(rest.toMillis() > 0, "rest", rest, "at least a millisecond");
    }
  }

  private final String system;
  private final String target;
  private final Rules rules;
  private final Predicate<Throwable> isItsFault;
  private final CircuitBreaker breaker;
  private final GuardBoard board;
  private final Tags tags;
  private final AtomicInteger state = new AtomicInteger(CLOSED); // read by the scrape
  private final Counter answered;
  private final Counter failed;
  private final Counter refused;
  private boolean isOut;
  private String lastFailure = "";

  /**
   * @param system what kind of system it is, such as {@code dns}; label and log
   * @param target where it is, by the configuration; label and log, {@link #withoutSecrets}
   * @param isItsFault whether a failed call says that the system is ill, and not that the question
   *     was
   */
  public Guard(
      Vertx vertx,
      MeterRegistry meters,
      String system,
      String target,
      Rules rules,
      Predicate<Throwable> isItsFault) {
    this(vertx, new GuardBoard(meters), system, target, rules, isItsFault);
  }

  /**
   * One of several loops of a node.
   *
   * @param board which shows the worst of theirs
   */
  public Guard(
      Vertx vertx,
      GuardBoard board,
      String system,
      String target,
      Rules rules,
      Predicate<Throwable> isItsFault) {
    this.system = system;
    this.target = withoutSecrets(target);
    this.rules = rules;
    this.isItsFault = isItsFault;
    this.board = board;
    this.tags = Tags.of("system", system, "target", this.target);
    board.add(tags, state);
    MeterRegistry meters = board.meters();
    this.answered = meters.counter(Names.GUARD_CALLS, tags.and("outcome", "ok"));
    this.failed = meters.counter(Names.GUARD_CALLS, tags.and("outcome", "failed"));
    this.refused = meters.counter(Names.GUARD_CALLS, tags.and("outcome", "refused"));
    this.breaker =
        CircuitBreaker.create(
                system + " " + this.target,
                vertx,
                new CircuitBreakerOptions()
                    .setMaxFailures(rules.failuresInARow())
                    .setTimeout(rules.timeout().toMillis())
                    .setResetTimeout(rules.rest().toMillis())
                    .setFailuresRollingWindow(WINDOW.toMillis())
                    .setNotificationAddress(null))
            .failurePolicy(this::isFailure)
            .openHandler(x -> opened())
            .halfOpenHandler(x -> state.set(HALF_OPEN))
            .closeHandler(x -> closed());
  }

  /** An address without a user, a password or a query; what is no address stays as it is. */
  static String withoutSecrets(String target) {
    try {
      URI uri = new URI(target);
      if (uri.getHost() == null) {
        return target;
      }
      String port = uri.getPort() < 0 ? "" : ":" + uri.getPort();
      return uri.getScheme() + "://" + uri.getHost() + port + uri.getPath();
    } catch (URISyntaxException noAddress) {
      return target;
    }
  }

  private boolean isFailure(Future<Object> call) {
    boolean failure = call.failed() && isItsFault.test(call.cause());
    if (failure) {
      Throwable cause = call.cause();
      lastFailure =
          cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }
    return failure;
  }

  /** Once for an outage, however often it is tried meanwhile. */
  private void opened() {
    state.set(OPEN);
    if (!isOut) {
      isOut = true;
      log.warn(
          "{} {}: {} calls in a row failed, the last one with: {}; it is tried once every {} s until"
              + " it answers",
          system,
          target,
          rules.failuresInARow(),
          lastFailure,
          rules.rest().toMillis() / 1e3);
    }
  }

  private void closed() {
    state.set(CLOSED);
    isOut = false;
    log.info("{} {}: answers again", system, target);
  }

  /**
   * Calls it, unless it is left alone now.
   *
   * @return fails as the call does; or when it takes too long, or is not made: {@link #isRefusal}
   */
  public <T> Future<T> call(Supplier<Future<T>> call) {
    return breaker
        .execute(call)
        .onComplete(
            done -> {
              if (done.succeeded()) {
                answered.increment();
              } else {
                (isRefusal(done.cause()) ? refused : failed).increment();
              }
            });
  }

  /** Whether a call failed since it was not made. */
  public static boolean isRefusal(Throwable cause) {
    return cause instanceof OpenCircuitException;
  }

  /** Nobody calls any more; what has been counted stays. */
  public void close() {
    breaker.close();
    board.remove(tags, state);
  }
}
