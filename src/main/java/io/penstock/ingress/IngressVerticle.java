package io.penstock.ingress;

import io.penstock.bus.Bus;
import io.penstock.bus.Directory;
import io.penstock.bus.Setting;
import io.penstock.bus.View;
import io.penstock.fault.Fault;
import io.penstock.inference.Fleet;
import io.penstock.inference.NodeId;
import io.penstock.inference.Operation;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import io.penstock.message.Batch;
import io.penstock.message.Census;
import io.penstock.message.Grant;
import io.penstock.message.LaneAnswer;
import io.penstock.message.LaneCredit;
import io.penstock.message.LaneLeave;
import io.penstock.message.LaneOpen;
import io.penstock.message.LaneSent;
import io.penstock.message.LimitAnswer;
import io.penstock.message.ListModels;
import io.penstock.message.Message;
import io.penstock.message.Models;
import io.penstock.message.NotOwner;
import io.penstock.message.Plan;
import io.penstock.message.Refusal;
import io.penstock.message.RenewAnswer;
import io.penstock.message.Room;
import io.penstock.message.Route;
import io.penstock.message.Seat;
import io.penstock.message.Station;
import io.penstock.openai.FrameReader;
import io.penstock.openai.RequestHeaders;
import io.penstock.prefix.Prefixes;
import io.penstock.stream.Retries;
import io.penstock.stream.RetryBudget;
import io.penstock.telemetry.AccessLog;
import io.penstock.telemetry.OpsHandler;
import io.penstock.telemetry.RequestMeters;
import io.penstock.tenancy.Doors;
import io.penstock.tiers.QualityHook;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.internal.ContextInternal;
import io.vertx.ext.web.Router;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One ingress loop: an HTTP server that shares its port with the other loops of the node, a client
 * pool of its own, and the exchanges that it carries. Both sockets of a stream live on this loop.
 *
 * <p>A bug ends the request that meets it, and no other: an exchange catches what its events throw.
 * What throws outside of an exchange is told by the context, and the loop goes on: to begin anew
 * would cut all its streams, and its state mends itself, since what waits is asked for again, what
 * is held is renewed as a whole, and deadlines are compared with every tick.
 */
