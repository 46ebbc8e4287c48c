package io.penstock.ingress;

import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.penstock.fault.Fault;
import io.penstock.inference.EngineKind;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import io.penstock.message.Grant;
import io.penstock.message.Plan;
import io.penstock.message.Refusal;
import io.penstock.message.Route;
import io.penstock.openai.Checked;
import io.penstock.openai.RequestHeaders;
import io.penstock.openai.Slice;
import io.penstock.openai.Splice;
import io.penstock.openai.UsageReporting;
import io.penstock.stream.RequestLife;
import io.penstock.stream.StreamDeadlines;
import io.penstock.stream.StreamRelay;
import io.penstock.stream.StreamState;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpServerRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries one request through: reads its body, asks the router and the pool's owner, calls the
 * replica, relays what comes, and settles exactly once, however it ends. Lives on one event loop;
 * {@link RequestLife} says what may happen next.
 */
final class Exchange implements EngineCall.Listener {
  private static final Logger LOG = LoggerFactory.getLogger(Exchange.class);

  /** How long a client may take to send its body. */
  static final long RECEIVE_MILLIS = 60_000;

  /** How long routers may take, all of them together. */
  static final long ROUTE_MILLIS = 5_000;

  /** Successful answers that do not stream are collected up to this, to be judged whole. */
  static final int COLLECT_MAX_BYTES = 8 << 20;

  /** Of other answers, this much is enough to say what the engine said. */
  static final int ERROR_MAX_BYTES = 64 << 10;

  private static final TenantId ANONYMOUS = new TenantId("anonymous");

  private final LoopParts loop;
  private final RequestId id;
  private final String clientRequestId;
  private final Operation operation;
  private final HttpServerRequest request;
  private final ClientAnswer answer;
  private final long startMillis;
  private final Optional<String> traceparent;
  private final BodyIntake intake;

  private RequestLife life;
  private byte @Nullable [] body;
  private @Nullable Ask ask;
  private long routeAskedMillis;
  private @Nullable Plan plan;
  private int poolIndex;
  private @Nullable Pool pool;
  private @Nullable Grant grant;
  private int grants;
  private @Nullable EngineCall call;
  private UsageReporting usageAsked = UsageReporting.NONE;

  private @Nullable HttpClientResponse head;
  private @Nullable StreamRelay relay;
  private Buffer collected = Buffer.buffer();
  private boolean piping;
  private TokenUsage usage = TokenUsage.NONE;
  private boolean paused;
  private long lastPingMillis;

  Exchange(
      LoopParts loop,
      RequestId id,
      Operation operation,
      HttpServerRequest request,
      long nowMillis) {
    this.loop = loop;
    this.id = id;
    this.operation = operation;
    this.request = request;
    this.startMillis = nowMillis;
    this.clientRequestId =
        RequestHeaders.requestId(request.getHeader(Headers.REQUEST_ID)).orElse(id).value();
    this.traceparent = RequestHeaders.traceparent(request.getHeader(Headers.TRACEPARENT));
    this.intake = new BodyIntake(request, loop.config().maxBodyBytes());
    this.answer = new ClientAnswer(request, clientRequestId, this::ownHeaders);
    this.life = new RequestLife(nowMillis, false, deadlines());
  }

