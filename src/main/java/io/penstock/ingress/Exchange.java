package io.penstock.ingress;

import io.penstock.fault.Fault;
import io.penstock.inference.Cost;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import io.penstock.inference.TierName;
import io.penstock.message.Grant;
import io.penstock.message.Plan;
import io.penstock.message.Refusal;
import io.penstock.message.Seat;
import io.penstock.openai.Question;
import io.penstock.stream.RequestLife;
import io.penstock.stream.Retries;
import io.penstock.stream.StreamDeadlines;
import io.penstock.stream.StreamState;
import io.penstock.tenancy.Identity;
import io.penstock.tenancy.LimitRefusal;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
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
final class Exchange implements Reception.Guide, Pursuit.Client {
  private static final Logger LOG = LoggerFactory.getLogger(Exchange.class);

  private final LoopParts loop;
  private final LoopParts.Rules rules;
  private final RequestId id;
  private final Operation operation;
  private final HttpServerRequest request;
  private final ClientAnswer answer;
  private final long startMillis;
  private final Caller caller;
  private final Reception reception;
  private final Allowance allowance;
  private final Itinerary itinerary = new Itinerary();
  private final Attempts attempts = new Attempts();

  private RequestLife life;
  private @Nullable Ask ask;
  private Optional<Question> question = Optional.empty();
  private @Nullable Pursuit pursuit;
  private @Nullable Appraising appraising;
  private final Cascade cascade;

  /** How the tier failed in whose stead a draft is served. */
  private Outcome outcomeOfTier = Outcome.OK;

