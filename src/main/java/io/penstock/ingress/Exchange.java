package io.penstock.ingress;

import io.penstock.fault.Fault;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Company;
import io.penstock.message.Grant;
import io.penstock.message.Plan;
import io.penstock.message.Refusal;
import io.penstock.message.Seat;
import io.penstock.openai.Checked;
import io.penstock.openai.LaneBody;
import io.penstock.openai.ScannedBody;
import io.penstock.openai.Slice;
import io.penstock.openai.UsageReporting;
import io.penstock.stream.Commitment;
import io.penstock.stream.FailureClass;
import io.penstock.stream.RequestLife;
import io.penstock.stream.Retries;
import io.penstock.stream.StreamDeadlines;
import io.penstock.stream.StreamRelay;
import io.penstock.stream.StreamState;
import io.penstock.tenancy.Identity;
import io.penstock.tenancy.LimitRefusal;
import io.penstock.tenancy.Ticket;
import io.penstock.tenancy.Verdict;
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
 * Carries one request through: reads its body, asks the router and the pool's owner, has one {@link
 * Attempt} after the other call a replica, writes to the client, and settles exactly once, however
 * it ends. Lives on one event loop; {@link RequestLife} says what may happen next, {@link
 * io.penstock.stream.FailureClass} what a failed attempt means, {@link Retries} whether there is
 * another.
 */
final class Exchange implements Attempt.Owner {
  private static final Logger LOG = LoggerFactory.getLogger(Exchange.class);

  /** How long routers may take, all of them together. */
  static final long ROUTE_MILLIS = 5_000;

  /** How long nodes that are reloaded one after another may not agree on a request's pools. */
  static final long AGREE_MILLIS = 10_000;

  /** Between two questions to the router meanwhile. */
  static final long ASK_AGAIN_MILLIS = 500;

  private final LoopParts loop;
  private final LoopParts.Rules rules;
  private final RequestId id;
  private final Operation operation;
  private final HttpServerRequest request;
  private final ClientAnswer answer;
  private final long startMillis;
  private final Caller caller;
  private final BodyIntake intake;
  private final Attempts attempts = new Attempts();

  private Identity identity = Identity.ANONYMOUS; // until it is known
  private RequestLife life;
  private byte @Nullable [] body;
  private @Nullable Ask ask;
  private long routeAskedMillis;
  private boolean awaitsPlan;
  private @Nullable Plan plan;
  private int poolIndex;

  /** Since when some node has not known a pool that another named; -1 before. */
  private long disagreeSinceMillis = -1;

  /** Whether one of the plan's pools was not known. */
  private boolean isPoolUnknown;

  private @Nullable Ticket ticket;
  private @Nullable Pool pool;
  private @Nullable Attempt attempt;

  /** Its body, while it waits for a call that others may share. */
  private @Nullable LaneBody lane;

  /** Whether its call is one that others share, and it is not the first of them. */
  private boolean follows;

  private @Nullable Resumption resumption;
  private long retryAfterOfEngine;
  private boolean paused;
  private long lastPingMillis;

  Exchange(
      LoopParts loop,
      RequestId id,
      Operation operation,
      HttpServerRequest request,
      long nowMillis) {
    this.loop = loop;
    this.rules = loop.rules().get();
    this.id = id;
    this.operation = operation;
    this.request = request;
    this.startMillis = nowMillis;
    this.caller = Headers.caller(request, id);
    this.intake = new BodyIntake(request, rules.config().maxBodyBytes());
    this.answer =
        new ClientAnswer(
            request,
            caller.requestId(),
            this::successHeaders,
            headers -> {
              AnswerHeaders.error(headers, attempts);
              limitHeaders(headers);
            });
    this.life = new RequestLife(nowMillis, false, rules.deadlines());
  }

  RequestId id() {
    return id;
  }

  /**
   * Runs one event. A bug in it ends this request, truthfully and settled, and no other: nothing
   * thrown leaves here.
   */
  private void on(LongConsumer event) {
    if (life.state().isFinal()) {
      return;
    }
    long nowMillis = loop.clock().millis();
    try {
      event.accept(nowMillis);
    } catch (RuntimeException bug) {
      LOG.error("request {} failed in state {}", caller.requestId(), life.state(), bug);
      failInternally(nowMillis);
    }
  }

  private void failInternally(long nowMillis) {
    try {
      fail(nowMillis, FinalError.internal(caller.requestId()));
    } catch (RuntimeException bug) {
      LOG.error("request {} could not be ended in order", caller.requestId(), bug);
    }
  }

