package io.penstock.sim;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.penstock.inference.Operation;
import io.penstock.measure.Hash64;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One simulated engine: a port, a core, and the timer that drives it. */
final class Replica extends VerticleBase {
  private static final Logger LOG = LoggerFactory.getLogger(Replica.class);
  private static final int BODY_BYTES_MAX = 64 << 20;
  private static final int ONCE_KEYS_MAX = 10_000;
  private static final String ONCE_MAP = "penstock.sim.once";
  private static final String VERSION = "0.11.0";
  private static final long NO_TIMER = -1;

  private final SimConfig config;
  private final SimProfile profile;
  private final int index;
  private final Clock clock;
  private final FaultBook faults;
  private final Set<HttpConnection> connections = new HashSet<>();
  private final Set<Exchange> exchanges = new HashSet<>();
  private final Map<String, Long> answered = new TreeMap<>();
  private final Optional<KvEventLog> kvLog;
  private EngineCore core;
  private @Nullable KvPublisher kvPublisher;
  private @Nullable HttpServer server;
  private int port;
  private long readyNanos;
  private int unhealthyStatus;

  private long timer = NO_TIMER;
  private long timerDueNanos;
  private boolean tickQueued;

  private long turnsEndNanos;
  private long received;
  private long finished;
  private long cancelled;
  private long faulted;
  private long rejected;
  private int peakInFlight;
  private long lastCancelEpochMillis;
  private long lastCancelNanos;
  private long ids;

  Replica(SimConfig config, int index, Clock clock) {
    this.config = config;
    this.profile = config.effectiveProfile();
    this.index = index;
    this.clock = clock;
    this.port = config.basePort() == 0 ? 0 : config.basePort() + index;
    this.faults = new FaultBook(Hash64.combine(config.seed(), index));
    this.kvLog = config.kvEvents().map(how -> new KvEventLog(how, KvCache.BLOCK_TOKENS));
    this.core = core(0);
  }

  @Override
  public Future<?> start() {
    load();
    return listen();
  }

  @Override
  public Future<?> stop() {
    exchanges.stream().toList().forEach(Exchange::onKilled);
    stopPublishing();
    HttpServer open = server;
    server = null;
    return open == null ? Future.succeededFuture() : open.close();
  }

  private void startPublishing() {
    if (kvPublisher == null) {
      kvPublisher =
          config.kvEvents().map(how -> KvPublisher.start(how, config.host(), port)).orElse(null);
    }
  }

  private void stopPublishing() {
    KvPublisher publisher = kvPublisher;
    kvPublisher = null;
    if (publisher != null) {
      publisher.end();
    }
  }

  /** What became of the cache's blocks since the last time goes out as one batch. */
  private void publish() {
    KvPublisher publisher = kvPublisher;
    if (publisher != null) {
      kvLog.flatMap(log -> log.take(clock.epochMillis())).ifPresent(publisher::publish);
    }
  }

  /** The next batches of events are lost on the way. */
  void dropKvEvents(int batches) {
    KvPublisher publisher = kvPublisher;
    if (publisher != null) {
      publisher.drop(batches);
    }
  }

  /** Forgets what is cached; says whether it could. */
  boolean resetPrefixCache() {
    boolean done = core.resetPrefixCache();
    publish();
    return done;
  }

  private void load() {
    readyNanos = clock.nanos() + config.startupDelay().toNanos();
    core = core(readyNanos);
    kvLog.ifPresent(log -> log.take(0)); // of the life before
  }

  private EngineCore core(long ready) {
    return new EngineCore(
        profile,
        ready,
        KvCache.BLOCK_TOKENS,
        kvLog.<KvListener>map(log -> log).orElse(KvListener.NONE));
  }

