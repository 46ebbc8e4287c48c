package io.penstock.stream;

import io.penstock.fault.Fault;
import io.penstock.inference.Outcome;

/**
 * The ways in which one attempt at one replica can fail, and what each means: for the replica's
 * health and breaker ({@link #outcome}), for the client when it is told ({@link #fault}), and for
 * the request ({@link #next}). The table of failure classes of the design, row by row.
 *
 * <p>One of them is the client's own: where it holds up others. Total deadlines and clients that
 * leave are no failures of an attempt: nothing follows them.
 */
public enum FailureClass {
  /** Refused or reset while connecting; DNS or TLS failed. */
  UNREACHABLE(Outcome.TRANSPORT, Fault.BAD_GATEWAY, true),
  /** No connection, or the request was not taken, within connect_ms. */
  CONNECT_TIMEOUT(Outcome.TIMEOUT, Fault.CONNECT_TIMEOUT, true),
  /** The connection broke before the answer was there. */
  BROKEN_OFF(Outcome.TRANSPORT, Fault.BAD_GATEWAY, true),
  /** A stream ended, or its connection broke, before it was done. */
  TRUNCATED(Outcome.TRANSPORT, Fault.UPSTREAM_TRUNCATED, true),
  /** 429. */
  TOO_MANY_REQUESTS(Outcome.BACK_PRESSURE, Fault.QUEUE_FULL, true),
  /** 503. */
  UNAVAILABLE(Outcome.BACK_PRESSURE, Fault.NO_REPLICA, true),
  /** 408: the engine's own clock, not the client's. */
  ENGINE_TIMEOUT(Outcome.FAULT, Fault.BAD_GATEWAY, true),
  /** 500, 502, 504 and whatever else is an engine's own failure. */
  ENGINE_FAILURE(Outcome.FAULT, Fault.BAD_GATEWAY, true),
  /** An answer or a frame that is not of the dialect. */
  MALFORMED(Outcome.FAULT, Fault.BAD_GATEWAY, true),
  /** An error object inside a 200. */
  ERROR_IN_ANSWER(Outcome.FAULT, Fault.BAD_GATEWAY, true),
  /** first_token_ms passed. */
  FIRST_TOKEN_TIMEOUT(Outcome.TIMEOUT, Fault.FIRST_TOKEN_TIMEOUT, true),
  /** idle_ms passed. */
  IDLE_TIMEOUT(Outcome.TIMEOUT, Fault.IDLE_TIMEOUT, true),
  /** 409, or a redirect: another replica would say the same. */
  UNFIT(Outcome.FAULT, Fault.BAD_GATEWAY, false),
  /** It was to go on with a stream and would not, or began it anew; it serves whole requests. */
  NOT_CONTINUED(Outcome.CLIENT_ERROR, Fault.UPSTREAM_TRUNCATED, false),
  /** The client let too much of a stream wait that others share a call with. */
  CLIENT_TOO_SLOW(Outcome.DEADLINE, Fault.CLIENT_TOO_SLOW, false),
  /** 401 or 403, about the gateway's key, which all replicas of a pool share. */
  KEY_REFUSED(Outcome.CLIENT_ERROR, Fault.BAD_GATEWAY, false);

  private final Outcome outcome;
  private final Fault fault;
  private final boolean elsewhere;

  FailureClass(Outcome outcome, Fault fault, boolean elsewhere) {
    this.outcome = outcome;
    this.fault = fault;
    this.elsewhere = elsewhere;
  }

  /** How the attempt's grant ended. */
  public Outcome outcome() {
    return outcome;
  }

  /** What the client is told where nothing else follows. */
  public Fault fault() {
    return fault;
  }

  /** What follows, where attempts and budgets allow it. */
  public NextStep next(Commitment client) {
    if (!elsewhere) {
      return NextStep.TELL;
    }
    return switch (client) {
      case NOTHING -> NextStep.RETRY;
      case FRAMES -> NextStep.RESUME;
      case PIECES -> NextStep.TELL;
    };
  }
}