  private StreamDeadlines deadlines() {
    IngressConfig.Deadlines d = loop.config().deadlines();
    return new StreamDeadlines(
        RECEIVE_MILLIS,
        Long.MAX_VALUE,
        d.connect().toMillis() + DeadlineText.CONNECT_MARGIN_MILLIS,
        d.firstToken().toMillis(),
        d.idle().toMillis(),
        d.total().toMillis());
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
      LOG.error("request {} failed in state {}", clientRequestId, life.state(), bug);
      fail(
          nowMillis,
          Fault.INTERNAL,
          "something went wrong inside the gateway; its log has it under the request id "
              + clientRequestId,
          Outcome.FAULT);
    }
  }

  /** Begins to read the body. */
  void start() {
    loop.exchanges().opened(this);
    answer.onGone(this::clientGone);
    if (intake.isAnnouncedTooLarge()) {
      on(this::refuseBody);
      return;
    }
    if ("100-continue".equalsIgnoreCase(request.getHeader(HttpHeaderNames.EXPECT))) {
      request.response().writeContinue();
    }
    request.handler(
        piece ->
            on(
                now -> {
                  if (!intake.take(piece)) {
                    refuseBody(now);
                  }
                }));
    request.endHandler(end -> on(this::receivedAll));
  }

  private void refuseBody(long nowMillis) {
    request.pause();
    fail(nowMillis, Fault.BODY_TOO_LARGE, intake.tooLarge(), Outcome.CLIENT_ERROR);
  }

  private void receivedAll(long nowMillis) {
    byte[] bytes = intake.bytes();
    Checked<Ask> read = Ask.read(operation, request.headers(), bytes, ANONYMOUS.value());
    if (read instanceof Checked.Rejected<Ask> no) {
      fail(nowMillis, no.fault(), no.message(), no.param(), 0, Outcome.CLIENT_ERROR);
      return;
    }
    Ask asked = ((Checked.Valid<Ask>) read).value();
    ask = asked;
    body = bytes;
    StreamDeadlines deadlines = deadlines();
    if (asked.timeout().isPresent()) {
      deadlines =
          deadlines.withTotalMillis(
              Math.min(deadlines.totalMillis(), asked.timeout().get().toMillis()));
    }
    life = new RequestLife(startMillis, asked.scan().stream(), deadlines);
    routeAskedMillis = nowMillis;
    loop.routes()
        .ask(
            id,
            new Route(
                id,
                loop.self(),
                ANONYMOUS,
                asked.scan().model(),
                operation,
                asked.needs(),
                asked.scan().promptTokens(),
                asked.scan().maxTokens()),
            nowMillis);
  }

  /** The router knows what serves it. */
  void planned(Plan answered) {
    on(
        now -> {
          if (life.state() == StreamState.RECEIVED && ask != null) {
            plan = answered;
            askForSlot(now);
          }
        });
  }

  /** Asks the owner of the plan's current pool. */
  private void askForSlot(long nowMillis) {
    PoolName name = required(plan).pools().get(poolIndex);
    Pool next = loop.pools().get(name);
    pool = next;
    if (next == null) {
      fail(
          nowMillis,
          Fault.NO_REPLICA,
          "pool '"
              + name
              + "' is not in this node's configuration, but in another node's; give all nodes the"
              + " same fleet",
          Outcome.BACK_PRESSURE);
      return;
    }
    Ask asked = required(ask);
    long queueMillis = next.queue().waitOf(asked.priority()).toMillis();
    life.queue(nowMillis, queueMillis);
    loop.slots()
        .ask(
            new Admit(
                id,
                loop.self(),
                next.name(),
                ANONYMOUS,
                asked.priority(),
                1,
                asked.scan().promptTokens(),
                asked.scan().maxTokens(),
                required(body).length,
                asked.affinity(),
                asked.needs(),
                Set.of(),
                Math.min(queueMillis, life.remainingMillis(nowMillis)),
                0),
            nowMillis);
  }

  /** Router or owner will not serve it; from the owner it may lead to the plan's next pool. */
  void refused(Refusal refusal) {
    on(
        now -> {
          if (life.state() == StreamState.QUEUED
              && refusal.fault() == Fault.NO_REPLICA
              && poolIndex + 1 < required(plan).pools().size()) {
            poolIndex++;
            askForSlot(now);
          } else {
            fail(
                now,
                refusal.fault(),
                refusal.detail(),
                refusal.param(),
                refusal.retryAfterMillis(),
                outcomeOf(refusal.fault()));
          }
        });
  }

  private static Outcome outcomeOf(Fault refusal) {
    return switch (refusal) {
      case QUEUE_FULL, NO_REPLICA, DRAINING -> Outcome.BACK_PRESSURE;
      case QUEUE_TIMEOUT -> Outcome.TIMEOUT;
      default -> refusal.status() < 500 ? Outcome.CLIENT_ERROR : Outcome.FAULT;
    };
  }

  /** There is a slot; settling gives it back. */
  void granted(Grant granted) {
    on(
        now -> {
          grant = granted;
          grants++;
          life.connect(now);
          EngineCall made = engineCall(granted);
          call = made;
          made.start();
        });
  }

  private EngineCall engineCall(Grant granted) {
    Ask asked = required(ask);
    Pool target = required(pool);
    if (asked.scan().stream()) {
      usageAsked =
          target.engine() == EngineKind.VLLM ? UsageReporting.CONTINUOUS : UsageReporting.FINAL;
    }
    List<Slice> forwarded =
        Splice.forward(required(body), asked.scan(), target.nameForEngine(), usageAsked).slices();
    return new EngineCall(
        loop.engines(),
        loop.firstUse(),
        Endpoint.of(granted.url()),
        InferencePaths.of(operation),
        loop.config().deadlines().connect().toMillis(),
        engineHeaders(target),
        Buffers.of(forwarded),
        this);
  }

  private MultiMap engineHeaders(Pool target) {
    MultiMap headers = Headers.forEngine(request.headers());
    headers.set(Headers.REQUEST_ID, clientRequestId);
    traceparent.ifPresent(parent -> headers.set(Headers.TRACEPARENT, parent));
    target
        .engineApiKey()
        .ifPresent(key -> headers.set(HttpHeaderNames.AUTHORIZATION, "Bearer " + key));
    if (!headers.contains(HttpHeaderNames.CONTENT_TYPE)) {
      headers.set(HttpHeaderNames.CONTENT_TYPE, Headers.JSON);
    }
    return headers;
  }

  @Override
  public void sent() {
    on(life::sent);
  }

  @Override
  public void head(HttpClientResponse engine) {
    on(
        now -> {
          head = engine;
          body = null; // nothing sends it again
          String type = engine.getHeader(HttpHeaderNames.CONTENT_TYPE);
          if (required(ask).scan().stream()
              && engine.statusCode() == 200
              && type != null
              && type.startsWith("text/event-stream")) {
            relay = new StreamRelay(required(ask).scan().usage(), usageAsked);
            if (answer.isCommitted()) {
              relay.commit(); // a ping has sent the status line: there is nothing to hold for
            }
          }
        });
  }

  @Override
  public void data(Buffer piece) {
    on(
        now -> {
          life.progress(now);
          if (relay != null) {
            relay.feed(piece.getBytes());
            judge(now, relay);
          } else {
            collect(now, piece);
          }
        });
  }

  private void judge(long nowMillis, StreamRelay relay) {
    usage = relay.usage();
    switch (relay.verdict()) {
      case HOLDING -> {}
      case FLOWING -> flow(nowMillis, relay);
      case DONE -> {
        flow(nowMillis, relay);
        if (life.finish(nowMillis)) {
          answer.end();
          settle(Outcome.OK, Optional.empty());
        }
      }
      case ENGINE_ERROR -> {
        flowIfCommitted(nowMillis, relay);
        engineErrorInStream(nowMillis, relay);
      }
      case MALFORMED -> {
        flowIfCommitted(nowMillis, relay);
        fail(
            nowMillis,
            Fault.BAD_GATEWAY,
            replica() + " sent " + relay.malformation(),
            Outcome.FAULT);
      }
    }
  }

  /** Frames that came before a failure; while nothing was sent, a proper status is better. */
  private void flowIfCommitted(long nowMillis, StreamRelay relay) {
    if (answer.isCommitted()) {
      flow(nowMillis, relay);
    }
  }

  private void flow(long nowMillis, StreamRelay relay) {
    List<Slice> frames = relay.drain();
    if (frames.isEmpty()) {
      return;
    }
    answer.frames(frames);
    if (life.state() == StreamState.AWAITING_FIRST && relay.contentFrames() > 0) {
      life.firstContent(nowMillis);
    }
    holdBackIfFull();
  }

  private void holdBackIfFull() {
    if (!paused && call != null && answer.isFull()) {
      paused = true;
      call.pause();
      answer.onDrain(
          () ->
              on(
                  now -> {
                    paused = false;
                    life.progress(now);
                    if (call != null) {
                      call.resume();
                    }
                  }));
    }
  }

  private void engineErrorInStream(long nowMillis, StreamRelay relay) {
    byte[] frame = relay.engineError().map(Slice::toByteArray).orElseGet(() -> new byte[0]);
    fail(
        nowMillis,
        Fault.BAD_GATEWAY,
        replica()
            + " failed in its stream"
            + EngineMessage.of(json(frame)).map(text -> ": " + text).orElse(""),
        Outcome.FAULT);
  }

  /** The JSON of a one-line event. */
  private static byte[] json(byte[] frame) {
    String text = new String(frame, StandardCharsets.UTF_8).strip();
    int at = text.indexOf("data:");
    return text.substring(at < 0 ? 0 : at + 5).strip().getBytes(StandardCharsets.UTF_8);
  }

  private void collect(long nowMillis, Buffer piece) {
    if (piping) {
      answer.piece(piece);
      holdBackIfFull();
      return;
    }
    collected.appendBuffer(piece);
    int engineStatus = required(head).statusCode();
    if (engineStatus >= 300) {
      if (collected.length() > ERROR_MAX_BYTES) {
        answerWhole(nowMillis);
      }
    } else if (collected.length() > COLLECT_MAX_BYTES) {
      pipe(nowMillis, engineStatus);
    }
  }

  /** The answer is larger than what is worth holding: passes it on as it comes. */
  private void pipe(long nowMillis, int engineStatus) {
    if (answer.isCommitted()) {
      notAStream(nowMillis);
      return;
    }
    piping = true;
    life.firstContent(nowMillis);
    answer.beginPiping(engineStatus, required(head).headers());
    Buffer soFar = collected;
    collected = Buffer.buffer();
    answer.piece(soFar);
    holdBackIfFull();
  }

  @Override
  public void ended() {
    on(
        now -> {
          if (piping) {
            if (life.finish(now)) {
              answer.end();
              settle(Outcome.OK, Optional.empty());
            }
          } else if (relay == null) {
            answerWhole(now);
          } else {
            relay.end();
            judge(now, relay);
            fail(
                now,
                Fault.UPSTREAM_TRUNCATED,
                replica() + " ended the stream before it was done",
                Outcome.TRANSPORT);
          }
        });
  }

  private void answerWhole(long nowMillis) {
    HttpClientResponse engine = required(head);
    String retryAfter = engine.getHeader(HttpHeaderNames.RETRY_AFTER);
    EngineAnswer judged =
        EngineAnswer.judge(
            replica(),
            engine.statusCode(),
            retryAfter == null ? "" : retryAfter,
            collected.getBytes());
    if (judged instanceof EngineAnswer.Refused no) {
      fail(nowMillis, no.fault(), no.message(), "", no.retryAfterMillis(), no.outcome());
    } else if (judged instanceof EngineAnswer.Passed passed) {
      usage = passed.usage();
      pass(nowMillis, engine, passed);
    }
  }

  private void pass(long nowMillis, HttpClientResponse engine, EngineAnswer.Passed passed) {
    if (!answer.isCommitted()) {
      if (life.finish(nowMillis)) {
        answer.whole(engine.statusCode(), engine.headers(), passed.body());
        settle(passed.outcome(), Optional.empty());
      }
    } else if (passed.outcome() == Outcome.OK) {
      notAStream(nowMillis);
    } else if (life.fail(nowMillis)) {
      answer.lastFrameOf(passed.body()); // the engine's own error, for a client that has its 200
      settle(passed.outcome(), Optional.empty());
    }
  }

  private void notAStream(long nowMillis) {
    fail(
        nowMillis,
        Fault.BAD_GATEWAY,
        replica() + " was asked for a stream and answered in one piece",
        Outcome.FAULT);
  }

  @Override
  public void failed(Throwable cause) {
    on(
        now -> {
          LOG.debug("{} on {}: {}", clientRequestId, replica(), cause.toString());
          boolean connecting = life.state() == StreamState.CONNECTING;
          if (connecting && cause instanceof ConnectTimeoutException) {
            fail(
                now,
                Fault.CONNECT_TIMEOUT,
                replica()
                    + " did not accept a connection within "
                    + loop.config().deadlines().connect().toMillis()
                    + " ms (connect_ms)",
                Outcome.TIMEOUT);
          } else if (relay != null || piping) {
            fail(
                now,
                Fault.UPSTREAM_TRUNCATED,
                "the connection to " + replica() + " broke in mid-stream",
                Outcome.TRANSPORT);
          } else {
            fail(
                now,
                Fault.BAD_GATEWAY,
                connecting
                    ? replica() + " could not be reached"
                    : "the connection to " + replica() + " broke before it answered",
                Outcome.TRANSPORT);
          }
        });
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
            life.progress(now); // the client is slow, not the engine
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
      fail(
          nowMillis,
          Fault.NO_REPLICA,
          "no node with the role 'router' answered within " + ROUTE_MILLIS + " ms",
          "",
          ROUTE_MILLIS,
          Outcome.BACK_PRESSURE);
    }
  }

  /** The node ends and can not wait any longer. */
  void cutOff() {
    on(
        now ->
            fail(
                now,
                Fault.DRAINING,
                "this node is shutting down and the request did not end within "
                    + loop.config().drain().toSeconds()
                    + " s (ingress.drain_seconds); send it again, it will reach another node",
                "",
                1_000,
                Outcome.CANCELLED));
  }

  private void expire(long nowMillis, Fault fault) {
    String what = DeadlineText.of(fault, life.deadlines(), ask == null, replica());
    fail(nowMillis, fault, what, "", fault == Fault.QUEUE_TIMEOUT ? 1_000 : 0, Outcome.TIMEOUT);
  }

  private void ping(long nowMillis) {
    long after = loop.config().pingAfter().toMillis();
    boolean waits = life.state() != StreamState.STREAMING && ask != null && ask.scan().stream();
    if (waits && nowMillis - Math.max(lastPingMillis, startMillis) >= after) {
      lastPingMillis = nowMillis;
      answer.ping();
      if (relay != null) {
        relay.commit();
        flow(nowMillis, relay);
      }
    }
  }

  private void fail(long nowMillis, Fault fault, String message, Outcome outcome) {
    fail(nowMillis, fault, message, "", 0, outcome);
  }

  private void fail(
      long nowMillis,
      Fault fault,
      String message,
      String param,
      long retryAfterMillis,
      Outcome outcome) {
    if (life.fail(nowMillis)) {
      try {
        answer.error(fault, message, param, retryAfterMillis);
      } finally {
        settle(outcome, Optional.of(fault));
      }
    }
  }

  private void ownHeaders(MultiMap headers) {
    headers.set(Headers.REQUEST_ID, clientRequestId);
    headers.set(Headers.MODEL, required(plan).model().value());
    headers.set(Headers.POOL, required(pool).name().value());
    headers.set(Headers.ATTEMPTS, Integer.toString(grants));
    if (grant != null) {
      headers.set(Headers.REPLICA, grant.replica().value());
      headers.set(Headers.QUEUE_MS, Long.toString(grant.queuedMillis()));
    }
    long before = life.routeMillis() + Math.max(0, life.queueMillis());
    headers.set(
        Headers.SERVER_TIMING,
        "queue;dur="
            + Math.max(0, life.queueMillis())
            + ", route;dur="
            + life.routeMillis()
            + ", upstream;dur="
            + Math.max(0, loop.clock().millis() - startMillis - before));
  }

  /** Gives back what is held and writes the books; called once, by whoever ended the life. */
  private void settle(Outcome outcome, Optional<Fault> fault) {
    if (call != null) {
      if (outcome == Outcome.OK) {
        call.finish();
      } else {
        call.cancel();
      }
    }
    loop.routes().answered(id);
    if (pool != null) {
      if (grant != null) {
        loop.slots()
            .release(
                pool.name(),
                id,
                outcome,
                usage,
                life.grantToFirstContentMillis(),
                life.grantToEndMillis());
      } else {
        loop.slots().withdraw(pool.name(), id);
      }
    }
    body = null;
    collected = Buffer.buffer();
    loop.exchanges()
        .closed(
            this,
            new Settlement(
                loop.clock().epochMillis(),
                clientRequestId,
                traceparent,
                ANONYMOUS,
                operation,
                Optional.ofNullable(plan).map(Plan::model),
                Optional.ofNullable(pool).map(Pool::name),
                Optional.ofNullable(grant).map(Grant::replica),
                ask != null && ask.scan().stream(),
                answer.status(),
                outcome,
                fault,
                usage,
                relay == null ? 0 : relay.contentFrames(),
                grants,
                answer.bytesOut(),
                request.remoteAddress() == null ? "" : request.remoteAddress().hostAddress(),
                life));
  }

  private String replica() {
    return grant == null ? "no replica" : "replica " + grant.replica();
  }

  private static <T> T required(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("not there yet");
    }
    return value;
  }
}
