package io.penstock.ingress;

import io.penstock.fault.Fault;
import io.penstock.inference.Outcome;
import io.penstock.inference.PoolName;
import io.penstock.inference.PromptPrefix;
import io.penstock.message.Refusal;
import io.penstock.openai.Checked;
import io.penstock.stream.StreamDeadlines;
import io.penstock.tenancy.LimitRefusal;
import io.penstock.tenancy.Verdict;
import java.util.Optional;

/**
 * An error that ends a request: what the client is told, and what the books say. The words of those
 * that are the gateway's own. Pure.
 *
 * @param param the field at fault; empty when none is
 * @param retryAfterMillis when another try may succeed; 0 when unknown
 * @param givenUp whether a repetition by the client is more of what was enough
 */
record FinalError(
    Fault fault,
    String message,
    String param,
    long retryAfterMillis,
    boolean givenUp,
    Outcome outcome) {
  private static final long COME_BACK_MILLIS = 1_000;

  private static FinalError plain(Fault fault, String message, Outcome outcome) {
    return new FinalError(fault, message, "", 0, false, outcome);
  }

  /** A bug of ours. */
  static FinalError internal(String requestId) {
    return plain(
        Fault.INTERNAL,
        "something went wrong inside the gateway; its log has it under the request id " + requestId,
        Outcome.FAULT);
  }

  /** Who asks may not, or not here. */
  static FinalError denied(Verdict.Denied no) {
    return new FinalError(
        no.fault(), no.message(), "", no.retryAfterMillis(), false, Outcome.CLIENT_ERROR);
  }

  /** A limit of the tenant, the key or the model is used up. */
  static FinalError limited(LimitRefusal no) {
    return new FinalError(
        no.fault(),
        no.message(),
        "",
        no.retryAfterMillis(),
        no.retryAfterMillis() == 0,
        Outcome.CLIENT_ERROR);
  }

  static FinalError bodyTooLarge(String message) {
    return plain(Fault.BODY_TOO_LARGE, message, Outcome.CLIENT_ERROR);
  }

  static FinalError rejected(Checked.Rejected<?> no) {
    return new FinalError(no.fault(), no.message(), no.param(), 0, false, Outcome.CLIENT_ERROR);
  }

  static FinalError routersSilent(long waitedMillis) {
    return new FinalError(
        Fault.NO_REPLICA,
        "no node with the role 'router' answered within " + waitedMillis + " ms",
        "",
        waitedMillis,
        false,
        Outcome.BACK_PRESSURE);
  }

  static FinalError unknownPool(PoolName name) {
    return new FinalError(
        Fault.UNKNOWN_POOL,
        "Pool '"
            + name
            + "' is not in this node's configuration, but in another node's; give all nodes the"
            + " same fleet.",
        "",
        COME_BACK_MILLIS,
        false,
        Outcome.BACK_PRESSURE);
  }

  /**
   * By a router or a pool's owner.
   *
   * @param prefix that stood before the prompt
   */
  static FinalError refused(Refusal refusal, Optional<PromptPrefix> prefix) {
    FinalError error = refused(refusal);
    return prefix.isPresent() && error.fault() == Fault.CONTEXT_LENGTH_EXCEEDED
        ? new FinalError(
            error.fault(),
            error.message()
                + " The registered prefix '"
                + prefix.get().id()
                + "' takes about "
                + prefix.get().tokens()
                + " of its tokens.",
            error.param(),
            error.retryAfterMillis(),
            error.givenUp(),
            error.outcome())
        : error;
  }

  private static FinalError refused(Refusal refusal) {
    Fault fault = refusal.fault();
    Outcome outcome =
        switch (fault) {
          case QUEUE_FULL, NO_REPLICA, UNKNOWN_POOL, DRAINING -> Outcome.BACK_PRESSURE;
          case QUEUE_TIMEOUT -> Outcome.TIMEOUT;
          default -> fault.status() < 500 ? Outcome.CLIENT_ERROR : Outcome.FAULT;
        };
    return new FinalError(
        fault, refusal.detail(), refusal.param(), refusal.retryAfterMillis(), false, outcome);
  }

  /**
   * What the last attempt failed with.
   *
   * @param soonestMillis when one of those that were asked wants to be asked again; 0 when unknown
   * @param attempts how many there were
   */
  static FinalError of(Failure failure, long soonestMillis, int attempts, boolean givenUp) {
    return new FinalError(
        failure.row().fault(),
        failure.message() + (attempts > 1 ? " (attempt " + attempts + ")" : ""),
        "",
        soonestMillis,
        givenUp,
        failure.row().outcome());
  }

  /**
   * A stream broke after its first content and did not go on.
   *
   * @param broke how it broke
   * @param why it did not go on
   */
  static FinalError broken(Failure broke, String why) {
    return plain(broke.row().fault(), broke.message() + "; " + why, broke.row().outcome());
  }

  /**
   * A deadline that is no attempt's own.
   *
   * @param receiving whether the body had not arrived yet
   */
  static FinalError late(Fault fault, StreamDeadlines limits, boolean receiving) {
    boolean queue = fault == Fault.QUEUE_TIMEOUT;
    return new FinalError(
        fault,
        DeadlineText.of(fault, limits, receiving, "no replica"),
        "",
        queue ? COME_BACK_MILLIS : 0,
        false,
        queue ? Outcome.TIMEOUT : Outcome.DEADLINE);
  }

  static FinalError shuttingDown(long drainSeconds) {
    return new FinalError(
        Fault.DRAINING,
        "this node is shutting down and the request did not end within "
            + drainSeconds
            + " s (ingress.drain_seconds); send it again, it will reach another node",
        "",
        COME_BACK_MILLIS,
        false,
        Outcome.CANCELLED);
  }
}