public final class IngressVerticle extends VerticleBase
    implements SlotClaims.Outlet, LoopParts.Exchanges {
  private static final Logger LOG = LoggerFactory.getLogger(IngressVerticle.class);

  /** Deadlines are compared, and lost messages sent again, this often while anything is carried. */
  private static final long TICK_MILLIS = 50;

  /** A tick that is so late comes from a loop, or a process, that was held up. */
  private static final long AWAY_MILLIS = 1_000;

  /** What the last error frames have to reach their sockets before those are closed. */
  private static final long FLUSH_MILLIS = 200;

  /**
   * Below uvicorn's 5 s, which vLLM and SGLang use, so that the engine is never the first to close.
   */
  private static final int ENGINE_KEEP_ALIVE_SECONDS = 4;

  /** Each request brings its own, shorter one; the kernel gives up after some two minutes. */
  private static final int SOCKET_CONNECT_MAX_MILLIS = 86_400_000;

  /**
   * Connections to engines are bounded by grants; the pool must never be what a request waits for.
   */
  private static final int ENGINE_CONNECTIONS_MAX = 65_536;

  private final Bus bus;
  private final Directory directory;
  private final Doors doors;
  private final Prefixes prefixes;
  private final Function<Vertx, QualityHook> hooks;
  private final Setting<IngressConfig> config;
  private final Setting<Fleet> fleet;
  private final Clock clock;
  private final OpsHandler ops;
  private final Books books;
  private final Map<RequestId, Exchange> live = new LinkedHashMap<>();
  private final SideCalls sideCalls = new SideCalls(this::nextId);
  private final Set<HttpConnection> fresh = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Station self;
  private final String idPrefix;
  private final int lanes;

  private long nextId;
  private boolean draining;
  private @Nullable Promise<Void> drained;
  private long timer = -1;
  private long tickedMillis;

  // Set by start().
  private @Nullable LoopParts parts;
  private @Nullable SlotClaims slots;
  private @Nullable RouteCalls routes;
  private @Nullable LimitQuestions limits;
  private @Nullable Tails tails;
  private @Nullable Lanes lanesOfBatches;
  private @Nullable ModelsEndpoint models;
  private @Nullable Router router;
  private @Nullable RetryBudget budget;
  private LoopParts.@Nullable Rules rules;
  private @Nullable TlsFiles tls;
  private @Nullable HttpServer server;
  private Bus.@Nullable Registration registration;

  /**
   * One loop of a node.
   *
   * @param nodeName for the access line
   * @param hooks what asks judges outside, for a loop
   * @param laneNumber 0 for the first loop of the node, and so on
   * @param lanes how many loops the node has, which share its limits
   * @param meters shared by the node's loops
   */
  public IngressVerticle(
      String nodeName,
      Bus bus,
      Directory directory,
      Doors doors,
      Prefixes prefixes,
      Function<Vertx, QualityHook> hooks,
      Setting<IngressConfig> config,
      Setting<Fleet> fleet,
      int laneNumber,
      int lanes,
      Clock clock,
      RequestMeters meters,
      AccessLog log,
      OpsHandler ops) {
    this.bus = bus;
    this.directory = directory;
    this.doors = doors;
    this.prefixes = prefixes;
    this.hooks = hooks;
    this.config = config;
    this.fleet = fleet;
    this.clock = clock;
    this.ops = ops;
    this.books = new Books(nodeName, meters, log);
    this.lanes = lanes;
    this.self = new Station(bus.self(), Room.INGRESS, laneNumber);
    this.idPrefix =
        "req-" + Long.toString(new SecureRandom().nextLong() >>> 16, 36) + "-" + laneNumber + "-";
  }

  @Override
  public Future<?> start() {
    View view = directory.view();
    IngressConfig begun = config.now();
    budget =
        new RetryBudget(begun.retries().budgetPercent(), floor(begun.retries()), clock.millis());
    rules = rules(begun, fleet.now());
    SlotClaims slots = new SlotClaims(self, view, this);
    LimitQuestions limits =
        new LimitQuestions(vertx, bus, self, view, doors.limits(vertx), clock, books);
    this.limits = limits;
    RouteCalls routes = new RouteCalls(self.node(), view, this::askRouter);
    Lanes lanesOfBatches =
        new Lanes(self, view, bus::send, () -> required(this.parts), this::completeDrain);
    Tails tails = new Tails(clock);
    this.tails = tails;
    ReadEnd readEnd = new ReadEnd((ContextInternal) context);
    LoopParts parts =
        new LoopParts(
            self,
            doors.open(vertx),
            limits.desk(),
            prefixes,
            () -> required(rules),
            clock,
            vertx
                .httpClientBuilder()
                .with(
                    new HttpClientOptions()
                        .setKeepAliveTimeout(ENGINE_KEEP_ALIVE_SECONDS)
                        .setConnectTimeout(SOCKET_CONNECT_MAX_MILLIS)
                        .setMaxChunkSize(ServerOptions.PIECE_MAX_BYTES)
                        .setDecompressionSupported(false))
                .with(
                    new PoolOptions()
                        .setHttp1MaxSize(ENGINE_CONNECTIONS_MAX)
                        .setMaxWaitQueueSize(ENGINE_CONNECTIONS_MAX))
                .withConnectHandler(
                    opened -> {
                      fresh.add(opened);
                      BodyTap.install(opened, readEnd);
                      opened.closeHandler(closed -> fresh.remove(opened));
                    })
                .build(),
            tails,
            new FrameReader(),
            new ChunkRoom(),
            fresh::remove,
            slots,
            routes,
            books,
            this::timer,
            readEnd,
            this,
            lanesOfBatches,
            sideCalls,
            new DraftRoom(lanes, books::draftsHeld),
            hooks.apply(vertx));
    this.parts = parts;
    this.lanesOfBatches = lanesOfBatches;
    this.slots = slots;
    this.routes = routes;
    this.models = new ModelsEndpoint(parts, this::nextId);
    this.router = routesBesideInference(begun);
    directory.onChange(this::onView);
    return bus.consume(Room.INGRESS, self.lane(), this::onMessage)
        .onSuccess(registered -> registration = registered)
        .compose(registered -> listen(begun))
        .onSuccess(
            listening -> {
              config.onChange(next -> rulesChanged(next, fleet.now()));
              fleet.onChange(next -> rulesChanged(config.now(), next));
            });
  }

  private Runnable timer(long millis, Runnable task) {
    long id = vertx.setTimer(Math.max(1, millis), due -> task.run());
    return () -> vertx.cancelTimer(id);
  }

  private LoopParts.Rules rules(IngressConfig of, Fleet serving) {
    Map<PoolName, Pool> pools = new LinkedHashMap<>();
    serving.pools().forEach(pool -> pools.put(pool.name(), pool));
    return new LoopParts.Rules(
        of,
        pools,
        new Retries(
            of.retries().maxAttempts(),
            of.retries().backoff().toMillis(),
            required(budget),
            () -> ThreadLocalRandom.current().nextDouble()),
        rules == null ? new Tiering(serving) : rules.tiering().with(serving));
  }

  private int floor(IngressConfig.Retries of) {
    return RetryBudget.shareOfFloor(of.budgetMin(), self.lane(), lanes);
  }

  /** Requests that are carried already keep the rules that they began with. */
  private void rulesChanged(IngressConfig next, Fleet serving) {
    IngressConfig before = required(rules).config();
    books.know(serving);
    required(budget).rules(next.retries().budgetPercent(), floor(next.retries()));
    rules = rules(next, serving);
    if (!next.cors().equals(before.cors())) {
      router = routesBesideInference(next);
    }
    if (tls != null && next.tls().isPresent() && !next.tls().equals(before.tls())) {
      tls = new TlsFiles(next.tls().get()); // read with the next look
    }
  }

  private Future<HttpServer> listen(IngressConfig at) {
    TlsFiles files = at.tls().map(TlsFiles::new).orElse(null);
    server =
        vertx
            .createHttpServer(ServerOptions.of(at, files))
            .connectionHandler(IntakeTap::install)
            .requestHandler(this::handle)
            .invalidRequestHandler(this::unreadable);
    if (files == null) {
      return server.listen(at.port(), at.host());
    }
    tls = files;
    vertx.setPeriodic(TlsFiles.CHECK_MILLIS, tick -> required(tls).reload(vertx, required(server)));
    return files.remember(vertx).compose(known -> required(server).listen(at.port(), at.host()));
  }

  /** Everything but the three inference endpoints. */
  private Router routesBesideInference(IngressConfig of) {
    Router routes = Router.router(vertx);
    of.cors().ifPresent(cors -> routes.route().handler(CorsRules.of(cors)));
    routes.errorHandler(403, c -> CorsRules.refuse(c.request(), clientId(c.request())));
    routes.errorHandler(400, context -> unreadable(context.request()));
    routes.errorHandler(
        404, context -> Paths.refuse(context.request(), clientId(context.request())));
    routes.errorHandler(500, context -> internal(context.request(), context.failure()));
    ops.mount(routes);
    for (String path : List.of(ModelsEndpoint.PATH, ModelsEndpoint.PATH + "/*")) {
      routes
          .get(path)
          .handler(context -> required(models).handle(context.request(), context.request().path()));
    }
    routes.route().handler(context -> dispatchInference(context.request()));
    return routes;
  }

  private void handle(HttpServerRequest request) {
    try {
      boolean withoutCors = required(rules).config().cors().isEmpty();
      if (withoutCors && request.method() == HttpMethod.POST) {
        dispatchInference(request); // past the routes that it can not match
      } else {
        required(router).handle(request);
      }
    } catch (RuntimeException bug) {
      internal(request, bug);
    }
  }

  private void dispatchInference(HttpServerRequest request) {
    Optional<Operation> operation = InferencePaths.operation(request.path());
    if (operation.isEmpty()) {
      Paths.refuse(request, clientId(request));
    } else if (request.method() != HttpMethod.POST) {
      Paths.refuseMethod(request, clientId(request), "POST");
    } else if (draining) {
      ErrorResponse.send(
          request,
          clientId(request),
          Fault.DRAINING,
          "this node is being drained; send the request again, it will reach another one",
          "",
          1_000);
    } else {
      new Exchange(required(parts), nextId(), operation.get(), request, clock.millis()).start();
    }
  }

  private void unreadable(HttpServerRequest request) {
    Throwable cause = request.decoderResult() == null ? null : request.decoderResult().cause();
    ErrorResponse.send(
        request,
        nextId().value(),
        Fault.INVALID_VALUE,
        "the request can not be read as HTTP: "
            + (cause == null ? "its path or its Host header" : cause.getMessage()),
        "",
        0);
    request.connection().close();
  }

  private void internal(HttpServerRequest request, @Nullable Throwable bug) {
    String id = clientId(request);
    LOG.error("request {} to {} failed", id, request.path(), bug);
    ErrorResponse.send(
        request,
        id,
        Fault.INTERNAL,
        "something went wrong inside the gateway; its log has it under the request id " + id,
        "",
        0);
  }

  private String clientId(HttpServerRequest request) {
    return RequestHeaders.requestId(request.getHeader(Headers.REQUEST_ID))
        .orElseGet(this::nextId)
        .value();
  }

  private RequestId nextId() {
    return new RequestId(idPrefix + Long.toString(nextId++, 36));
  }

  private void onMessage(Message message) {
    SlotClaims slots = required(this.slots);
    long nowMillis = clock.millis();
    if (message instanceof Grant grant) {
      slots.onGrant(grant, nowMillis);
    } else if (message instanceof Seat seat) {
      slots.onSeat(seat);
    } else if (message instanceof Batch batch) {
      slots.onBatch(batch, nowMillis);
    } else if (message instanceof Plan plan) {
      if (required(routes).answered(plan.id())) {
        exchange(plan.id()).ifPresent(e -> e.planned(plan));
      }
    } else if (message instanceof Refusal refusal) {
      if (refusal.pool().isPresent()) {
        slots.onRefusal(refusal);
      } else if (required(routes).answered(refusal.id())) {
        exchange(refusal.id()).ifPresent(e -> e.refused(refusal));
      }
    } else if (message instanceof NotOwner notOwner) {
      slots.onNotOwner(notOwner, nowMillis);
    } else if (message instanceof RenewAnswer answer) {
      slots.onRenewAnswer(answer, nowMillis);
    } else if (message instanceof Census census) {
      slots.onCensus(census, nowMillis);
    } else if (message instanceof LimitAnswer answer) {
      required(limits).answered(answer);
    } else if (message instanceof Models catalogue) {
      if (required(routes).answered(catalogue.id())) {
        required(models).answered(catalogue);
      }
    } else if (!heardByLanes(message, required(lanesOfBatches))) {
      LOG.warn("{} is not for {}", message.getClass().getSimpleName(), self);
    }
  }

  private boolean heardByLanes(Message message, Lanes lanes) {
    if (message instanceof LaneOpen open) {
      lanes.onOpen(open);
      armTimer();
    } else if (message instanceof LaneSent sent) {
      lanes.onSent(sent);
    } else if (message instanceof LaneAnswer answer) {
      lanes.onAnswer(answer);
    } else if (message instanceof LaneCredit credit) {
      lanes.onCredit(credit);
    } else if (message instanceof LaneLeave leave) {
      lanes.onLeave(leave);
    } else {
      return false;
    }
    return true;
  }

  private Optional<Exchange> exchange(RequestId id) {
    return Optional.ofNullable(live.get(id));
  }

  private void onView(View view) {
    long nowMillis = clock.millis();
    required(slots).onView(view, nowMillis);
    required(routes).onView(view, nowMillis);
    required(limits).onView(view);
    required(lanesOfBatches).onView(view);
  }

  private void askRouter(NodeId node, Message question) {
    bus.send(new Station(node, Room.ROUTER, 0), question)
        .onFailure(
            unreached -> {
              if (question instanceof Route route) {
                required(routes).sendFailed(route.id(), clock.millis());
              } else if (question instanceof ListModels list) {
                required(routes).sendFailed(list.id(), clock.millis());
              }
            });
    armTimer();
  }

  @Override
  public void send(NodeId owner, Message message) {
    bus.send(new Station(owner, Room.BATCHER, 0), message)
        .onFailure(unreached -> required(slots).sendFailed(message, clock.millis()));
  }

  @Override
  public void sendAlong(NodeId owner, Message message) {
    bus.sendAlong(new Station(owner, Room.BATCHER, 0), message);
  }

  @Override
  public void granted(Grant grant) {
    exchange(grant.id()).ifPresentOrElse(e -> e.granted(grant), () -> sideCalls.granted(grant));
  }

  @Override
  public void seated(Seat seat) {
    exchange(seat.id()).ifPresentOrElse(e -> e.seated(seat), () -> declined(seat));
  }

  @Override
  public void hosts(Batch batch) {
    required(lanesOfBatches).host(batch, clock.millis());
    armTimer();
  }

  @Override
  public void declined(Seat seat) {
    required(lanesOfBatches).leave(seat);
  }

  @Override
  public void refused(Refusal refusal) {
    exchange(refusal.id())
        .ifPresentOrElse(e -> e.refused(refusal), () -> sideCalls.refused(refusal));
  }

  @Override
  public void opened(Exchange exchange) {
    live.put(exchange.id(), exchange);
    books.began();
    armTimer();
  }

  @Override
  public void closed(Exchange exchange, Settlement settlement) {
    live.remove(exchange.id());
    books.ended(settlement);
    completeDrain();
  }

  private void completeDrain() {
    Promise<Void> waits = drained;
    if (waits != null && live.isEmpty() && !required(lanesOfBatches).isHost()) {
      vertx.setTimer(FLUSH_MILLIS, flushed -> waits.tryComplete());
    }
  }

  private void armTimer() {
    if (timer < 0) {
      tickedMillis = clock.millis();
      timer = vertx.setPeriodic(TICK_MILLIS, this::tick);
    }
  }

  private void tick(long timerId) {
    long nowMillis = clock.millis();
    boolean wasAway = nowMillis - tickedMillis > AWAY_MILLIS;
    tickedMillis = nowMillis;
    if (wasAway) {
      return; // answers that have come meanwhile are read before this loop finds them late
    }
    for (Exchange each : new ArrayList<>(live.values())) {
      each.tick();
    }
    try {
      required(slots).tick(nowMillis);
    } finally { // what one of them throws holds up none of the others
      try {
        required(routes).tick(nowMillis);
      } finally {
        required(models).tick(nowMillis);
        required(tails).tick(nowMillis);
        required(lanesOfBatches).tick(nowMillis);
      }
    }
    if (isIdle()) {
      vertx.cancelTimer(timerId);
      timer = -1;
    }
  }

  private boolean isIdle() {
    return live.isEmpty()
        && required(tails).isIdle()
        && required(models).isIdle()
        && required(lanesOfBatches).isIdle();
  }

  /**
   * Refuses new work from now on; to be called on any thread.
   *
   * @return completes when the last exchange has ended
   */
  public Future<Void> drain() {
    Promise<Void> done = Promise.promise();
    context.runOnContext(
        go -> {
          draining = true;
          Promise<Void> before = drained;
          if (before == null) {
            drained = done;
          } else {
            before.future().onComplete(done);
          }
          completeDrain();
        });
    return done.future();
  }

  /** Takes new work again; a drain that has not completed fails. To be called on any thread. */
  public Future<Void> resume() {
    Promise<Void> done = Promise.promise();
    context.runOnContext(
        go -> {
          draining = false;
          Promise<Void> before = drained;
          drained = null;
          if (before != null) {
            before.tryFail("the drain was ended");
          }
          done.complete();
        });
    return done.future();
  }

  /** How many requests are carried now; to be called on any thread. */
  public Future<Integer> liveRequests() {
    Promise<Integer> count = Promise.promise();
    context.runOnContext(go -> count.complete(live.size()));
    return count.future();
  }

  /** Tells the clients that are still here why their requests end now. */
  @Override
  public Future<?> stop() {
    boolean flush = !live.isEmpty();
    for (Exchange each : new ArrayList<>(live.values())) {
      each.cutOff();
    }
    if (lanesOfBatches != null) {
      lanesOfBatches.close();
    }
    if (parts != null) {
      parts.chunks().close();
    }
    Future<?> flushed =
        flush ? vertx.timer(FLUSH_MILLIS, TimeUnit.MILLISECONDS) : Future.succeededFuture();
    Bus.Registration held = registration;
    return held == null ? flushed : flushed.compose(told -> held.cancel());
  }

  private static <T> T required(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("not started");
    }
    return value;
  }
}