  /** Whether the client has been told who answers. */
  private boolean isTold;

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
    this.reception = new Reception(loop, operation, request, rules.config().maxBodyBytes(), this);
    this.allowance = new Allowance(loop);
    this.cascade = new Cascade(loop.drafts(), loop.books(), rules.tiering(), itinerary);
    this.answer =
        new ClientAnswer(
            request,
            caller.requestId(),
            this::successHeaders,
            headers -> {
              AnswerHeaders.error(headers, attempts);
              allowance.headers(headers, false);
            },
            loop.readEnd(),
            loop.chunks());
    this.life = new RequestLife(nowMillis, false, rules.deadlines());
  }

  RequestId id() {
    return id;
  }

  /**
   * Runs one event. A bug in it ends this request, truthfully and settled, and no other: nothing
   * thrown leaves here.
   */
  @Override
  public void on(LongConsumer event) {
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
    reception.begin();
  }

  @Override
  public void identified(Identity identity) {
    allowance.identified(identity);
  }

  @Override
  public void turnedAway(long nowMillis, FinalError why) {
    fail(nowMillis, why);
  }

  @Override
  public void received(long nowMillis, Ask asked, byte[] bytes) {
    ask = asked;
    question = rules.tiering().question(asked.scan(), bytes);
    StreamDeadlines deadlines = rules.deadlines();
    if (asked.timeout().isPresent()) {
      deadlines =
          deadlines.withTotalMillis(
              Math.min(deadlines.totalMillis(), asked.timeout().get().toMillis()));
    }
    life = new RequestLife(startMillis, asked.scan().stream(), deadlines);
    if (question.isEmpty()) {
      pursue(nowMillis, asked, bytes);
      return;
    }
    appraising = new Appraising(rules.tiering().appraisals());
    appraising.begin(
        (by, text, embedded, failed) -> {
          EmbedCall call = new EmbedCall(loop, asker(asked), by, text, embedded, failed);
          call.begin();
          return call::cancel;
        },
        asked.tiers(),
        question.get().text(),
        nowMillis,
        this::on,
        (now, found) -> {
          loop.books().appraised(found);
          pursue(now, asked.appraised(found), bytes);
        });
  }

  private void pursue(long nowMillis, Ask asked, byte[] bytes) {
    ask = asked;
    pursuit =
        new Pursuit(
            loop,
            rules,
            id,
            operation,
            request,
            caller,
            answer,
            allowance.identity().tenant(),
            asked,
            bytes,
            life,
            attempts,
            this);
    askForPlan(nowMillis);
  }

  private void askForPlan(long nowMillis) {
    itinerary.asked(nowMillis);
    loop.routes()
        .ask(id, required(ask).route(id, loop.self(), allowance.identity().tenant()), nowMillis);
  }

  /** The router knows what serves it. */
  void planned(Plan answered) {
    on(
        now -> {
          boolean first = !itinerary.hasPlan();
          if (!itinerary.answered(answered)) {
            return;
          }
          Optional<FinalError> unsuited =
              Preamble.unsuited(required(ask).prefix(), answered.model());
          if (unsuited.isPresent()) {
            fail(now, unsuited.get());
            return;
          }
          if (first) {
            cascade.begin();
          }
          beginTier();
          if (first) {
            rules.retries().began(now);
            reserve(now);
          } else {
            askForSlot(now);
          }
        });
  }

  /** What the tier of now may need of the limits. */
  private void reserve(long nowMillis) {
    StreamState before = life.state();
    allowance.reserve(
        itinerary.model().orElseThrow(),
        required(ask).scan(),
        nowMillis,
        () -> on(now -> reserved(now, before)));
    reserved(nowMillis, before);
  }

  /**
   * @param expected the state of a request that waits for this
   */
  private void reserved(long nowMillis, StreamState expected) {
    Optional<LimitRefusal> no = allowance.refusal();
    if (life.state() != expected) {
      return;
    }
    if (no.isPresent()) {
      fail(nowMillis, FinalError.limited(no.get()));
    } else if (allowance.isHeld()) {
      askForSlot(nowMillis);
    }
  }

  private void beginTier() {
    required(pursuit).beginTier(cascade.hold());
  }

  @Override
  public void judge(long nowMillis, HeldAnswer draft) {
    cascade.judge(
        new JudgeCall.Panel(loop, asker(required(ask))),
        caller.requestId(),
        pool().model(),
        draft.draft(question.orElse(Question.NONE)),
        ruling -> on(now -> judged(now, ruling)));
  }

  /** On whose account models are asked about this request. */
  private SideCall.Asker asker(Ask of) {
    return new SideCall.Asker(allowance.identity().tenant(), of.priority(), of.affinity());
  }

  private void judged(long nowMillis, Judging.Ruling ruling) {
    if (ruling.verdict() != Judging.Verdict.REJECTED) {
      required(pursuit).accept(nowMillis);
      return;
    }
    TierName tier = itinerary.tier().orElseThrow();
    cascade.setAside(
        required(pursuit).rejected(tier, ruling), required(ask).scan().maxTokens() > 0);
    if (life.remainingMillis(nowMillis) > 0) {
      goUp(nowMillis);
    } else {
      fail(nowMillis, FinalError.late(Fault.DEADLINE_EXCEEDED, life.deadlines(), false));
    }
  }

  @Override
  public void unjudged(Judging.Verdict why) {
    cascade.unjudged(why);
  }

  @Override
  public void goUp(long nowMillis) {
    allowance.partOver(required(ask).scan(), attempts, nowMillis);
    attempts.nextStage();
    itinerary.goUp();
    beginTier();
    life.retry(nowMillis);
    reserve(nowMillis);
  }

  @Override
  public void askForSlot(long nowMillis) {
    PoolName name = itinerary.pool();
    loop.pool(name)
        .ifPresentOrElse(
            next -> required(pursuit).askForSlot(nowMillis, next),
            () -> notServed(nowMillis, FinalError.unknownPool(name)));
  }

  /** It shares a call. */
  void seated(Seat seat) {
    on(now -> required(pursuit).seated(now, seat));
  }

  /** There is a slot. */
  void granted(Grant granted) {
    on(now -> required(pursuit).granted(now, granted));
  }

  /** Router or owner will not serve it; from the owner it may lead to the plan's next pool. */
  void refused(Refusal refusal) {
    on(
        now -> {
          FinalError why = FinalError.refused(refusal, required(ask).prefix());
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
    if (required(pursuit).notResumed(nowMillis, why.message())) {
      return;
    }
    if (nobody && itinerary.passOver(unknown)) {
      askForSlot(nowMillis);
    } else if (nobody && !unknown && cascade.holds()) {
      goUp(nowMillis);
    } else if (nobody && itinerary.maySoonAgree(nowMillis)) {
      loop.timers().after(Itinerary.ASK_AGAIN_MILLIS, () -> on(this::askForPlan));
    } else if (!(nobody && required(pursuit).tellLast(nowMillis))) { // it says more than this
      fail(nowMillis, why);
    }
  }

  private void clientGone() {
    on(
        now -> {
          if (life.cancel(now)) {
            settle(Outcome.CANCELLED);
          }
        });
  }

  /** Compares deadlines and sends pings. */
  void tick() {
    on(
        now -> {
          if (pursuit != null) {
            pursuit.tick(now);
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
    if (itinerary.isSilent(nowMillis)) {
      fail(nowMillis, FinalError.routersSilent(Itinerary.ROUTE_MILLIS));
    }
  }

  /** The node ends and can not wait any longer. */
  void cutOff() {
    on(now -> fail(now, FinalError.shuttingDown(loop.rules().get().config().drain().toSeconds())));
  }

  private void expire(long nowMillis, Fault fault) {
    if (life.state() == StreamState.JUDGING) {
      cascade.expire(); // which may end it
      if (life.state().isFinal()) {
        return;
      }
    }
    if (pursuit == null || !pursuit.expire(nowMillis, fault)) {
      fail(nowMillis, FinalError.late(fault, life.deadlines(), ask == null));
    }
  }

  private void ping(long nowMillis) {
    long after = rules.config().pingAfter().toMillis();
    boolean waits = life.state() != StreamState.STREAMING && ask != null && ask.scan().stream();
    long silentSince = life.timeToFirstTokenMillis() >= 0 ? life.lastFrameMillis() : startMillis;
    if (waits && nowMillis - Math.max(lastPingMillis, silentSince) >= after) {
      lastPingMillis = nowMillis;
      answer.ping();
    }
  }

  @Override
  public void fail(long nowMillis, FinalError error) {
    if (error.fault() != Fault.INTERNAL
        && instead(nowMillis, error.fault().code(), error.outcome())) {
      return;
    }
    if (life.fail(nowMillis)) {
      try {
        answer.error(error);
      } finally {
        settle(error.outcome(), Optional.of(error.fault()));
      }
    }
  }

  @Override
  public boolean insteadOfRefusal(long nowMillis) {
    return instead(nowMillis, FailedEscalation.REFUSED, Outcome.CLIENT_ERROR);
  }

  /** The tier of now has failed: serves the draft of one below, if there is one. */
  private boolean instead(long nowMillis, String code, Outcome outcome) {
    Optional<SpareDraft> spare = cascade.spare();
    if (life.state().isFinal() || spare.isEmpty() || required(pursuit).hasContent()) {
      return false;
    }
    cascade.failed(spare.get(), code);
    outcomeOfTier = outcome;
    loop.slots()
        .remark(
            spare.get().pool().name(),
            new RequestId(caller.requestId()),
            "served though it was rejected, since the tier above failed: "
                + cascade.failure().orElseThrow().text());
    required(pursuit).instead(nowMillis, spare.get(), outcome);
    return true;
  }

  private void successHeaders(MultiMap headers) {
    allowance.headers(headers, cascade.failure().isPresent());
    AnswerHeaders.course(headers, caller, attempts, life, loop.clock().millis() - startMillis);
    boolean hasContent = life.timeToFirstTokenMillis() >= 0 || life.state().isFinal();
    isTold = cascade.isDecided(hasContent) || answer.status() >= 400; // else a ping came before
    if (isTold) {
      answeredBy(headers);
    }
  }

  private void answeredBy(MultiMap headers) {
    AnswerHeaders.who(headers, pool().model(), pool().name(), attempts);
    AnswerHeaders.tier(
        headers, itinerary.tiers(), cascade.answered(), required(ask).scan().stream(), cost());
    cascade.failure().ifPresent(failed -> headers.set(Headers.ESCALATION_FAILED, failed.text()));
  }

  @Override
  public String lateHeaders() {
    if (isTold) {
      return "";
    }
    isTold = true;
    MultiMap late = HttpHeaders.headers();
    answeredBy(late);
    return AnswerHeaders.asComments(late);
  }

  private Optional<Cost> cost() {
    return rules.tiering().cost(attempts, required(ask).scan().promptTokens());
  }

  @Override
  public void settle(Outcome outcome) {
    settle(outcome, Optional.empty());
  }

  /** Gives back what is held and writes the books; called once, by whoever ended the life. */
  private void settle(Outcome outcome, Optional<Fault> fault) {
    try {
      loop.routes().answered(id);
      reception.drop();
      if (appraising != null) {
        appraising.cancel();
      }
      cascade.over();
      if (pursuit != null) {
        pursuit.over(outcome);
      }
    } finally {
      if (ask != null) {
        Outcome ofTier = cascade.failure().isPresent() ? outcomeOfTier : outcome;
        allowance.settle(ask.scan(), attempts, ofTier);
      }
      charge();
      loop.exchanges().closed(this, settlement(outcome, fault));
      countPrefix(outcome);
    }
  }

  private void countPrefix(Outcome outcome) {
    if (outcome == Outcome.OK && ask != null) {
      ask.prefix()
          .ifPresent(prefix -> loop.prefixes().used(prefix, attempts.usage().cachedTokens()));
    }
  }

  /** Counts what it has cost, tier by tier. */
  private void charge() {
    if (ask != null) {
      for (Tiering.Share share : rules.tiering().shares(attempts, ask.scan().promptTokens())) {
        loop.books().cost(share.tier(), ask.priority(), share.cost());
      }
    }
  }

  private Pool pool() {
    return required(pursuit).pool().orElseThrow();
  }

  private Settlement settlement(Outcome outcome, Optional<Fault> fault) {
    return new Settlement(
        loop.clock().epochMillis(),
        caller,
        allowance.identity().tenant().id(),
        operation,
        cascade.failure().isPresent() ? Optional.of(pool().model()) : itinerary.model(),
        Optional.ofNullable(pursuit).flatMap(Pursuit::pool).map(Pool::name),
        ask != null && ask.scan().stream(),
        Optional.ofNullable(ask).flatMap(Ask::prefix),
        answer.status(),
        outcome,
        fault,
        attempts,
        itinerary.tiers(),
        cascade.answered(),
        cascade.failure(),
        ask == null ? Optional.empty() : cost(),
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