  private Future<Void> listen() {
    HttpServerOptions options =
        new HttpServerOptions()
            .setHost(config.host())
            .setPort(port)
            .setReuseAddress(true)
            .setHttp2ClearTextEnabled(false)
            .setHandle100ContinueAutomatically(true)
            .setMaxHeaderSize(64 << 10)
            .setMaxInitialLineLength(16 << 10);
    HttpServer opening =
        vertx
            .createHttpServer(options)
            .connectionHandler(this::onConnection)
            .requestHandler(this::onRequest);
    return opening
        .listen()
        .map(
            open -> {
              server = open;
              port = open.actualPort();
              startPublishing();
              return null;
            });
  }

  private void onConnection(HttpConnection connection) {
    connections.add(connection);
    connection.closeHandler(closed -> connections.remove(connection));
  }

  int port() {
    return port;
  }

  EngineCore core() {
    return core;
  }

  long nanos() {
    return clock.nanos();
  }

  SimProfile profile() {
    return profile;
  }

  /** In how many milliseconds a call that takes so long is done, after all that came before it. */
  long turnMillis(double micros) {
    long now = clock.nanos();
    turnsEndNanos = Math.max(now, turnsEndNanos) + Math.round(micros * 1_000);
    return TimeUnit.NANOSECONDS.toMillis(turnsEndNanos - now + 999_999);
  }

  Vertx vertx() {
    return vertx;
  }

  /** Runs an action on this engine's event loop, for callers from elsewhere. */
  <T> Future<T> call(Supplier<Future<T>> action) {
    Promise<T> promise = Promise.promise();
    context.runOnContext(
        turn -> {
          try {
            action.get().onComplete(promise);
          } catch (RuntimeException e) {
            promise.fail(e);
          }
        });
    return promise.future();
  }

  // Time.

  /** Sets the timer for the core's next token; none while there is nothing to do. */
  private void wake() {
    publish();
    long due = core.nextTokenNanos();
    if (due == EngineCore.IDLE || tickQueued || (timer != NO_TIMER && timerDueNanos <= due)) {
      return;
    }
    if (timer != NO_TIMER) {
      vertx.cancelTimer(timer);
      timer = NO_TIMER;
    }
    long millis = TimeUnit.NANOSECONDS.toMillis(due - clock.nanos() + 999_999);
    if (millis <= 0) {
      tickQueued = true;
      context.runOnContext(turn -> tick());
    } else {
      timerDueNanos = due;
      timer = vertx.setTimer(millis, fired -> tick());
    }
  }

  private void tick() {
    timer = NO_TIMER;
    tickQueued = false;
    core.advance(clock.nanos());
    wake();
  }

  // Requests.

  private void onRequest(HttpServerRequest request) {
    String path = request.path() == null ? "" : request.path();
    switch (path) {
      case "/v1/chat/completions", "/v1/completions", "/v1/embeddings" ->
          only(request, HttpMethod.POST, () -> readBody(request, body -> serve(request, body)));
      case "/v1/models" -> only(request, HttpMethod.GET, () -> json(request, 200, models()));
      case "/health", "/ping" -> health(request);
      case "/metrics" ->
          request
              .response()
              .putHeader("content-type", "text/plain; version=0.0.4; charset=utf-8")
              .end(MetricsPage.of(config.model(), core, answered));
      case "/openapi.json" -> only(request, HttpMethod.GET, () -> json(request, 200, api()));
      case "/version" -> json(request, 200, Json.newObject().put("version", VERSION));
      case "/reset_prefix_cache" ->
          only(
              request,
              HttpMethod.POST,
              () -> request.response().setStatusCode(resetPrefixCache() ? 200 : 409).end());
      case "/sim/stats" -> bytes(request, 200, stats().json());
      case "/sim/faults" -> faultsEndpoint(request);
      default -> otherPath(request, path);
    }
  }

  private void only(HttpServerRequest request, HttpMethod method, Runnable action) {
    if (request.method().equals(method)) {
      action.run();
    } else {
      request.response().putHeader("allow", method.name());
      reject(
          request,
          Rejection.of(
              405,
              "invalid_request_error",
              "method_not_allowed",
              request.path() + ": " + request.method() + " (expected: " + method + ")"));
    }
  }

