package io.penstock.stream;

import io.penstock.fault.Fault;
import java.util.Optional;

/**
 * The life of one request over all its attempts: its state, when it entered it, and which deadline
 * it has passed. Pure; the caller brings the time, in milliseconds of a monotonic clock, and never
 * less than before.
 *
 * <p>Every path out leads through exactly one of {@link #finish}, {@link #finishWithDraft}, {@link
 * #cancel} and {@link #fail} that answers {@code true}; whoever gets that answer settles the
 * request: gives its slot back, records usage, counts it, writes the access line. All later ends
 * answer {@code false}. Any other event that the state does not expect throws and changes nothing:
 * it is a bug of the caller's.
 *
 * <p>RESUMING is one state to the outside, with the steps of an attempt inside: {@link #queue},
 * {@link #connect} and {@link #sent} move the step, each has the deadline that it has before the
 * commit, and the total one goes on.
 */
public final class RequestLife {
  private final long startMillis;
  private final boolean streams;
  private StreamDeadlines deadlines;
  private StreamState state = StreamState.RECEIVED;
  private StreamState endedIn = StreamState.RECEIVED;

  /** Where an attempt stands within RESUMING; the state itself in every other. */
  private StreamState step = StreamState.RECEIVED;

  private long enteredMillis;
  private long lastFrameMillis;
  private long routedMillis = -1;
  private long waitedMillis;
  private long waitsSinceMillis = -1;
  private long grantedMillis = -1;
  private long attemptContentMillis = -1;
  private long firstContentMillis = -1;
  private long brokeMillis = -1;
  private long gapMillis = -1;
  private long endMillis = -1;
  private int resumes;
  private boolean judged;

  /**
   * @param streams whether the client asked for a stream
   */
  public RequestLife(long nowMillis, boolean streams, StreamDeadlines deadlines) {
    this.startMillis = nowMillis;
    this.enteredMillis = nowMillis;
    this.streams = streams;
    this.deadlines = deadlines;
  }

  /**
   * A pool's owner is being asked: of the plan's first pool, of the next after a refusal, or once
   * more for another attempt.
   */
  public void queue(long nowMillis, long queueLimitMillis) {
    if (state != StreamState.RESUMING) {
      enter(StreamState.QUEUED, nowMillis);
    } else if (step != StreamState.QUEUED) { // else the replica that was granted can not go on
      stepTo(StreamState.QUEUED, StreamState.RESUMING, nowMillis);
    }
    deadlines = deadlines.withQueueMillis(queueLimitMillis);
    if (routedMillis < 0) {
      routedMillis = nowMillis;
    }
    if (waitsSinceMillis < 0) {
      waitsSinceMillis = nowMillis;
    }
  }

  /** A slot was granted; a connection is being made. */
  public void connect(long nowMillis) {
    if (state == StreamState.RESUMING) {
      stepTo(StreamState.CONNECTING, StreamState.QUEUED, nowMillis);
    } else {
      enter(StreamState.CONNECTING, nowMillis);
    }
    waitedMillis += nowMillis - waitsSinceMillis;
    waitsSinceMillis = -1;
    grantedMillis = nowMillis;
    attemptContentMillis = -1;
  }

  /** The request has been written to the engine. */
  public void sent(long nowMillis) {
    if (state == StreamState.RESUMING) {
      stepTo(StreamState.AWAITING_FIRST, StreamState.CONNECTING, nowMillis);
    } else {
      enter(StreamState.AWAITING_FIRST, nowMillis);
    }
  }

  /** The first content of a lower tier has come; it is held until it has been judged. */
  public void draft(long nowMillis) {
    enter(StreamState.DRAFTING, nowMillis);
    attemptContentMillis = nowMillis;
    lastFrameMillis = nowMillis;
  }

  /** The whole of a lower tier's answer is there; judges are asked. */
  public void judge(long nowMillis) {
    enter(StreamState.JUDGING, nowMillis);
    judged = true;
  }

  /**
   * The first frame with content of an attempt, or of a draft that was held, goes to the client.
   */
  public void firstContent(long nowMillis) {
    boolean held = state == StreamState.DRAFTING || state == StreamState.JUDGING;
    if (!held) {
      expectAnswer(StreamState.STREAMING);
      attemptContentMillis = nowMillis;
    }
    boolean resumed = state == StreamState.RESUMING;
    enter(StreamState.STREAMING, nowMillis);
    lastFrameMillis = nowMillis;
    if (resumed) {
      gapMillis = nowMillis - brokeMillis;
    } else {
      firstContentMillis = nowMillis;
    }
  }

  /**
   * An attempt has failed and nothing of it was sent; the next one waits for its backoff. Or the
   * next tier of a cascade is to be asked.
   */
  public void retry(long nowMillis) {
    enter(StreamState.RETRYING, nowMillis);
    if (waitsSinceMillis >= 0) { // in the queue of a tier that will not serve it
      waitedMillis += nowMillis - waitsSinceMillis;
      waitsSinceMillis = -1;
    }
  }

