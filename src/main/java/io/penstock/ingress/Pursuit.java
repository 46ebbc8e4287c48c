package io.penstock.ingress;

import io.penstock.fault.Fault;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.RequestId;
import io.penstock.inference.Tenant;
import io.penstock.inference.TierName;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Grant;
import io.penstock.message.Seat;
import io.penstock.openai.ScannedBody;
import io.penstock.openai.Slice;
import io.penstock.openai.UsageReporting;
import io.penstock.stream.Commitment;
import io.penstock.stream.FailureClass;
import io.penstock.stream.RequestLife;
import io.penstock.stream.Retries;
import io.penstock.stream.StreamRelay;
import io.penstock.stream.StreamState;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The attempts of one request, one after the other, and what its client gets of each: asks for a
 * slot, calls or shares a call, and when that fails repeats it, goes on with the stream elsewhere,
 * or says that it is over. What it has begun it gives back, once.
 */
final class Pursuit implements Attempt.Owner {
  private static final Logger LOG = LoggerFactory.getLogger(Pursuit.class);

  /** Whose it is. All but the first are called within {@link #on}. */
  interface Client {
    /** Runs an event, unless the request is over; catches what it throws. */
    void on(LongConsumer event);

    /** Another slot is needed, of the pool whose turn it is. */
    void askForSlot(long nowMillis);

    /** A whole answer is held, and is to be judged. */
    void judge(long nowMillis, HeldAnswer draft);

    /** A tier that has one above it has failed: that one is asked. */
    void goUp(long nowMillis);

    /** An answer is given to the client though it could have been judged. */
    void unjudged(Judging.Verdict why);

    /**
     * The engine of the tier of now refuses the request.
     *
     * @return whether a draft of a tier below has become the answer
     */
    boolean insteadOfRefusal(long nowMillis);

    /** Headers that are known only now, as comments of a stream whose own went before. */
    String lateHeaders();

    /** The client is to be told. */
    void fail(long nowMillis, FinalError error);

    /** The client has all that it will get, and the life has ended. */
    void settle(Outcome outcome);
  }

  private final LoopParts loop;
  private final LoopParts.Rules rules;
  private final RequestId id;
  private final Operation operation;
  private final HttpServerRequest request;
  private final Caller caller;
  private final ClientAnswer answer;
  private final Tenant tenant;
  private final Ask ask;
  private final RequestLife life;
  private final Attempts attempts;
  private final Client client;
  private final Delivery delivery;
  private final Ride ride = new Ride();

  private byte @Nullable [] body;
  private @Nullable Pool pool;
  private @Nullable Attempt attempt;

  private @Nullable Attempt kept;
  private long retryAfterOfEngine;

  /**
   * @param attempts where they are counted
   */
  Pursuit(
      LoopParts loop,
      LoopParts.Rules rules,
      RequestId id,
      Operation operation,
      HttpServerRequest request,
      Caller caller,
      ClientAnswer answer,
      Tenant tenant,
      Ask ask,
      byte[] body,
      RequestLife life,
      Attempts attempts,
      Client client) {
    this.loop = loop;
    this.rules = rules;
    this.id = id;
    this.operation = operation;
    this.request = request;
    this.caller = caller;
    this.answer = answer;
    this.tenant = tenant;
    this.ask = ask;
    this.body = body;
    this.life = life;
    this.attempts = attempts;
    this.client = client;
    this.delivery = new Delivery(loop, id, ask, answer, life, attempts, client);
  }

  /** The pool that was asked last. */
  Optional<Pool> pool() {
    return Optional.ofNullable(pool);
  }

  /** A tier is tried; its answers are held to be judged, or go to the client. */
  void beginTier(@Nullable HeldAnswer draft) {
    delivery.beginTier(draft);
  }

  /** Asks the owner of a pool for a slot. */
  void askForSlot(long nowMillis, Pool of) {
    pool = of;
    long queueMillis = of.queue().waitOf(ask.priority()).toMillis();
    life.queue(nowMillis, queueMillis);
    loop.slots()
        .ask(
            ask.admit(
                id,
                caller.requestId(),
                loop.self(),
                tenant,
                of.name(),
                attempts,
                required(body).length,
                Math.min(queueMillis, life.remainingMillis(nowMillis)),
                ride.company(of, operation, request.headers(), required(body), attempts)),
            nowMillis);
  }