  private void otherPath(HttpServerRequest request, String path) {
    String models = "/v1/models/";
    if (!path.startsWith(models)) {
      reject(request, Rejection.notFound(null, "unknown_path", path + ": no such endpoint"));
      return;
    }
    String id = URLDecoder.decode(path.substring(models.length()), StandardCharsets.UTF_8);
    if (id.equals(config.model())) {
      json(request, 200, modelCard());
    } else {
      reject(request, unknownModel(id));
    }
  }

  private void health(HttpServerRequest request) {
    int status = unhealthyStatus != 0 ? unhealthyStatus : isLoading() ? 503 : 200;
    request.response().setStatusCode(status).end();
  }

  private boolean isLoading() {
    return clock.nanos() < readyNanos;
  }

  private ObjectNode models() {
    ObjectNode list = Json.newObject().put("object", "list");
    list.putArray("data").add(modelCard());
    return list;
  }

  private ObjectNode modelCard() {
    return Json.newObject()
        .put("id", config.model())
        .put("object", "model")
        .put("created", 1_700_000_000)
        .put("owned_by", "penstock-sim")
        .put("root", config.model())
        .putNull("parent")
        .put("max_model_len", profile.maxModelLength());
  }

  /** As much of FastAPI's description of a vLLM as tells what a chat request may have. */
  private ObjectNode api() {
    ObjectNode api = Json.newObject().put("openapi", "3.1.0");
    api.putObject("info").put("title", "FastAPI").put("version", VERSION);
    api.putObject("paths")
        .putObject("/v1/chat/completions")
        .putObject("post")
        .putObject("requestBody")
        .putObject("content")
        .putObject(Exchange.JSON)
        .putObject("schema")
        .put("$ref", "#/components/schemas/ChatCompletionRequest");
    ObjectNode fields =
        api.putObject("components")
            .putObject("schemas")
            .putObject("ChatCompletionRequest")
            .put("type", "object")
            .putObject("properties");
    fields.putObject("messages").put("type", "array");
    fields.putObject("add_generation_prompt").put("type", "boolean");
    if (config.continuation() == SimConfig.Continuation.OFFERED) {
      fields.putObject("continue_final_message").put("type", "boolean");
    }
    return api;
  }

  private Rejection unknownModel(String model) {
    return Rejection.notFound(
        "model",
        "model_not_found",
        "The model '" + model + "' does not exist (expected: '" + config.model() + "').");
  }

  /** Collects the body, up to the limit; a body that does not end is nobody's. */
  private void readBody(HttpServerRequest request, Consumer<byte[]> action) {
    Buffer body = Buffer.buffer();
    boolean[] over = new boolean[1];
    request.exceptionHandler(gone -> over[0] = true);
    request.handler(
        part -> {
          if (!over[0] && body.length() + part.length() > BODY_BYTES_MAX) {
            over[0] = true;
            request.response().putHeader("connection", "close");
            reject(
                request,
                Rejection.of(
                    413,
                    "invalid_request_error",
                    "body_too_large",
                    "body: more than " + BODY_BYTES_MAX + " bytes"));
          } else if (!over[0]) {
            body.appendBuffer(part);
          }
        });
    request.endHandler(
        end -> {
          if (!over[0]) {
            action.accept(body.getBytes());
          }
        });
  }

  private void serve(HttpServerRequest request, byte[] bytes) {
    Exchange exchange;
    try {
      if (isLoading()) {
        request.response().putHeader("retry-after", "1");
        throw Rejection.of(503, "unavailable_error", "loading", "the model is being loaded");
      }
      exchange = exchange(request, Json.object(bytes));
    } catch (Rejection e) {
      reject(request, e);
      return;
    } catch (RuntimeException e) {
      LOG.error("replica {}: a request that could not be read", index, e);
      reject(request, Rejection.of(500, "internal_error", "internal_error", e.toString()));
      return;
    }
    received++;
    exchanges.add(exchange);
    peakInFlight = Math.max(peakInFlight, exchanges.size());
    request.response().closeHandler(gone -> onGone(exchange));
    request.response().exceptionHandler(gone -> onGone(exchange));
    exchange.begin();
    wake();
  }