  /** Asks who it is, and begins to read the body. */
  void start() {
    loop.exchanges().opened(this);
    answer.onGone(this::clientGone);
    Verdict verdict = identify();
    if (verdict == null) {
      request.pause();
    } else {
      on(now -> identified(now, verdict));
    }
  }

  /** Who is asking; null when that comes later. */
  private @Nullable Verdict identify() {
    return Entrance.identify(
        loop.door(),
        request,
        late ->
            on(
                now -> {
                  request.resume();
                  identified(now, late);
                }));
  }

  private void identified(long nowMillis, Verdict verdict) {
    verdict.tell(
        known -> {
          identity = known.identity();
          readBody();
        },
        denied -> fail(nowMillis, FinalError.denied(denied)));
  }

  private void readBody() {
    intake.read(
        () -> on(now -> fail(now, FinalError.bodyTooLarge(intake.tooLarge()))),
        () -> on(this::receivedAll));
  }

  private void receivedAll(long nowMillis) {
    byte[] bytes = intake.bytes();
    Checked<Ask> read = Ask.read(operation, request.headers(), bytes, identity.tenant());
    if (read instanceof Checked.Rejected<Ask> no) {
      fail(nowMillis, FinalError.rejected(no));
      return;
    }
    Ask asked = ((Checked.Valid<Ask>) read).value();
    ask = asked;
    body = bytes;
    StreamDeadlines deadlines = rules.deadlines();
    if (asked.timeout().isPresent()) {
      deadlines =
          deadlines.withTotalMillis(
              Math.min(deadlines.totalMillis(), asked.timeout().get().toMillis()));
    }
    life = new RequestLife(startMillis, asked.scan().stream(), deadlines);
    askForPlan(nowMillis);
  }

  private void askForPlan(long nowMillis) {
    awaitsPlan = true;
    routeAskedMillis = nowMillis;
    loop.routes().ask(id, required(ask).route(id, loop.self(), identity.tenant()), nowMillis);
  }

  /** The router knows what serves it. */
  void planned(Plan answered) {
    on(
        now -> {
          if (awaitsPlan) {
            awaitsPlan = false;
            boolean first = plan == null;
            plan = answered;
            poolIndex = 0;
            isPoolUnknown = false;
            if (first) {
              rules.retries().began(now);
              reserve(now);
            } else {
              askForSlot(now);
            }
          }
        });
  }

  /** Takes what it may need of the limits that apply to it. */
  private void reserve(long nowMillis) {
    ScannedBody scan = required(ask).scan();
    Ticket reserved =
        loop.limits()
            .reserve(
                identity,
                required(plan).model(),
                Charge.reserved(loop.limits(), required(plan).model(), scan),
                nowMillis,
                () -> on(this::reserved));
    ticket = reserved;
    reserved(nowMillis);
  }

  private void reserved(long nowMillis) {
    Ticket reserved = required(ticket);
    LimitRefusal no = reserved.refusal();
    if (no != null) {
      fail(nowMillis, FinalError.limited(no));
    } else if (reserved.isHeld()) {
      askForSlot(nowMillis);
    }
  }

  /** Asks the owner of the plan's current pool. */
  private void askForSlot(long nowMillis) {
    PoolName name = required(plan).pools().get(poolIndex);
    Pool next = loop.pool(name).orElse(null);
    if (next == null) {
      notServed(nowMillis, FinalError.unknownPool(name));
      return;
    }
    pool = next;
    Ask asked = required(ask);
    long queueMillis = next.queue().waitOf(asked.priority()).toMillis();
    life.queue(nowMillis, queueMillis);
    loop.slots()
        .ask(
            asked.admit(
                id,
                caller.requestId(),
                loop.self(),
                identity.tenant(),
                next.name(),
                attempts,
                required(body).length,
                Math.min(queueMillis, life.remainingMillis(nowMillis)),
                company(next)),
            nowMillis);
  }

  /**
   * With whom it may share its call, where it is of a kind that can be shared. Once a call has
   * failed it goes alone, so that one that breaks engines takes nobody along twice.
   */
  private Optional<Company> company(Pool of) {
    boolean may =
        of.batching().enabled()
            && (attempts.next() == 1 || attempts.onlyPressed())
            && Headers.saysNothing(request.headers());
    lane = may ? LaneBody.of(operation, required(body)).orElse(null) : null;
    return Optional.ofNullable(lane).map(each -> new Company(each.key(), each.inputs()));
  }