  /** It shares a call: the next attempt begins. */
  void seated(long nowMillis, Seat seat) {
    Grant as = ride.share(seat);
    attempts.begin(as);
    life.connect(nowMillis);
    Pool target = required(pool);
    ScannedBody scan = ask.scan();
    StreamRelay relay = scan.stream() ? relay(scan, EngineRequest.usage(target, scan)) : null;
    Attempt next = attempt(target, as, relay);
    next.start(ride.call(loop.lanes(), seat, next));
  }

  private StreamRelay relay(ScannedBody scan, UsageReporting asked) {
    return new StreamRelay(scan.usage(), asked, loop.frames());
  }

  private Attempt attempt(Pool of, Grant with, @Nullable StreamRelay relay) {
    if (relay != null) {
      relay.addsUsage(attempts.usageBefore());
    }
    Attempt next = new Attempt(this, of, with, rules.connectMillis(), relay);
    attempt = next;
    delivery.from(next);
    return next;
  }

  /** There is a slot: the next attempt begins. */
  void granted(long nowMillis, Grant granted) {
    Pool target = required(pool);
    if (life.state() == StreamState.RESUMING && !delivery.resumption().canGoOn(target, granted)) {
      passOver(nowMillis, granted, target);
      return;
    }
    ride.alone();
    attempts.begin(granted);
    life.connect(nowMillis);
    begin(granted, target);
  }

  /**
   * Gives a slot back unused, since the replica can not go on with a message, and asks for more.
   */
  private void passOver(long nowMillis, Grant granted, Pool target) {
    loop.slots().release(target.name(), id, Outcome.CANCELLED, TokenUsage.NONE, -1, 0, 0);
    attempts.passOver(granted.replica());
    client.askForSlot(nowMillis);
  }

  private void begin(Grant granted, Pool target) {
    ScannedBody scan = ask.scan();
    UsageReporting usageAsked = EngineRequest.usage(target, scan);
    boolean rest = life.state() == StreamState.RESUMING;
    Buffer sent =
        rest
            ? delivery.resumption().body(target, granted, scan)
            : EngineRequest.body(required(body), scan, target);
    StreamRelay relay =
        rest
            ? delivery.resumption().relay(scan.usage(), usageAsked)
            : scan.stream() ? relay(scan, usageAsked) : null;
    Attempt next = attempt(target, granted, relay);
    next.start(
        EngineRequest.call(
            loop,
            rules.connectMillis(),
            granted,
            target,
            operation,
            request.headers(),
            caller,
            sent,
            next));
    delivery.pauseIfBehind(next);
  }

  @Override
  public void on(Attempt from, LongConsumer event) {
    if (from == attempt) {
      client.on(event);
    }
  }

  @Override
  public boolean isCommitted() {
    return answer.isCommitted();
  }

  @Override
  public boolean hasContent() {
    return life.timeToFirstTokenMillis() >= 0;
  }

  @Override
  public void sent(long nowMillis) {
    life.sent(nowMillis);
  }

  @Override
  public void heard(long nowMillis) {
    life.progress(nowMillis);
  }

  @Override
  public void frames(long nowMillis, List<Slice> frames, boolean begun) {
    if (!delivery.frames(nowMillis, required(pool), frames, begun)) {
      body = null; // nothing sends it again
    }
  }

  @Override
  public void beginPieces(long nowMillis, int status, MultiMap engineHeaders) {
    body = null;
    delivery.beginPieces(nowMillis, status, engineHeaders);
  }

  @Override
  public void piece(Buffer piece) {
    delivery.piece(piece);
  }

  @Override
  public void ended(long nowMillis, AttemptEnd end) {
    if (end instanceof AttemptEnd.Failed failed) {
      failed(nowMillis, failed.failure());
    } else if (end instanceof AttemptEnd.Whole whole) {
      if (hasContent()) {
        failed(nowMillis, FailureText.wouldNotGoOn(required(attempt).who(), whole.answer()));
      } else {
        pass(nowMillis, whole.answer());
      }
    } else if (end instanceof AttemptEnd.LeftOut) {
      askAlone(nowMillis);
    } else if (delivery.holds()) {
      judge(nowMillis);
    } else if (life.finish(nowMillis)) {
      answer.end();
      client.settle(Outcome.OK);
    }
  }

  /** All of a draft is there: its slot goes back, and judges are asked. */
  private void judge(long nowMillis) {
    keep(required(attempt));
    giveBack(nowMillis, Outcome.OK, 0);
    delivery.judge(nowMillis);
  }