  private void onGone(Exchange exchange) {
    exchange.onClientGone();
    wake();
  }

  private Exchange exchange(HttpServerRequest request, ObjectNode body) {
    int context = profile.maxModelLength();
    String path = String.valueOf(request.path());
    if (path.equals("/v1/embeddings")) {
      EmbeddingExchange.Request parsed = EmbeddingExchange.Request.of(body, config.seed(), context);
      checkModel(parsed.model());
      SimFault fault = fault(request, GenerationRequest.fault(body));
      return new EmbeddingExchange(
          this, wire(request, fault), fault, parsed, id("embd"), createdSeconds());
    }
    GenerationRequest parsed =
        path.equals("/v1/completions")
            ? GenerationRequest.completion(body, config.seed(), context)
            : GenerationRequest.chat(body, config);
    checkModel(parsed.model());
    SimFault fault = fault(request, parsed.fault());
    Wire wire = wire(request, fault);
    String id = id(parsed.operation() == Operation.CHAT ? "chatcmpl" : "cmpl");
    if (!parsed.stream()) {
      return new CompletionExchange(this, wire, fault, parsed, id, createdSeconds());
    }
    Frames frames = new Frames(parsed.operation(), id, createdSeconds(), parsed.model());
    return new StreamExchange(this, wire, fault, parsed, frames);
  }

  private void checkModel(String model) {
    if (!model.equals(config.model())) {
      throw unknownModel(model);
    }
  }

  private Wire wire(HttpServerRequest request, @Nullable SimFault fault) {
    if (fault != null && fault.kind() == SimFault.Kind.SLOW_HEADERS) {
      return new DripWire(vertx, request, fault.millis());
    }
    HttpWire wire = new HttpWire(request);
    return fault != null && fault.kind() == SimFault.Kind.SPLIT
        ? new SplitWire(wire, context)
        : wire;
  }

  private String id(String prefix) {
    long number = Hash64.combine(Hash64.combine(config.seed(), index), ids++);
    return prefix + "-" + Long.toHexString(number);
  }

  private long createdSeconds() {
    return TimeUnit.MILLISECONDS.toSeconds(clock.epochMillis());
  }

  private @Nullable SimFault fault(HttpServerRequest request, Optional<SimFault> ofBody) {
    String header = request.getHeader("x-sim-fault");
    Optional<SimFault> asked = ofBody;
    if (header != null) {
      try {
        asked = Optional.of(SimFault.parse(header));
      } catch (IllegalArgumentException e) {
        throw Rejection.badRequest("x-sim-fault", "invalid_value", String.valueOf(e.getMessage()));
      }
    }
    return asked.or(faults::next).filter(this::strikes).orElse(null);
  }

  private boolean strikes(SimFault fault) {
    String key = fault.once();
    if (key == null) {
      return true;
    }
    var keys = vertx.sharedData().<String, Boolean>getLocalMap(ONCE_MAP);
    if (keys.size() >= ONCE_KEYS_MAX) {
      keys.clear();
    }
    return keys.putIfAbsent(key, true) == null;
  }

  private void reject(HttpServerRequest request, Rejection rejection) {
    rejected++;
    bytes(request, rejection.status(), rejection.body());
  }

  private static void json(HttpServerRequest request, int status, JsonNode body) {
    bytes(request, status, Json.bytes(body));
  }

  private static void bytes(HttpServerRequest request, int status, byte[] body) {
    request
        .response()
        .setStatusCode(status)
        .putHeader("content-type", Exchange.JSON)
        .end(Buffer.buffer(body));
  }

  // What exchanges report.

  void onAnswered(String finishReason) {
    answered.merge(finishReason, 1L, Long::sum);
  }

  void onEnded(Exchange exchange, Exchange.Ending ending) {
    exchanges.remove(exchange);
    switch (ending) {
      case FINISHED -> finished++;
      case FAULTED -> faulted++;
      case CANCELLED -> {
        cancelled++;
        onAnswered("abort");
        lastCancelEpochMillis = clock.epochMillis();
        lastCancelNanos = clock.nanos();
      }
    }
  }