  /** It shares a call: the next attempt begins. */
  void seated(Seat seat) {
    on(
        now -> {
          Grant as =
              new Grant(
                  id,
                  seat.pool(),
                  seat.epoch(),
                  seat.replica(),
                  "",
                  seat.queuedMillis(),
                  Optional.empty());
          follows = !seat.leads();
          attempts.begin(as);
          life.connect(now);
          Attempt next = new Attempt(this, required(pool), as, rules.connectMillis(), null);
          attempt = next;
          next.start(loop.lanes().call(seat, required(lane), next));
        });
  }

  /** Router or owner will not serve it; from the owner it may lead to the plan's next pool. */
  void refused(Refusal refusal) {
    on(
        now -> {
          FinalError why = FinalError.refused(refusal);
          if (refusal.pool().isPresent()) {
            notServed(now, why);
          } else {
            fail(now, why);
          }
        });
  }

  /** The plan's current pool will not serve it. */
  private void notServed(long nowMillis, FinalError why) {
    boolean unknown = why.fault() == Fault.UNKNOWN_POOL;
    boolean nobody = unknown || why.fault() == Fault.NO_REPLICA || why.fault() == Fault.DRAINING;
    isPoolUnknown |= unknown;
    if (life.state() == StreamState.RESUMING) {
      PoolName last = required(pool).name();
      fail(nowMillis, required(resumption).error(required(resumption).nobody(last, why.message())));
    } else if (nobody && poolIndex + 1 < required(plan).pools().size()) {
      poolIndex++;
      askForSlot(nowMillis);
    } else if (nobody && isPoolUnknown && maySoonAgree(nowMillis)) {
      loop.timers().after(ASK_AGAIN_MILLIS, () -> on(this::askForPlan));
    } else if (nobody && attempts.lastFailure().isPresent()) {
      tell(nowMillis, attempts.lastFailure().get(), false); // it says more than "nobody is left"
    } else {
      fail(nowMillis, why);
    }
  }

  /** Whether the nodes may be in the middle of being reloaded one after another. */
  private boolean maySoonAgree(long nowMillis) {
    if (disagreeSinceMillis < 0) {
      disagreeSinceMillis = nowMillis;
    }
    return nowMillis - disagreeSinceMillis < AGREE_MILLIS;
  }

  /** There is a slot: the next attempt begins. */
  void granted(Grant granted) {
    on(
        now -> {
          Pool target = required(pool);
          if (life.state() == StreamState.RESUMING
              && !required(resumption).canGoOn(target, granted)) {
            passOver(now, granted, target);
            return;
          }
          follows = false;
          attempts.begin(granted);
          life.connect(now);
          begin(granted, target);
        });
  }

  /**
   * Gives a slot back unused, since the replica can not go on with a message, and asks for more.
   */
  private void passOver(long nowMillis, Grant granted, Pool target) {
    loop.slots().release(target.name(), id, Outcome.CANCELLED, TokenUsage.NONE, -1, 0, 0);
    attempts.passOver(granted.replica());
    askForSlot(nowMillis);
  }

  private void begin(Grant granted, Pool target) {
    ScannedBody scan = required(ask).scan();
    UsageReporting usageAsked = EngineRequest.usage(target, scan);
    boolean rest = life.state() == StreamState.RESUMING;
    Buffer sent =
        rest
            ? required(resumption).body(target, granted, scan)
            : EngineRequest.body(required(body), scan, target);
    StreamRelay relay =
        rest
            ? required(resumption).relay(scan.usage(), usageAsked)
            : scan.stream() ? new StreamRelay(scan.usage(), usageAsked) : null;
    Attempt next = new Attempt(this, target, granted, rules.connectMillis(), relay);
    attempt = next;
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
    if (paused) {
      next.pause();
    }
  }