  /** The replica was lost in mid-stream, or the one that was to go on was; another is asked for. */
  public void resume(long nowMillis) {
    if (state != StreamState.RESUMING) {
      brokeMillis = lastFrameMillis;
    }
    enter(StreamState.RESUMING, nowMillis);
    waitsSinceMillis = -1;
    resumes++;
  }

  /** Something came from the engine. */
  public void progress(long nowMillis) {
    lastFrameMillis = nowMillis;
  }

  /** Nothing is read from the engine, since the client reads slowly: no engine's fault. */
  public void heldBack(long nowMillis) {
    lastFrameMillis = nowMillis;
    if (state == StreamState.RESUMING && step == StreamState.AWAITING_FIRST) {
      enteredMillis = nowMillis;
    }
  }

  /**
   * The engine said that it was done and the client was sent all of it.
   *
   * @return whether this was the end; false when another came before
   */
  public boolean finish(long nowMillis) {
    if (!state.isFinal() && state != StreamState.STREAMING && state != StreamState.JUDGING) {
      expectAnswer(StreamState.FINISHED);
    }
    return end(StreamState.FINISHED, nowMillis);
  }

  /**
   * The tier above has failed, and the client was sent all of a draft that was judged before.
   *
   * @return whether this was the end; false when another came before
   */
  public boolean finishWithDraft(long nowMillis) {
    if (state.isFinal()) {
      return false;
    }
    if (!judged || firstContentMillis >= 0) {
      throw unexpected(StreamState.FINISHED);
    }
    firstContentMillis = streams ? nowMillis : -1;
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
    return switch (step) {
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
      case STREAMING, DRAFTING ->
          past(lastFrameMillis, deadlines.idleMillis(), nowMillis, Fault.IDLE_TIMEOUT);
      case JUDGING, RETRYING, RESUMING, FINISHED, CANCELLED, FAILED -> Optional.empty();
    };
  }

  private static Optional<Fault> past(
      long sinceMillis, long limitMillis, long nowMillis, Fault fault) {
    return nowMillis - sinceMillis >= limitMillis ? Optional.of(fault) : Optional.empty();
  }

  public StreamState state() {
    return state;
  }

  /** The state, and within RESUMING where the attempt stands. */
  public StreamState step() {
    return step;
  }

  /** The state in which the end came; the phase label of cancellations and failures. */
  public StreamState endedIn() {
    return endedIn;
  }

  public StreamDeadlines deadlines() {
    return deadlines;
  }

  /** How often another replica was asked to go on with the stream. */
  public int resumes() {
    return resumes;
  }

  /** Milliseconds of the total deadline that are left; not negative. */
  public long remainingMillis(long nowMillis) {
    return Math.max(0, deadlines.totalMillis() - (nowMillis - startMillis));
  }

  /** When something last came from the engine, or could not come since the client was slow. */
  public long lastFrameMillis() {
    return lastFrameMillis;
  }

  /** From the first byte in until the router had answered; until now when it has not. */
  public long routeMillis() {
    return between(startMillis, routedMillis);
  }

  /** In the queue, over all attempts; -1 when it never was. */
  public long queueMillis() {
    if (routedMillis < 0) {
      return -1;
    }
    return waitedMillis + (waitsSinceMillis < 0 ? 0 : between(waitsSinceMillis, -1));
  }

  /** From the last slot to its first content, -1 when none came: what the owner learns from. */
  public long grantToFirstContentMillis() {
    return attemptContentMillis < 0 ? -1 : attemptContentMillis - grantedMillis;
  }

  /** Since the last slot was granted; -1 when there was none. */
  public long sinceGrantMillis(long nowMillis) {
    return grantedMillis < 0 ? -1 : nowMillis - grantedMillis;
  }

  /** From the first byte in to the first content out, the client's TTFT; -1 when none came. */
  public long timeToFirstTokenMillis() {
    return firstContentMillis < 0 ? -1 : firstContentMillis - startMillis;
  }

  /** From the last frame of a lost replica to the first of the next, last time; -1 when never. */
  public long gapMillis() {
    return gapMillis;
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

  /** Within RESUMING an answer can come only once the request has been written. */
  private void expectAnswer(StreamState next) {
    if (step != StreamState.AWAITING_FIRST) {
      throw unexpected(next);
    }
  }

  private boolean end(StreamState how, long nowMillis) {
    if (state.isFinal()) {
      return false;
    }
    StreamState before = state;
    enter(how, nowMillis);
    endedIn = before;
    endMillis = nowMillis;
    return true;
  }

  private void stepTo(StreamState next, StreamState expected, long nowMillis) {
    if (step != expected) {
      throw unexpected(next);
    }
    step = next;
    enteredMillis = nowMillis;
  }

  private void enter(StreamState next, long nowMillis) {
    if (!state.allows(next)) {
      throw unexpected(next);
    }
    state = next;
    step = next;
    enteredMillis = nowMillis;
  }

  private IllegalStateException unexpected(StreamState next) {
    return new IllegalStateException(
        (state == step ? "" + state : state + " (" + step + ")") + " does not allow " + next);
  }
}
