package io.penstock.stream;

import io.penstock.fault.Fault;
import java.util.Optional;

/**
 * The life of one request: its state, when it entered it, and which deadline it has passed. Pure;
 * the caller brings the time, in milliseconds of a monotonic clock, and never less than before.
 *
 * <p>Every path out leads through exactly one of {@link #finish}, {@link #cancel} and {@link #fail}
 * that answers {@code true}; whoever gets that answer settles the request: gives its slot back,
 * records usage, counts it, writes the access line. All later ends answer {@code false}.
 */
public final class RequestLife {
  private final long startMillis;
  private final boolean streams;
  private StreamDeadlines deadlines;
  private StreamState state = StreamState.RECEIVED;
  private StreamState endedIn = StreamState.RECEIVED;
  private long enteredMillis;
  private long lastFrameMillis;
  private long queuedMillis = -1;
  private long grantedMillis = -1;
  private long firstContentMillis = -1;
  private long endMillis = -1;

  /**
   * @param streams whether the client asked for a stream
   */
  public RequestLife(long nowMillis, boolean streams, StreamDeadlines deadlines) {
    this.startMillis = nowMillis;
    this.enteredMillis = nowMillis;
    this.streams = streams;
    this.deadlines = deadlines;
  }

  /** The pool's owner is being asked: of the plan's first pool, or of the next after a refusal. */
  public void queue(long nowMillis, long queueLimitMillis) {
    deadlines = deadlines.withQueueMillis(queueLimitMillis);
    if (queuedMillis < 0) {
      queuedMillis = nowMillis;
    }
    enter(StreamState.QUEUED, nowMillis);
  }

  /** A slot was granted; a connection is being made. */
  public void connect(long nowMillis) {
    grantedMillis = nowMillis;
    enter(StreamState.CONNECTING, nowMillis);
  }

  /** The request has been written to the engine. */
  public void sent(long nowMillis) {
    enter(StreamState.AWAITING_FIRST, nowMillis);
  }

  /** The first frame with content goes to the client. */
  public void firstContent(long nowMillis) {
    firstContentMillis = nowMillis;
    lastFrameMillis = nowMillis;
    enter(StreamState.STREAMING, nowMillis);
  }

  /** Something came from the engine, or could not come because the client reads slowly. */
  public void progress(long nowMillis) {
    lastFrameMillis = nowMillis;
  }

  /**
   * The engine said that it was done and the client was sent all of it.
   *
   * @return whether this was the end; false when another came before
   */
  public boolean finish(long nowMillis) {
    return end(StreamState.FINISHED, nowMillis);
  }

  /**
   * The client left.
   *
   * @return whether this was the end; false when another came before
   */
  public boolean cancel(long nowMillis) {
    return end(StreamState.CANCELLED, nowMillis);
  }

  /**
   * The client is told what went wrong.
   *
   * @return whether this was the end; false when another came before
   */
  public boolean fail(long nowMillis) {
    return end(StreamState.FAILED, nowMillis);
  }

  /** The deadline that has passed, if one has; the total one before the others. */
  public Optional<Fault> overdue(long nowMillis) {
    if (state.isFinal()) {
      return Optional.empty();
    }
    if (nowMillis - startMillis >= deadlines.totalMillis()) {
      return Optional.of(Fault.DEADLINE_EXCEEDED);
    }
    return switch (state) {
      case RECEIVED ->
          past(enteredMillis, deadlines.receiveMillis(), nowMillis, Fault.DEADLINE_EXCEEDED);
      case QUEUED -> past(enteredMillis, deadlines.queueMillis(), nowMillis, Fault.QUEUE_TIMEOUT);
      case CONNECTING ->
          past(enteredMillis, deadlines.connectMillis(), nowMillis, Fault.CONNECT_TIMEOUT);
      case AWAITING_FIRST ->
          streams
              ? past(
                  enteredMillis, deadlines.firstTokenMillis(), nowMillis, Fault.FIRST_TOKEN_TIMEOUT)
              : Optional.empty();
      case STREAMING ->
          past(lastFrameMillis, deadlines.idleMillis(), nowMillis, Fault.IDLE_TIMEOUT);
      case FINISHED, CANCELLED, FAILED -> Optional.empty();
    };
  }

  private static Optional<Fault> past(
      long sinceMillis, long limitMillis, long nowMillis, Fault fault) {
    return nowMillis - sinceMillis >= limitMillis ? Optional.of(fault) : Optional.empty();
  }

  public StreamState state() {
    return state;
  }

  /** The state in which the end came; the phase label of cancellations and failures. */
  public StreamState endedIn() {
    return endedIn;
  }

  public StreamDeadlines deadlines() {
    return deadlines;
  }

  /** Milliseconds of the total deadline that are left; not negative. */
  public long remainingMillis(long nowMillis) {
    return Math.max(0, deadlines.totalMillis() - (nowMillis - startMillis));
  }

  /** From the first byte in until the router had answered; until now when it has not. */
  public long routeMillis() {
    return between(startMillis, queuedMillis);
  }

  /** In the queue; -1 when it never was. */
  public long queueMillis() {
    return queuedMillis < 0 ? -1 : between(queuedMillis, grantedMillis);
  }

  /** From the slot to the first content, -1 when none came: what the pool's owner learns from. */
  public long grantToFirstContentMillis() {
    return firstContentMillis < 0 ? -1 : firstContentMillis - grantedMillis;
  }

  /** From the slot to the end; -1 when there was no slot. */
  public long grantToEndMillis() {
    return grantedMillis < 0 ? -1 : between(grantedMillis, endMillis);
  }

  /** From the first byte in to the first content out, the client's TTFT; -1 when none came. */
  public long timeToFirstTokenMillis() {
    return firstContentMillis < 0 ? -1 : firstContentMillis - startMillis;
  }

  /** From the first content to the end; -1 when none came. */
  public long generationMillis() {
    return firstContentMillis < 0 ? -1 : between(firstContentMillis, endMillis);
  }

  /** From the first byte in to the end. */
  public long totalMillis() {
    return between(startMillis, endMillis);
  }

  private long between(long from, long to) {
    return (to >= 0 ? to : endMillis >= 0 ? endMillis : enteredMillis) - from;
  }

  private boolean end(StreamState how, long nowMillis) {
    if (state.isFinal()) {
      return false;
    }
    endedIn = state;
    endMillis = nowMillis;
    enter(how, nowMillis);
    return true;
  }

  private void enter(StreamState next, long nowMillis) {
    if (!state.allows(next)) {
      throw new IllegalStateException(state + " does not allow " + next);
    }
    state = next;
    enteredMillis = nowMillis;
  }
}
