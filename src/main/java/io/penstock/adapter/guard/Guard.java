package io.penstock.adapter.guard;

import static io.penstock.inference.Checks.require;

import io.vertx.circuitbreaker.CircuitBreaker;
import io.vertx.circuitbreaker.CircuitBreakerOptions;
import io.vertx.circuitbreaker.CircuitBreakerState;
import io.vertx.circuitbreaker.OpenCircuitException;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls to one foreign system at one address. After so many failures in a row it is left alone for
 * a while, then asked once; if that fails too it is left alone again, and else asked by everybody
 * as before. A call that its caller cancels, which then fails with a {@link CancellationException},
 * says nothing of the system: it counts neither as an answer nor as a failure, and where it was the
 * one that was to find out the system is left alone for as long again. Belongs to the event loop on
 * which it is called, and ends with it.
 */
public final class Guard {
  private static final Logger log = LoggerFactory.getLogger(Guard.class);

  /** Failures in a row that lie further apart are not one outage. */
  private static final Duration WINDOW = Duration.ofHours(1);

  private static final int CLOSED = 0;
  private static final int HALF_OPEN = 1;
  private static final int OPEN = 2;

  /** How many there are; the last is the worst. */
  static final int STATES = 3;

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

  private final Vertx vertx;
  private final String system;
  private final String target;
  private final Rules rules;
  private final Predicate<Throwable> isItsFault;
  private final CircuitBreaker breaker;
  private final GuardMeters.Row meters;
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
      GuardMeters meters,
      String system,
      String target,
      Rules rules,
      Predicate<Throwable> isItsFault) {
    this.vertx = vertx;
    this.system = system;
    this.target = withoutSecrets(target);
    this.rules = rules;
    this.isItsFault = isItsFault;
    this.meters = meters.open(system, this.target);
    this.breaker =
        CircuitBreaker.create(
                system + " " + this.target,
                vertx,
                new CircuitBreakerOptions()
                    .setMaxFailures(rules.failuresInARow())
                    .setTimeout(-1) // it would also count calls that are cancelled
                    .setResetTimeout(rules.rest().toMillis())
                    .setFailuresRollingWindow(WINDOW.toMillis())
                    .setNotificationAddress(null))
            .failurePolicy(this::isFailure)
            .openHandler(x -> opened())
            .halfOpenHandler(x -> this.meters.state(HALF_OPEN))
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
    meters.state(OPEN);
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
    meters.state(CLOSED);
    isOut = false;
    log.info("{} {}: answers again", system, target);
  }

  /**
   * Calls it, unless it is left alone now.
   *
   * @return fails as the call does; or when it takes too long, or is not made: {@link #isRefusal}
   */
  public <T> Future<T> call(Supplier<Future<T>> call) {
    Promise<T> told = Promise.promise();
    breaker.execute(() -> make(call, told)).onComplete(done -> tell(done, told));
    return told.future();
  }

  /** What the breaker hears: nothing of a call that is cancelled. */
  private <T> Future<T> make(Supplier<Future<T>> call, Promise<T> told) {
    boolean isTrial = breaker.state() == CircuitBreakerState.HALF_OPEN;
    Promise<T> heard = Promise.promise();
    long millis = rules.timeout().toMillis();
    long timer =
        vertx.setTimer(
            millis,
            due -> heard.tryFail(new TimeoutException("no answer within " + millis + " ms")));
    call.get()
        .onComplete(
            done -> {
              vertx.cancelTimer(timer);
              if (heard.future().isComplete()) {
                return; // it is late
              }
              if (!(done.cause() instanceof CancellationException)) {
                heard.handle(done);
                return;
              }
              if (isTrial && breaker.state() == CircuitBreakerState.HALF_OPEN) {
                breaker.open();
              }
              told.fail(done.cause());
            });
    return heard.future();
  }

  private <T> void tell(AsyncResult<T> done, Promise<T> told) {
    if (done.succeeded()) {
      meters.answered();
    } else if (isRefusal(done.cause())) {
      meters.refused();
    } else {
      meters.failed();
    }
    told.handle(done);
  }

  /** Whether a call failed since it was not made. */
  public static boolean isRefusal(Throwable cause) {
    return cause instanceof OpenCircuitException;
  }

  /** Nobody calls any more; what has been counted stays. */
  public void close() {
    breaker.close();
    meters.close();
  }
}