  SimStats stats() {
    return new SimStats(
        received,
        finished,
        cancelled,
        faulted,
        rejected,
        exchanges.size(),
        peakInFlight,
        core.running(),
        core.waiting(),
        core.peakRunning(),
        core.promptTokens(),
        core.generatedTokens(),
        core.wastedTokens(),
        core.prefixQueries(),
        core.prefixHits(),
        core.preemptions(),
        core.kvUsage(),
        lastCancelEpochMillis,
        lastCancelNanos);
  }

  // Faults of the engine.

  private void faultsEndpoint(HttpServerRequest request) {
    switch (request.method().name()) {
      case "GET" -> json(request, 200, describeFaults());
      case "DELETE" -> {
        clearFaults();
        json(request, 200, describeFaults());
      }
      case "POST" -> readBody(request, body -> setFaults(request, body));
      default -> only(request, HttpMethod.POST, () -> {});
    }
  }

  private ObjectNode describeFaults() {
    ObjectNode state = Json.newObject().put("unhealthy", unhealthyStatus != 0);
    faults.describe(state);
    return state;
  }

  private void setFaults(HttpServerRequest request, byte[] bytes) {
    FaultBook.Armed armed;
    try {
      ObjectNode body = Json.object(bytes);
      if (body.path("clear").asBoolean(false)) {
        clearFaults();
        json(request, 200, describeFaults());
        return;
      }
      armed = FaultBook.Armed.of(body);
    } catch (Rejection e) {
      reject(request, e);
      return;
    } catch (IllegalArgumentException e) {
      reject(request, Rejection.badRequest(null, "invalid_value", String.valueOf(e.getMessage())));
      return;
    }
    // The answer first: a killed engine has none.
    request
        .response()
        .putHeader("content-type", Exchange.JSON)
        .end(Buffer.buffer(Json.bytes(Json.newObject().put("set", armed.fault().kind().label()))))
        .onComplete(answered -> arm(armed));
  }

  /** Arms a fault, or brings the engine into its state. */
  Future<Void> arm(FaultBook.Armed armed) {
    SimFault fault = armed.fault();
    switch (fault.kind()) {
      case KILLED -> {
        return kill().onSuccess(closed -> reviveAfter(fault.millis()));
      }
      case REFUSED -> {
        return refuse().onSuccess(closed -> reviveAfter(fault.millis()));
      }
      case UNHEALTHY -> unhealthyStatus = fault.status();
      case SLOW -> core.slowDown(fault.factor());
      default -> faults.arm(armed);
    }
    return Future.succeededFuture();
  }

  void clearFaults() {
    faults.clear();
    unhealthyStatus = 0;
    core.slowDown(1);
  }

  private void reviveAfter(long millis) {
    if (millis > 0) {
      vertx.setTimer(
          millis,
          fired ->
              revive()
                  .onFailure(e -> LOG.warn("replica {}: port {} stays closed", index, port, e)));
    }
  }

  /** Resets every connection and closes the port; memory and queue are lost. */
  Future<Void> kill() {
    exchanges.stream().toList().forEach(Exchange::onKilled);
    connections.stream().toList().forEach(HttpWire::abort);
    stopPublishing();
    HttpServer open = server;
    server = null;
    load();
    return open == null ? Future.succeededFuture() : open.close();
  }

  /** Closes the port and lets live answers go on. */
  private Future<Void> refuse() {
    HttpServer open = server;
    server = null;
    if (open != null) {
      // Completes only when the last answer has ended; the port is closed from now on.
      open.shutdown(1, TimeUnit.HOURS);
    }
    return Future.succeededFuture();
  }

  /** Opens the port again; does nothing while it is open. A killed engine loads anew. */
  Future<Void> revive() {
    if (server != null) {
      return Future.succeededFuture();
    }
    return listen();
  }
}