  @Override
  public void on(Attempt from, LongConsumer event) {
    if (from == attempt) {
      on(event);
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
    if (begun && life.state() != StreamState.STREAMING) {
      began(nowMillis);
    }
    answer.frames(frames);
    if (resumption != null && !resumption.relayed(frames)) {
      body = null; // nothing sends it again
    }
    holdBackIfFull();
  }

  /** The first content, of the request or of a replica that goes on. */
  private void began(long nowMillis) {
    Pool from = required(pool);
    boolean resumed = life.state() == StreamState.RESUMING;
    life.firstContent(nowMillis);
    if (from.routingStrategy().learnsFromFirstTokens()) {
      loop.slots().firstToken(from.name(), id, life.grantToFirstContentMillis());
    }
    if (resumed) {
      required(resumption).resumed(from.name(), life.gapMillis());
    } else {
      Ask asked = required(ask);
      resumption = new Resumption(loop.books(), from, asked.scan(), asked.resume());
    }
  }

  private void holdBackIfFull() {
    if (!paused && attempt != null && answer.isFull()) {
      paused = true;
      attempt.pause();
      answer.onDrain(
          () ->
              on(
                  now -> {
                    paused = false;
                    life.heldBack(now);
                    if (attempt != null) {
                      attempt.resume();
                    }
                  }));
    }
  }

  @Override
  public void beginPieces(long nowMillis, int status, MultiMap engineHeaders) {
    life.firstContent(nowMillis);
    body = null;
    answer.beginPiping(status, engineHeaders);
  }

  @Override
  public void piece(Buffer piece) {
    answer.piece(piece);
    holdBackIfFull();
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
    } else if (life.finish(nowMillis)) {
      answer.end();
      settle(Outcome.OK, Optional.empty());
    }
  }

  /** The call that it was to share went without it, or was lost with who made it. */
  private void askAlone(long nowMillis) {
    giveBack(nowMillis, Outcome.CANCELLED, 0);
    attempts.leftOut();
    life.retry(nowMillis);
    tryAgain(nowMillis);
  }