  /** The draft is the answer. */
  void accept(long nowMillis) {
    delivery.accept(nowMillis);
  }

  /** The draft is not good enough. */
  SpareDraft rejected(TierName tier, Judging.Ruling ruling) {
    return delivery.rejected(tier, required(pool), ruling);
  }

  /**
   * The tier of now has failed: what runs or waits for it ends so, and a draft of a tier below is
   * the answer.
   */
  void instead(long nowMillis, SpareDraft draft, Outcome outcome) {
    if (attempt != null) {
      loop.books().wasted(life.state(), attempt.generatedTokens());
      giveBack(nowMillis, outcome, retryAfterOfEngine);
    } else if (pool != null) {
      loop.slots().withdraw(pool.name(), id);
    }
    pool = draft.pool();
    attempts.answeredBy(draft.grant());
    delivery.instead(nowMillis, draft);
  }

  /** The call that it was to share went without it, or was lost with who made it. */
  private void askAlone(long nowMillis) {
    giveBack(nowMillis, Outcome.CANCELLED, 0);
    attempts.leftOut();
    life.retry(nowMillis);
    tryAgain(nowMillis);
  }

  private void pass(long nowMillis, EngineAnswer.Passed passed) {
    EngineHead head = required(attempt).answered();
    if (passed.outcome() == Outcome.OK && delivery.holds(head, passed.body())) {
      judge(nowMillis);
      return;
    }
    if (passed.outcome() != Outcome.OK && client.insteadOfRefusal(nowMillis)) {
      return;
    }
    if (!answer.isCommitted()) {
      if (life.finish(nowMillis)) {
        keep(required(attempt));
        delivery.whole(head, passed.body());
        client.settle(passed.outcome());
      }
    } else if (life.fail(nowMillis)) {
      answer.lastFrameOf(passed.body()); // the engine's own error, for a client that has its 200
      client.settle(passed.outcome());
    }
  }

  private void failed(long nowMillis, Failure failure) {
    LOG.debug("{}: attempt {}: {}", caller.requestId(), attempts.count(), failure.message());
    switch (failure.row().next(commitment())) {
      case RETRY -> retry(nowMillis, failure);
      case RESUME -> resume(nowMillis, failure);
      case TELL -> {
        if (life.state() == StreamState.RESUMING) {
          throwAway(nowMillis, failure);
          resumeFailed(nowMillis, failure.message());
        } else {
          tell(nowMillis, failure, false);
        }
      }
    }
  }

  private Commitment commitment() {
    if (attempt != null && attempt.isPiping()) {
      return Commitment.PIECES;
    }
    return hasContent() ? Commitment.FRAMES : Commitment.NOTHING;
  }

  private void retry(long nowMillis, Failure failure) {
    Outcome outcome = failure.row().outcome();
    Retries.Decision decision =
        rules
            .retries()
            .decide(
                ride.follows()
                    ? Outcome.TRANSPORT
                    : outcome, // one call failed: its first request pays
                attempts.countOfStage(),
                life.remainingMillis(nowMillis),
                nowMillis);
    switch (decision.verdict()) {
      case AGAIN -> {
        attempts.failed(failure);
        loop.books().retried(required(attempt).pool().name(), outcome);
        throwAway(nowMillis, failure);
        delivery.discard();
        life.retry(nowMillis);
        loop.timers().after(decision.delayMillis(), () -> client.on(this::tryAgain));
      }
      case NO_ATTEMPT_LEFT -> tell(nowMillis, failure, true);
      case NO_BUDGET -> {
        loop.books().retryBudgetExhausted();
        tell(nowMillis, failure, true);
      }
      case NO_TIME -> tell(nowMillis, failure, false);
    }
  }

  private void tryAgain(long nowMillis) {
    if (life.state() == StreamState.RETRYING) {
      client.askForSlot(nowMillis);
    }
  }

  /** The stream broke, or the replica that was to go on with it failed: another is asked for. */
  private void resume(long nowMillis, Failure failure) {
    Attempt over = required(attempt);
    boolean again = life.state() == StreamState.RESUMING;
    Optional<String> no =
        delivery.resumption().broke(over, required(over.relay()), failure, again, body);
    if (again) {
      throwAway(nowMillis, failure);
    } else {
      keep(over);
      giveBack(nowMillis, failure.row().outcome(), failure.retryAfterMillis());
    }
    if (no.isPresent()) {
      client.fail(nowMillis, delivery.resumption().error(no.get()));
    } else {
      life.resume(nowMillis);
      client.askForSlot(nowMillis);
    }
  }

