package io.penstock.load;

import io.penstock.load.LoadConfig.Pace;
import io.penstock.time.Clock;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Timer;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A run of the load driver: keeps the pace, bounds what is in flight, and reports. Everything
 * happens on one event loop; {@link #stop} may be called from any thread.
 */
public final class LoadRun {
  /** How long answers may go on after {@link #stop}. */
  public static final Duration GRACE = Duration.ofSeconds(2);

  private static final Logger log = LoggerFactory.getLogger(LoadRun.class);
  private static final long PROGRESS_MILLIS = 500;
  private static final long PAUSE_AFTER_FAILURE_MILLIS = 100;
  private static final long CONNECT_MILLIS_MAX = 10_000;
  private static final long DISCOVERY_MILLIS = 10_000;

  /** Below the 5 s after which uvicorn, in front of most engines, closes an idle connection. */
  private static final int KEEP_ALIVE_SECONDS = 4;

  /** Arrivals sent in one turn of the event loop before it looks at its sockets again. */
  private static final int BURST_MAX = 32;

  private final Vertx vertx;
  private final LoadConfig config;
  private final Consumer<LoadProgress> progress;
  private final Clock clock = Clock.system();
  private final Plan plan;
  private final Prompts prompts;
  private final Tally tally;
  private final List<Site> sites;
  private final String runId = "load-" + Long.toString(clock.epochMillis(), 36);
  private final Set<Exchange> inFlight = new LinkedHashSet<>(); // oldest first
  private final Promise<LoadReport> done = Promise.promise();
  private final Context context;
  private final HttpClientAgent client;

  private @Nullable Bodies bodies;
  private String model = "";
  private long beganNanos;
  private long sourcesLeft;
  private long sent;
  private boolean stopped;
  private @Nullable Timer arrival;
  private long progressTimer;
  private long sweepTimer;
  private double progressSeconds;
  private long progressContents;

  /**
   * Prepares a run; reads the trace, so not on an event loop.
   *
   * @param progress told twice a second how it goes, on the event loop
   * @throws IllegalArgumentException when the trace is wrong, in words for the user
   */
  public LoadRun(Vertx vertx, LoadConfig config, Consumer<LoadProgress> progress) {
    LoadConfig.Workload workload = config.workload();
    Trace trace =
        workload.trace().map(file -> TraceReader.read(file, workload.blockTokens())).orElse(null);
    this.vertx = vertx;
    this.config = config;
    this.progress = progress;
    this.plan = Plan.of(config, trace);
    this.prompts = new Prompts(config.seed(), trace == null ? id -> 0 : trace.blockTokens());
    this.tally = new Tally(config.goodput(), workload.stream());
    this.sites =
        config.target().addresses().stream().map(uri -> Site.of(uri, config.target())).toList();
    this.context = vertx.getOrCreateContext();
    this.client = client();
  }

  /**
   * Reads the trace on a worker and runs.
   *
   * @return fails with {@link IllegalArgumentException} for what the user gave and with {@link
   *     LoadException} when the model could not be found out
   */
  public static Future<LoadReport> start(
      Vertx vertx, LoadConfig config, Consumer<LoadProgress> progress) {
    return vertx.executeBlocking(() -> new LoadRun(vertx, config, progress)).compose(LoadRun::run);
  }

  /** Runs; once. The report comes when the last answer has ended. */
  public Future<LoadReport> run() {
    context.runOnContext(v -> findModel().map(this::begin).onFailure(done::tryFail));
    return done.future().eventually(client::close);
  }

  /**
   * Ends the run early: no more arrivals, {@link #GRACE} for the answers on their way, then the
   * report.
   */
  public void stop() {
    context.runOnContext(
        v -> {
          if (!stopped) {
            stopped = true;
            endArrivals();
            vertx.setTimer(
                GRACE.toMillis(), t -> List.copyOf(inFlight).forEach(Exchange::interrupt));
          }
        });
  }

  private HttpClientAgent client() {
    LoadConfig.Limits limits = config.limits();
    HttpClientOptions options =
        new HttpClientOptions()
            .setKeepAliveTimeout(KEEP_ALIVE_SECONDS)
            .setConnectTimeout((int) Math.min(limits.timeout().toMillis(), CONNECT_MILLIS_MAX));
    if (config.target().insecure()) {
      options.setTrustAll(true).setVerifyHost(false);
    }
    return vertx
        .httpClientBuilder()
        .with(options)
        .with(new PoolOptions().setHttp1MaxSize(limits.maxInFlight()))
        .withConnectHandler(c -> c.exceptionHandler(e -> log.debug("{}", c.remoteAddress(), e)))
        .build();
  }

  private Future<String> findModel() {
    return config.target().model().map(Future::succeededFuture).orElseGet(this::askForModel);
  }

  private Future<String> askForModel() {
    Site site = sites.get(0);
    return client
        .request(site.models())
        .compose(
            request ->
                request
                    .idleTimeout(DISCOVERY_MILLIS)
                    .send()
                    .compose(
                        response ->
                            response
                                .body()
                                .map(body -> firstModel(site, response.statusCode(), body))))
        .recover(
            cause ->
                Future.failedFuture(
                    cause instanceof LoadException
                        ? cause
                        : noModel(site, Exchange.connectFailure(cause))));
  }

  private static String firstModel(Site site, int status, Buffer body) {
    if (status != 200) {
      throw noModel(site, AnswerChecker.describe(status, body.getBytes()));
    }
    try {
      JsonArray models = new JsonObject(body).getJsonArray("data", new JsonArray());
      String id = models.getJsonObject(0).getString("id");
      if (id != null && !id.isBlank()) {
        return id;
      }
    } catch (ClassCastException | DecodeException | IndexOutOfBoundsException e) {
      log.debug("not a list of models: {}", body, e);
    }
    throw noModel(site, "no model in its answer");
  }

  private static LoadException noModel(Site site, String found) {
    return new LoadException(
        "model: GET "
            + site.modelsAddress()
            + ": "
            + found
            + " (expected: a list with a model, or --model NAME)");
  }

  private String begin(String name) {
    model = name;
    LoadConfig.Target target = config.target();
    bodies = new Bodies(model, target.endpoint(), config.workload(), prompts);
    beganNanos = clock.nanos();
    long timeoutMillis = config.limits().timeout().toMillis();
    sweepTimer = vertx.setPeriodic(Math.max(5, Math.min(100, timeoutMillis / 10)), t -> sweep());
    progressTimer = vertx.setPeriodic(PROGRESS_MILLIS, t -> tellProgress());
    log.debug("{} begins: {} model {}", runId, pace(), model);
    if (config.pace() instanceof Pace.Closed closed) {
      sourcesLeft = closed.concurrency();
      for (int i = 0; i < closed.concurrency(); i++) {
        context.runOnContext(v -> nextInClosedLoop());
      }
    } else {
      sourcesLeft = 1;
      nextInOpenLoop(plan.next());
    }
    return name;
  }

  private void nextInOpenLoop(@Nullable Planned first) {
    Planned planned = first;
    for (int burst = 0; planned != null && !stopped; burst++) {
      Planned due = planned;
      long now = clock.nanos();
      long dueNanos = beganNanos + due.atNanos();
      if (dueNanos > now) {
        Timer timer = vertx.timer(dueNanos - now, TimeUnit.NANOSECONDS);
        arrival = timer;
        timer.onSuccess(v -> nextInOpenLoop(due));
        return;
      }
      if (burst >= BURST_MAX) {
        context.runOnContext(v -> nextInOpenLoop(due));
        return;
      }
      offer(due, dueNanos, now);
      planned = plan.next();
    }
    endSource();
  }

  private void nextInClosedLoop() {
    long now = clock.nanos();
    boolean late =
        config.limits().duration().map(d -> now - beganNanos >= d.toNanos()).orElse(false);
    Planned planned = stopped || late ? null : plan.next();
    if (planned == null) {
      endSource();
    } else {
      offer(planned, now, now);
    }
  }

  private void offer(Planned planned, long plannedNanos, long now) {
    Bodies written = bodies;
    if (written == null || inFlight.size() >= config.limits().maxInFlight()) {
      tally.shed();
      return;
    }
    tally.sent(now - plannedNanos);
    Site site = sites.get((int) (sent++ % sites.size()));
    Exchange exchange =
        new Exchange(
            clock,
            tally,
            config.workload(),
            this::ended,
            runId + "-" + planned.index(),
            site.name(),
            written.outputTokens(planned),
            plannedNanos,
            now);
    inFlight.add(exchange);
    exchange.send(client, site.completion(), Buffer.buffer(written.of(planned)));
  }

  private void ended(Exchange exchange, Ended ended) {
    inFlight.remove(exchange);
    tally.ended(ended);
    if (config.pace() instanceof Pace.Closed) {
      if (ended.verdict().ending() == Ending.OK) {
        context.runOnContext(v -> nextInClosedLoop());
      } else { // or a server that refuses at once would be asked in a tight loop
        vertx.setTimer(PAUSE_AFTER_FAILURE_MILLIS, t -> nextInClosedLoop());
      }
    }
    finishWhenDone();
  }

  private void sweep() {
    long latest = clock.nanos() - config.limits().timeout().toNanos();
    List<Exchange> late = new ArrayList<>();
    for (Exchange exchange : inFlight) {
      if (exchange.sentNanos() > latest) {
        break;
      }
      late.add(exchange);
    }
    late.forEach(Exchange::expire);
  }

  private void endArrivals() {
    Timer timer = arrival;
    if (timer != null && timer.cancel()) {
      endSource();
    }
  }

  private void endSource() {
    sourcesLeft--;
    finishWhenDone();
  }

  private void finishWhenDone() {
    if (sourcesLeft == 0 && inFlight.isEmpty()) {
      vertx.cancelTimer(sweepTimer);
      vertx.cancelTimer(progressTimer);
      done.tryComplete(tally.report(setup(), elapsedSeconds()));
    }
  }

  private void tellProgress() {
    double now = elapsedSeconds();
    long contents = tally.contents();
    double rate = (contents - progressContents) / Math.max(1e-3, now - progressSeconds);
    progressSeconds = now;
    progressContents = contents;
    progress.accept(tally.progress(now, rate));
  }

  private double elapsedSeconds() {
    return (clock.nanos() - beganNanos) / 1e9;
  }

  private LoadReport.Setup setup() {
    LoadConfig.Target target = config.target();
    return new LoadReport.Setup(
        sites.stream().map(Site::name).toList(),
        target.endpoint().label(),
        model,
        pace(),
        config.workload().stream(),
        config.seed());
  }

  private String pace() {
    LoadConfig.Workload workload = config.workload();
    String what =
        workload
            .trace()
            .map(file -> String.valueOf(file.getFileName()))
            .orElse(workload.inputTokens() + " tokens in, " + workload.outputTokens() + " out");
    Pace pace = config.pace();
    if (pace instanceof Pace.Poisson poisson) {
      return what + ", Poisson arrivals, " + poisson.perSecond() + "/s";
    }
    if (pace instanceof Pace.Closed closed) {
      return what + ", closed loop of " + closed.concurrency();
    }
    Pace.AsTraced traced = (Pace.AsTraced) pace;
    OptionalDouble sessions = traced.sessionRate();
    return what
        + ", its own arrivals, speed "
        + traced.speed()
        + (sessions.isPresent() ? ", " + sessions.getAsDouble() + " sessions/s" : "");
  }
}