  private void pass(long nowMillis, EngineAnswer.Passed passed) {
    if (!answer.isCommitted()) {
      if (life.finish(nowMillis)) {
        EngineHead engine = required(attempt).answered();
        answer.whole(engine.status(), engine.headers(), passed.body());
        settle(passed.outcome(), Optional.empty());
      }
    } else if (life.fail(nowMillis)) {
      answer.lastFrameOf(passed.body()); // the engine's own error, for a client that has its 200
      settle(passed.outcome(), Optional.empty());
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
                follows ? Outcome.TRANSPORT : outcome, // one call failed: its first request pays
                attempts.count(),
                life.remainingMillis(nowMillis),
                nowMillis);
    switch (decision.verdict()) {
      case AGAIN -> {
        attempts.failed(failure);
        loop.books().retried(required(attempt).pool().name(), outcome);
        throwAway(nowMillis, failure);
        life.retry(nowMillis);
        loop.timers().after(decision.delayMillis(), () -> on(this::tryAgain));
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
      askForSlot(nowMillis);
    }
  }

  /** The stream broke, or the replica that was to go on with it failed: another is asked for. */
  private void resume(long nowMillis, Failure failure) {
    Attempt over = required(attempt);
    boolean again = life.state() == StreamState.RESUMING;
    Optional<String> no =
        required(resumption).broke(over, required(over.relay()), failure, again, body);
    if (again) {
      throwAway(nowMillis, failure);
    } else {
      attempts.keep(over.usage(), over.generatedTokens());
      giveBack(nowMillis, failure.row().outcome(), failure.retryAfterMillis());
    }
    if (no.isPresent()) {
      fail(nowMillis, required(resumption).error(no.get()));
    } else {
      life.resume(nowMillis);
      askForSlot(nowMillis);
    }
  }

  /** Nobody goes on with the stream. */
  private void resumeFailed(long nowMillis, String why) {
    required(resumption).failed(required(pool).name());
    fail(nowMillis, required(resumption).error(why));
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
    retryAfterOfEngine = failure.retryAfterMillis();
    fail(nowMillis, FinalError.of(failure, attempts.soonestMillis(), attempts.count(), givenUp));
  }

  /** The attempt is over: its slot goes back with what became of it. */
  private void giveBack(long nowMillis, Outcome outcome, long retryAfterMillis) {
    Attempt over = attempt;
    if (over == null) {
      return;
    }
    attempt = null;
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

  private void clientGone() {
    on(
        now -> {
          if (life.cancel(now)) {
            settle(Outcome.CANCELLED, Optional.empty());
          }
        });
  }

  /** Compares deadlines and sends pings. */
  void tick() {
    on(
        now -> {
          if (paused) {
            life.heldBack(now); // the client is slow, not the engine
          }
          Optional<Fault> overdue = life.overdue(now);
          if (overdue.isPresent()) {
            expire(now, overdue.get());
          } else if (life.state() == StreamState.RECEIVED) {
            expireRouting(now);
          } else {
            ping(now);
          }
        });
  }

  private void expireRouting(long nowMillis) {
    if (ask != null && nowMillis - routeAskedMillis >= ROUTE_MILLIS) {
      fail(nowMillis, FinalError.routersSilent(ROUTE_MILLIS));
    }
  }

  /** The node ends and can not wait any longer. */
  void cutOff() {
    on(now -> fail(now, FinalError.shuttingDown(loop.rules().get().config().drain().toSeconds())));
  }

  /** An attempt's own deadlines are failures of its replica; the others end the request. */
  private void expire(long nowMillis, Fault fault) {
    Optional<FailureClass> row = DeadlineText.failure(fault);
    if (attempt != null && row.isPresent()) {
      String what = DeadlineText.of(fault, life.deadlines(), false, attempt.who());
      failed(nowMillis, Failure.of(row.get(), what));
    } else if (life.state() == StreamState.RESUMING && fault == Fault.QUEUE_TIMEOUT) {
      resumeFailed(
          nowMillis, DeadlineText.of(fault, life.deadlines(), false, "") + " on another replica");
    } else {
      fail(nowMillis, FinalError.late(fault, life.deadlines(), ask == null));
    }
  }

  private void ping(long nowMillis) {
    long after = rules.config().pingAfter().toMillis();
    boolean waits = life.state() != StreamState.STREAMING && ask != null && ask.scan().stream();
    long silentSince = hasContent() ? life.lastFrameMillis() : startMillis;
    if (waits && nowMillis - Math.max(lastPingMillis, silentSince) >= after) {
      lastPingMillis = nowMillis;
      answer.ping();
    }
  }

  private void fail(long nowMillis, FinalError error) {
    if (life.fail(nowMillis)) {
      try {
        answer.error(error);
      } finally {
        settle(error.outcome(), Optional.of(error.fault()));
      }
    }
  }

  private void limitHeaders(MultiMap headers) {
    if (ticket != null) {
      LimitHeaders.of(headers, ticket, loop.clock().millis());
    }
  }

  private void successHeaders(MultiMap headers) {
    limitHeaders(headers);
    AnswerHeaders.success(
        headers,
        caller,
        required(pool).model(),
        required(pool).name(),
        attempts,
        life,
        loop.clock().millis() - startMillis);
  }

  /** Gives back what is held and writes the books; called once, by whoever ended the life. */
  private void settle(Outcome outcome, Optional<Fault> fault) {
    try {
      giveAllBack(outcome);
    } finally {
      charge(outcome);
      loop.exchanges().closed(this, settlement(outcome, fault));
    }
  }

  /** What was used takes the place of what was reserved. */
  private void charge(Outcome outcome) {
    Ticket held = ticket;
    if (held != null) {
      ModelName model = required(plan).model();
      ScannedBody scan = required(ask).scan();
      loop.limits().settle(held, Charge.used(scan, attempts, outcome), loop.clock().millis());
      if (outcome == Outcome.OK && attempts.usage().completionTokens() > 0) {
        loop.limits()
            .generated(model, attempts.usage().completionTokens() / Math.max(1, scan.choices()));
      }
    }
  }

  private void giveAllBack(Outcome outcome) {
    long nowMillis = loop.clock().millis();
    loop.routes().answered(id);
    if (attempt != null) {
      attempts.keep(attempt.usage(), attempt.generatedTokens());
      giveBack(nowMillis, outcome, retryAfterOfEngine);
    } else if (pool != null) {
      loop.slots().withdraw(pool.name(), id);
      // A bug between the grant and the attempt leaves it held; else nothing is.
      loop.slots().release(pool.name(), id, outcome, TokenUsage.NONE, -1, 0, 0);
    }
    if (life.resumes() > 0) {
      attempts.correct(required(resumption).usage());
    }
    body = null;
    lane = null;
    intake.drop();
  }

  private Settlement settlement(Outcome outcome, Optional<Fault> fault) {
    return new Settlement(
        loop.clock().epochMillis(),
        caller,
        identity.tenant().id(),
        operation,
        Optional.ofNullable(plan).map(Plan::model),
        Optional.ofNullable(pool).map(Pool::name),
        ask != null && ask.scan().stream(),
        answer.status(),
        outcome,
        fault,
        attempts,
        answer.bytesOut(),
        life);
  }

  private static <T> T required(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("not there yet");
    }
    return value;
  }
}