  /** Nobody goes on with the stream. */
  private void resumeFailed(long nowMillis, String why) {
    delivery.resumption().failed(required(pool).name());
    client.fail(nowMillis, delivery.resumption().error(why));
  }

  /** The attempt has failed, by its own outcome, and nobody gets what it generated. */
  private void throwAway(long nowMillis, Failure failure) {
    loop.books().wasted(life.state(), required(attempt).generatedTokens());
    giveBack(nowMillis, failure.row().outcome(), failure.retryAfterMillis());
  }

  /**
   * Tells the client what the last attempt ended with.
   *
   * @param givenUp whether a repetition by the client is more of what was enough
   */
  private void tell(long nowMillis, Failure failure, boolean givenUp) {
    attempts.failed(failure);
    if (delivery.holds() && attempt != null) {
      throwAway(nowMillis, failure);
      client.goUp(nowMillis);
      return;
    }
    retryAfterOfEngine = failure.retryAfterMillis();
    client.fail(
        nowMillis, FinalError.of(failure, attempts.soonestMillis(), attempts.count(), givenUp));
  }

  /** What an attempt generated is the client's; once for each. */
  private void keep(Attempt over) {
    if (kept != over) {
      kept = over;
      attempts.keep(over.pool().model(), over.usage(), over.generatedTokens());
    }
  }

  /** The attempt is over: its slot goes back with what became of it. */
  private void giveBack(long nowMillis, Outcome outcome, long retryAfterMillis) {
    Attempt over = attempt;
    if (over == null) {
      return;
    }
    attempt = null;
    delivery.from(null);
    try {
      over.abort();
      loop.books().tokens(over.pool().name(), over.usage());
    } finally {
      loop.slots()
          .release(
              over.pool().name(),
              id,
              outcome,
              over.usage(),
              life.grantToFirstContentMillis(),
              life.sinceGrantMillis(nowMillis),
              retryAfterMillis);
    }
  }

  /** The pool whose turn it was will not serve it; whether that ends a stream that broke. */
  boolean notResumed(long nowMillis, String why) {
    if (life.state() != StreamState.RESUMING) {
      return false;
    }
    Resumption of = delivery.resumption();
    client.fail(nowMillis, of.error(of.nobody(required(pool).name(), why)));
    return true;
  }

  /** Tells what the last attempt failed with; false where there was none. */
  boolean tellLast(long nowMillis) {
    Optional<Failure> last = attempts.lastFailure();
    last.ifPresent(failure -> tell(nowMillis, failure, false));
    return last.isPresent();
  }

  /** Whether the client is why nothing comes, if nothing does. */
  void tick(long nowMillis) {
    delivery.tick(nowMillis);
  }

  /**
   * A deadline has passed; those of an attempt are failures of its replica.
   *
   * @return whether it was one of those
   */
  boolean expire(long nowMillis, Fault fault) {
    Optional<FailureClass> row = DeadlineText.failure(fault);
    if (attempt != null && row.isPresent()) {
      String what = DeadlineText.of(fault, life.deadlines(), false, attempt.who());
      failed(nowMillis, Failure.of(row.get(), what));
      return true;
    }
    if (life.state() == StreamState.RESUMING && fault == Fault.QUEUE_TIMEOUT) {
      resumeFailed(
          nowMillis, DeadlineText.of(fault, life.deadlines(), false, "") + " on another replica");
      return true;
    }
    return false;
  }

  /** Gives back all that is held; called once, by whoever ended the life. */
  void over(Outcome outcome) {
    long nowMillis = loop.clock().millis();
    if (attempt != null) {
      keep(attempt);
      giveBack(nowMillis, outcome, retryAfterOfEngine);
    } else if (pool != null) {
      loop.slots().withdraw(pool.name(), id);
      // A bug between the grant and the attempt leaves it held; else nothing is.
      loop.slots().release(pool.name(), id, outcome, TokenUsage.NONE, -1, 0, 0);
    }
    if (life.resumes() > 0) {
      attempts.correct(delivery.resumption().usage());
    }
    body = null;
    delivery.over();
    ride.over();
  }

  private static <T> T required(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("not there yet");
    }
    return value;
  }
}
