package io.penstock.ingress;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
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
import io.penstock.openai.ErrorBody;
import io.penstock.openai.RequestHeaders;
import io.penstock.openai.ResponseScan;
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
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.internal.buffer.BufferInternal;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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

  /** Answers that do not stream are collected up to this, so that they can be judged whole. */
  static final int COLLECT_MAX_BYTES = 8 << 20;

  private static final TenantId ANONYMOUS = new TenantId("anonymous");

  private final Lane lane;
  private final RequestId id;
  private final String clientRequestId;
  private final Operation operation;
  private final HttpServerRequest request;
  private final HttpServerResponse response;
  private final long startMillis;
  private final Optional<String> traceparent;

  private RequestLife life;
  private @Nullable Buffer body;
  private @Nullable Ask ask;
  private @Nullable Plan plan;
  private int poolIndex;
  private @Nullable Grant grant;
  private @Nullable EngineCall call;
  private UsageReporting usageAsked = UsageReporting.NONE;
  private int attempts;

  private @Nullable HttpClientResponse head;
  private @Nullable StreamRelay relay;
  private Buffer collected = Buffer.buffer();
  private boolean piping;
  private TokenUsage usage = TokenUsage.NONE;
  private boolean paused;
  private long lastPingMillis;
  private long bytesOut;
  private int status;

  Exchange(
      Lane lane, RequestId id, Operation operation, HttpServerRequest request, long nowMillis) {
    this.lane = lane;
    this.id = id;
    this.operation = operation;
    this.request = request;
    this.response = request.response();
    this.startMillis = nowMillis;
    this.clientRequestId =
        RequestHeaders.requestId(request.getHeader(Headers.REQUEST_ID)).orElse(id).value();
    this.traceparent = RequestHeaders.traceparent(request.getHeader(Headers.TRACEPARENT));
    this.life = new RequestLife(nowMillis, false, deadlines());
  }

  private StreamDeadlines deadlines() {
    IngressConfig.Deadlines d = lane.config().deadlines();
    return new StreamDeadlines(
        RECEIVE_MILLIS,
        Long.MAX_VALUE,
        d.connect().toMillis() + 500, // the connection's own timeout comes first and says more
        d.firstToken().toMillis(),
        d.idle().toMillis(),
        d.total().toMillis());
  }

  RequestId id() {
    return id;
  }

  /** Begins to read the body. */
  void start() {
    lane.opened().accept(this);
    response.closeHandler(closed -> clientGone());
    response.exceptionHandler(error -> clientGone());
    request.exceptionHandler(error -> clientGone());
    long declared = declaredLength();
    if (declared > lane.config().maxBodyBytes()) {
      refuseBody(declared);
      return;
    }
    if ("100-continue".equalsIgnoreCase(request.getHeader(HttpHeaderNames.EXPECT))) {
      response.writeContinue();
    }
    request.handler(this::received);
    request.endHandler(end -> receivedAll());
  }

  private long declaredLength() {
    String text = request.getHeader(HttpHeaderNames.CONTENT_LENGTH);
    try {
      return text == null ? -1 : Long.parseLong(text);
    } catch (NumberFormatException unreadable) {
      return -1;
    }
  }

  private void received(Buffer piece) {
    if (life.state().isFinal()) {
      return;
    }
    long length = (body == null ? 0 : body.length()) + (long) piece.length();
    if (length > lane.config().maxBodyBytes()) {
      refuseBody(length);
    } else if (body == null) {
      body = piece;
    } else {
      if (body.length() <= piece.length() || !grows) {
        long declared = declaredLength();
        Buffer grown = Buffer.buffer(declared > 0 ? (int) declared : (int) length * 2);
        body = grown.appendBuffer(body);
        grows = true;
      }
      body.appendBuffer(piece);
    }
  }

  private boolean grows;

  private void refuseBody(long bytes) {
    request.pause();
    fail(
        Fault.BODY_TOO_LARGE,
        "the body has "
            + (declaredLength() > 0 ? "" : "at least ")
            + bytes
            + " bytes (expected: at most "
            + lane.config().maxBodyBytes()
            + ", ingress.max_body_bytes)",
        "",
        0);
  }

  private void receivedAll() {
    if (life.state().isFinal()) {
      return;
    }
    byte[] bytes = body == null ? new byte[0] : body.getBytes();
    body = null;
    Checked<Ask> read = Ask.read(operation, request.headers(), bytes, ANONYMOUS.value());
    if (read instanceof Checked.Rejected<Ask> no) {
      fail(no.fault(), no.message(), no.param(), 0);
      return;
    }
    Ask asked = ((Checked.Valid<Ask>) read).value();
    ask = asked;
    StreamDeadlines deadlines = deadlines();
    if (asked.timeout().isPresent()) {
      deadlines =
          deadlines.withTotalMillis(
              Math.min(deadlines.totalMillis(), asked.timeout().get().toMillis()));
    }
    life = new RequestLife(startMillis, asked.scan().stream(), deadlines);
    lane.routes()
        .ask(
            id,
            new Route(
                id,
                lane.self(),
                ANONYMOUS,
                asked.scan().model(),
                operation,
                asked.needs(),
                asked.scan().promptTokens(),
                asked.scan().maxTokens()),
            now());
  }

  /** The router knows what serves it. */
  void planned(Plan plan) {
    if (life.state() != StreamState.RECEIVED || ask == null) {
      return;
    }
    this.plan = plan;
    long nowMillis = now();
    life.queue(nowMillis, queueMillis(pool()));
    askForSlot(nowMillis);
  }

  private Pool pool() {
    PoolName name = required(plan).pools().get(poolIndex);
    Pool pool = lane.pools().get(name);
    if (pool == null) {
      throw new IllegalStateException(
          "pool: '" + name + "' (expected: one of " + lane.pools().keySet() + ")");
    }
    return pool;
  }

  private long queueMillis(Pool pool) {
    return pool.queue().waitOf(required(ask).priority()).toMillis();
  }

  private void askForSlot(long nowMillis) {
    Ask asked = required(ask);
    attempts++;
    lane.slots()
        .ask(
            new Admit(
                id,
                lane.self(),
                pool().name(),
                ANONYMOUS,
                asked.priority(),
                1,
                asked.scan().promptTokens(),
                asked.scan().maxTokens(),
                asked.body().length,
                asked.affinity(),
                asked.needs(),
                Set.of(),
                Math.min(queueMillis(pool()), life.remainingMillis(nowMillis)),
                0),
            nowMillis);
  }

  /**
   * Router or owner will not serve it; the owner's word leads to the plan's next pool, if there is
   * one.
   */
  void refused(Refusal refusal) {
    if (life.state() == StreamState.QUEUED
        && refusal.fault() == Fault.NO_REPLICA
        && poolIndex + 1 < required(plan).pools().size()) {
      poolIndex++;
      askForSlot(now());
      return;
    }
    fail(refusal.fault(), refusal.detail(), refusal.param(), refusal.retryAfterMillis());
  }

  /** There is a slot. */
  void granted(Grant granted) {
    if (life.state() != StreamState.QUEUED) {
      return; // settled in between; settling has given the slot back
    }
    grant = granted;
    life.connect(now());
    Ask asked = required(ask);
    Pool pool = pool();
    usageAsked =
        asked.scan().stream()
            ? pool.engine() == EngineKind.VLLM ? UsageReporting.CONTINUOUS : UsageReporting.FINAL
            : UsageReporting.NONE;
    Buffer forwarded =
        buffer(
            Splice.forward(asked.body(), asked.scan(), pool.nameForEngine(), usageAsked).slices());
    MultiMap headers = Headers.forEngine(request.headers());
    headers.set(Headers.REQUEST_ID, clientRequestId);
    traceparent.ifPresent(parent -> headers.set(Headers.TRACEPARENT, parent));
    pool.engineApiKey()
        .ifPresent(key -> headers.set(HttpHeaderNames.AUTHORIZATION, "Bearer " + key));
    if (!headers.contains(HttpHeaderNames.CONTENT_TYPE)) {
      headers.set(HttpHeaderNames.CONTENT_TYPE, Headers.JSON);
    }
    call =
        new EngineCall(
            lane.engines(),
            Endpoint.of(granted.url()),
            path(),
            lane.config().deadlines().connect().toMillis(),
            headers,
            forwarded,
            this);
    call.start();
  }

  private String path() {
    return switch (operation) {
      case CHAT -> "/v1/chat/completions";
      case COMPLETION -> "/v1/completions";
      case EMBEDDINGS -> "/v1/embeddings";
    };
  }

  @Override
  public void sent() {
    if (life.state() == StreamState.CONNECTING) {
      life.sent(now());
    }
  }

  @Override
  public void head(HttpClientResponse answer) {
    head = answer;
    String type = answer.getHeader(HttpHeaderNames.CONTENT_TYPE);
    if (required(ask).scan().stream()
        && answer.statusCode() == 200
        && type != null
        && type.startsWith("text/event-stream")) {
      relay = new StreamRelay(required(ask).scan().usage(), usageAsked);
    }
  }

  @Override
  public void data(Buffer piece) {
    if (life.state().isFinal()) {
      return;
    }
    life.progress(now());
    if (relay != null) {
      relayPiece(relay, piece);
    } else {
      collect(piece);
    }
  }

  private void relayPiece(StreamRelay relay, Buffer piece) {
    StreamRelay.Verdict verdict = relay.feed(piece.getBytes());
    usage = relay.usage();
    switch (verdict) {
      case HOLDING -> {}
      case FLOWING -> flow(relay);
      case DONE -> {
        flow(relay);
        finishStream();
      }
      case ENGINE_ERROR -> {
        flow(relay);
        engineErrorInStream(relay);
      }
      case MALFORMED -> {
        flow(relay);
        fail(
            Fault.BAD_GATEWAY,
            "replica " + replica() + " sent a frame that is not a JSON object",
            "",
            0,
            Outcome.FAULT);
      }
    }
  }

  private void flow(StreamRelay relay) {
    List<Slice> frames = relay.drain();
    if (frames.isEmpty()) {
      return;
    }
    commitStream();
    if (life.state() == StreamState.AWAITING_FIRST) {
      life.firstContent(now());
    }
    write(buffer(frames));
  }

  private void commitStream() {
    if (response.headWritten()) {
      return;
    }
    status = 200;
    MultiMap headers = response.headers();
    headers.set(HttpHeaderNames.CONTENT_TYPE, Headers.EVENT_STREAM);
    headers.set(HttpHeaderNames.CACHE_CONTROL, Headers.NO_CACHE);
    headers.set(Headers.ACCEL_BUFFERING, Headers.NO);
    ownHeaders(headers);
    if (request.version() != HttpVersion.HTTP_2) {
      response.setChunked(true);
    }
  }

  private void write(Buffer bytes) {
    bytesOut += bytes.length();
    response.write(bytes);
    if (!paused && call != null && response.writeQueueFull()) {
      paused = true;
      call.pause();
      response.drainHandler(
          drained -> {
            paused = false;
            life.progress(now());
            if (call != null) {
              call.resume();
            }
          });
    }
  }

  private void finishStream() {
    if (life.finish(now())) {
      response.end();
      settle(Outcome.OK, Optional.empty());
    }
  }

  private void engineErrorInStream(StreamRelay relay) {
    byte[] frame = relay.engineError().map(Slice::toByteArray).orElseGet(() -> new byte[0]);
    if (!life.fail(now())) {
      return;
    }
    if (response.headWritten()) {
      bytesOut += frame.length;
      response.write(buffer(List.of(new Slice(frame, 0, frame.length))));
      endBroken();
    } else {
      answerError(Fault.BAD_GATEWAY, engineSaid(data(frame)), "", 0);
    }
    settle(Outcome.FAULT, Optional.of(Fault.BAD_GATEWAY));
  }

  /** The JSON of a one-line event. */
  private static byte[] data(byte[] frame) {
    String text = new String(frame, StandardCharsets.UTF_8).strip();
    int at = text.indexOf("data:");
    return (at < 0 ? text : text.substring(at + 5)).strip().getBytes(StandardCharsets.UTF_8);
  }

  private void collect(Buffer piece) {
    if (piping) {
      write(piece);
      return;
    }
    collected.appendBuffer(piece);
    if (collected.length() > COLLECT_MAX_BYTES && required(head).statusCode() < 300) {
      piping = true; // larger than what is worth holding: pass it on as it comes
      status = required(head).statusCode();
      response.setStatusCode(status);
      Headers.toClient(required(head).headers(), response.headers());
      ownHeaders(response.headers());
      String length = required(head).getHeader(HttpHeaderNames.CONTENT_LENGTH);
      if (length != null) {
        response.headers().set(HttpHeaderNames.CONTENT_LENGTH, length);
      } else if (request.version() != HttpVersion.HTTP_2) {
        response.setChunked(true);
      }
      Buffer soFar = collected;
      collected = Buffer.buffer();
      write(soFar);
    }
  }

  @Override
  public void ended() {
    if (life.state().isFinal()) {
      return;
    }
    if (relay != null) {
      fail(
          Fault.UPSTREAM_TRUNCATED,
          "replica " + replica() + " ended the stream before it was done",
          "",
          0,
          Outcome.TRANSPORT);
    } else if (piping) {
      if (life.finish(now())) {
        response.end();
        settle(Outcome.OK, Optional.empty());
      }
    } else {
      answerWhole(required(head).statusCode(), collected.getBytes());
    }
  }

  private void answerWhole(int engineStatus, byte[] bytes) {
    if (engineStatus >= 200 && engineStatus < 300) {
      ResponseScan scan = ResponseScan.of(bytes);
      switch (scan.kind()) {
        case RESULT -> {
          usage = scan.usage().orElse(TokenUsage.NONE);
          pass(engineStatus, bytes, Outcome.OK);
        }
        case ERROR -> fail(Fault.BAD_GATEWAY, engineSaid(bytes), "", 0, Outcome.FAULT);
        case MALFORMED ->
            fail(
                Fault.BAD_GATEWAY,
                "replica "
                    + replica()
                    + " answered "
                    + engineStatus
                    + " with "
                    + bytes.length
                    + " bytes that are not a JSON object",
                "",
                0,
                Outcome.FAULT);
      }
    } else if (engineStatus == 429 || engineStatus == 503) {
      fail(
          engineStatus == 429 ? Fault.QUEUE_FULL : Fault.NO_REPLICA,
          engineSaid(bytes),
          "",
          engineRetryAfterMillis(),
          Outcome.BACK_PRESSURE);
    } else if (engineStatus >= 400
        && engineStatus < 500
        && engineStatus != 408
        && engineStatus != 409) {
      pass(engineStatus, ErrorBody.reshape(engineStatus, bytes), Outcome.CLIENT_ERROR);
    } else {
      fail(Fault.BAD_GATEWAY, engineSaid(bytes), "", 0, Outcome.FAULT);
    }
  }

  private void pass(int engineStatus, byte[] bytes, Outcome outcome) {
    if (!life.finish(now())) {
      return;
    }
    status = engineStatus;
    response.setStatusCode(engineStatus);
    Headers.toClient(required(head).headers(), response.headers());
    if (outcome == Outcome.CLIENT_ERROR) {
      response.headers().set(HttpHeaderNames.CONTENT_TYPE, Headers.JSON);
      response.headers().set(Headers.SHOULD_RETRY, Headers.FALSE);
    }
    ownHeaders(response.headers());
    bytesOut += bytes.length;
    response.end(buffer(List.of(new Slice(bytes, 0, bytes.length))));
    settle(outcome, Optional.empty());
  }

  private String engineSaid(byte[] bytes) {
    int engineStatus = required(head).statusCode();
    return "replica "
        + replica()
        + " answered "
        + engineStatus
        + EngineMessage.of(bytes).map(text -> ": " + text).orElse("");
  }

  private long engineRetryAfterMillis() {
    String seconds = required(head).getHeader(HttpHeaderNames.RETRY_AFTER);
    try {
      return seconds == null ? 1_000 : Math.min(3_600_000, Long.parseLong(seconds.strip()) * 1_000);
    } catch (NumberFormatException date) {
      return 1_000;
    }
  }

  @Override
  public void failed(Throwable cause) {
    if (life.state().isFinal()) {
      return;
    }
    LOG.debug("{} on replica {}: {}", clientRequestId, replica(), cause.toString());
    boolean streaming = relay != null || piping;
    boolean connecting = life.state() == StreamState.CONNECTING;
    if (connecting && cause instanceof ConnectTimeoutException) {
      fail(
          Fault.CONNECT_TIMEOUT,
          "replica "
              + replica()
              + " did not accept a connection within "
              + lane.config().deadlines().connect().toMillis()
              + " ms (connect_ms)",
          "",
          0,
          Outcome.TIMEOUT);
    } else if (streaming) {
      fail(
          Fault.UPSTREAM_TRUNCATED,
          "the connection to replica " + replica() + " broke in mid-stream",
          "",
          0,
          Outcome.TRANSPORT);
    } else {
      fail(
          Fault.BAD_GATEWAY,
          connecting
              ? "replica " + replica() + " could not be reached"
              : "the connection to replica " + replica() + " broke before it answered",
          "",
          0,
          Outcome.TRANSPORT);
    }
  }

  private void clientGone() {
    if (life.cancel(now())) {
      settle(Outcome.CANCELLED, Optional.empty());
    }
  }

  /** Compares deadlines and sends pings. */
  void tick(long nowMillis) {
    if (paused) {
      life.progress(nowMillis); // the client is slow, not the engine
    }
    Optional<Fault> overdue = life.overdue(nowMillis);
    if (overdue.isPresent()) {
      expire(overdue.get());
    } else if (life.state() == StreamState.AWAITING_FIRST
        || life.state() == StreamState.QUEUED
        || life.state() == StreamState.CONNECTING) {
      ping(nowMillis);
    }
  }

  /** The node ends and can not wait any longer. */
  void cutOff() {
    fail(
        Fault.DRAINING,
        "this node is shutting down and the request did not end within "
            + lane.config().drain().toSeconds()
            + " s (ingress.drain_seconds); send it again, it will reach another node",
        "",
        1_000,
        Outcome.CANCELLED);
  }

  private void expire(Fault fault) {
    StreamDeadlines d = life.deadlines();
    String what =
        switch (fault) {
          case QUEUE_TIMEOUT -> "no slot became free within " + d.queueMillis() + " ms (queue_ms)";
          case CONNECT_TIMEOUT ->
              "replica "
                  + replica()
                  + " did not take the request within "
                  + d.connectMillis()
                  + " ms (connect_ms)";
          case FIRST_TOKEN_TIMEOUT ->
              "replica "
                  + replica()
                  + " sent no token within "
                  + d.firstTokenMillis()
                  + " ms (first_token_ms)";
          case IDLE_TIMEOUT ->
              "replica " + replica() + " sent nothing for " + d.idleMillis() + " ms (idle_ms)";
          default ->
              life.state() == StreamState.RECEIVED && d.totalMillis() > d.receiveMillis()
                  ? "the request was not received and routed within " + d.receiveMillis() + " ms"
                  : "the request was not done within "
                      + d.totalMillis()
                      + " ms (total_ms, or x-penstock-timeout-ms)";
        };
    fail(fault, what, "", fault == Fault.QUEUE_TIMEOUT ? 1_000 : 0, Outcome.TIMEOUT);
  }

  private void ping(long nowMillis) {
    long after = lane.config().pingAfter().toMillis();
    if (ask == null || !ask.scan().stream() || nowMillis - startMillis < after) {
      return;
    }
    if (nowMillis - Math.max(lastPingMillis, startMillis) < after) {
      return;
    }
    lastPingMillis = nowMillis;
    commitStream();
    write(Buffer.buffer(": ping\n\n"));
  }

  private void fail(Fault fault, String message, String param, long retryAfterMillis) {
    fail(fault, message, param, retryAfterMillis, Outcome.CLIENT_ERROR);
  }

  private void fail(
      Fault fault, String message, String param, long retryAfterMillis, Outcome outcome) {
    if (!life.fail(now())) {
      return;
    }
    if (response.headWritten()) {
      byte[] frame = ErrorBody.frame(fault, message, param);
      if (!piping) {
        bytesOut += frame.length;
        response.write(buffer(List.of(new Slice(frame, 0, frame.length))));
        endBroken();
      } else {
        response.reset(); // an answer in one piece has no place for an error
      }
    } else {
      answerError(fault, message, param, retryAfterMillis);
    }
    settle(outcome, Optional.of(fault));
  }

  private void answerError(Fault fault, String message, String param, long retryAfterMillis) {
    status = fault.status();
    bytesOut +=
        ErrorResponse.send(request, clientRequestId, fault, message, param, retryAfterMillis);
  }

  /** Ends a stream that carries an error as its last frame. */
  private void endBroken() {
    response
        .end()
        .onComplete(
            ended -> {
              if (request.version() != HttpVersion.HTTP_2) {
                request.connection().close();
              }
            });
  }

  private void ownHeaders(MultiMap headers) {
    headers.set(Headers.REQUEST_ID, clientRequestId);
    headers.set(Headers.MODEL, required(plan).model().value());
    headers.set(Headers.POOL, pool().name().value());
    headers.set(Headers.ATTEMPTS, Integer.toString(attempts));
    if (grant != null) {
      headers.set(Headers.REPLICA, grant.replica().value());
      headers.set(Headers.QUEUE_MS, Long.toString(grant.queuedMillis()));
    }
    headers.set(
        Headers.SERVER_TIMING,
        "queue;dur="
            + Math.max(0, life.queueMillis())
            + ", route;dur="
            + life.routeMillis()
            + ", upstream;dur="
            + Math.max(
                0, now() - startMillis - life.routeMillis() - Math.max(0, life.queueMillis())));
  }

  private void settle(Outcome outcome, Optional<Fault> fault) {
    if (call != null) {
      call.cancel();
    }
    lane.routes().answered(id);
    if (plan != null) {
      PoolName pool = pool().name();
      if (grant != null) {
        lane.slots()
            .release(
                pool,
                id,
                outcome,
                usage,
                life.grantToFirstContentMillis(),
                life.grantToEndMillis());
      } else {
        lane.slots().withdraw(pool, id);
      }
    }
    lane.closed().accept(id);
    lane.settle()
        .accept(
            new Settlement(
                clientRequestId,
                traceparent,
                ANONYMOUS,
                operation,
                Optional.ofNullable(plan).map(Plan::model),
                Optional.ofNullable(plan).map(p -> p.pools().get(poolIndex)),
                Optional.ofNullable(grant).map(Grant::replica),
                ask != null && ask.scan().stream(),
                status,
                outcome,
                fault,
                usage,
                relay == null ? 0 : relay.contentFrames(),
                attempts,
                bytesOut,
                request.remoteAddress() == null ? "" : request.remoteAddress().hostAddress(),
                life));
  }

  private String replica() {
    return grant == null ? "(none)" : grant.replica().value();
  }

  private long now() {
    return lane.clock().millis();
  }

  private static Buffer buffer(List<Slice> slices) {
    if (slices.size() == 1) {
      Slice only = slices.get(0);
      return BufferInternal.buffer(
          Unpooled.wrappedBuffer(only.bytes(), only.offset(), only.length()));
    }
    ByteBuf[] parts = new ByteBuf[slices.size()];
    for (int i = 0; i < parts.length; i++) {
      Slice each = slices.get(i);
      parts[i] = Unpooled.wrappedBuffer(each.bytes(), each.offset(), each.length());
    }
    return BufferInternal.buffer(Unpooled.wrappedBuffer(parts.length, parts));
  }

  private static <T> T required(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("not there yet");
    }
    return value;
  }
}
