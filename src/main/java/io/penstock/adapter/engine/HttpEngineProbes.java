package io.penstock.adapter.engine;

import io.penstock.adapter.engine.BoundedHttp.Answer;
import io.penstock.adapter.engine.BoundedHttp.Call;
import io.penstock.adapter.engine.BoundedHttp.NoAnswerException;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaSpec;
import io.penstock.message.Signals;
import io.penstock.prober.EngineProbes;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Probes engines over HTTP. A pool's {@code engineApiKey} goes along as a bearer token. The client
 * ends with its Vert.x.
 */
public final class HttpEngineProbes implements EngineProbes {
  static final int METRICS_BYTES_MAX = 4 << 20;
  static final int SLOTS_BYTES_MAX = 4 << 20;
  static final int HEALTH_BYTES_MAX = 64 << 10;
  static final int API_BYTES_MAX = 4 << 20;

  /** Where FastAPI publishes an API, and with it vLLM and SGLang. */
  private static final String API_PATH = "/openapi.json";

  /** Less than any engine keeps an idle connection; uvicorn's 5 s is the shortest known. */
  private static final int KEEP_ALIVE_SECONDS = 3;

  private static final int CONNECT_TIMEOUT_MILLIS = 10_000;

  /** Per engine, which may be listed by many pools. */
  private static final int CONNECTIONS_MAX = 4;

  /** Questions that wait for a connection to one engine; they fail at their deadline. */
  private static final int WAITING_MAX = 1_024;

  private final BoundedHttp http;

  /** Makes an HTTP client of its own in {@code vertx}. */
  public HttpEngineProbes(Vertx vertx) {
    this.http =
        new BoundedHttp(
            vertx,
            vertx.createHttpClient(
                new HttpClientOptions()
                    .setConnectTimeout(CONNECT_TIMEOUT_MILLIS)
                    .setKeepAliveTimeout(KEEP_ALIVE_SECONDS),
                new PoolOptions()
                    .setHttp1MaxSize(CONNECTIONS_MAX)
                    .setMaxWaitQueueSize(WAITING_MAX)));
  }

  @Override
  public Probe open(Pool pool, ReplicaSpec replica) {
    return new HttpProbe(pool, replica, EngineDialect.of(pool.engine()));
  }

  private final class HttpProbe implements Probe {
    private final Pool pool;
    private final ReplicaSpec replica;
    private final EngineDialect dialect;
    private final PrometheusScanner scanner;
    private final Set<Call> calls = new HashSet<>();
    private @Nullable Samples before;
    private boolean hasNoSlots;
    private boolean isClosed;

    HttpProbe(Pool pool, ReplicaSpec replica, EngineDialect dialect) {
      this.pool = pool;
      this.replica = replica;
      this.dialect = dialect;
      this.scanner = new PrometheusScanner(dialect.names());
    }

    @Override
    public Future<Void> check(Duration timeout) {
      return firstPresent(dialect.healthPaths(), timeout, HEALTH_BYTES_MAX, false)
          .compose(
              answer ->
                  answer.isSuccess()
                      ? Future.<Void>succeededFuture()
                      : Future.failedFuture(new NoAnswerException(answer.line())));
    }

    @Override
    public Future<Optional<Signals>> scrape(Duration timeout) {
      return firstPresent(dialect.metricsPaths(), timeout, METRICS_BYTES_MAX, true)
          .compose(
              answer -> {
                if (answer.isAbsent()) {
                  return Future.succeededFuture(Optional.<Signals>empty());
                }
                if (!answer.isSuccess()) {
                  return Future.failedFuture(new NoAnswerException(answer.line()));
                }
                Samples now = scanner.scan(answer.body().getBytes());
                Optional<Signals> signals = dialect.signals(now, before);
                before = now;
                return signals
                    .map(found -> withSlots(found, timeout).map(Optional::of))
                    .orElseGet(() -> Future.succeededFuture(Optional.empty()));
              });
    }

    @Override
    public Future<Optional<Boolean>> continuesMessages(Duration timeout) {
      return get(API_PATH, timeout, API_BYTES_MAX, true)
          .compose(
              answer -> {
                if (answer.isSuccess()) {
                  return Future.succeededFuture(
                      ApiDescription.continuesMessages(answer.body().getBytes()));
                }
                return answer.status() >= 500
                    ? Future.failedFuture(new NoAnswerException(answer.line()))
                    : Future.succeededFuture(Optional.<Boolean>empty());
              });
    }

    @Override
    public void close() {
      isClosed = true;
      List.copyOf(calls).forEach(Call::abandon);
    }

    /** Adds the cache usage that only the slots tell; without them the signals stay as they are. */
    private Future<Signals> withSlots(Signals signals, Duration timeout) {
      Optional<String> path = dialect.slotsPath();
      if (path.isEmpty() || hasNoSlots || !Double.isNaN(signals.kvCacheUsage())) {
        return Future.succeededFuture(signals);
      }
      return get(path.get(), timeout, SLOTS_BYTES_MAX, true)
          .map(
              answer -> {
                hasNoSlots = answer.isAbsent();
                return answer.isSuccess()
                    ? new Signals(
                        signals.waiting(),
                        signals.running(),
                        LlamaCppSlots.kvCacheUsage(answer.body().getBytes()),
                        signals.prefixCacheHitRatio(),
                        0)
                    : signals;
              })
          .otherwise(signals);
    }

    /** The answer of the first of these paths that is there; of the last, when none is. */
    private Future<Answer> firstPresent(
        List<String> paths, Duration timeout, int bodyBytesMax, boolean isBodyWanted) {
      return get(paths.get(0), timeout, bodyBytesMax, isBodyWanted)
          .compose(
              answer ->
                  answer.isAbsent() && paths.size() > 1
                      ? firstPresent(
                          paths.subList(1, paths.size()), timeout, bodyBytesMax, isBodyWanted)
                      : Future.succeededFuture(answer));
    }

    private Future<Answer> get(
        String path, Duration timeout, int bodyBytesMax, boolean isBodyWanted) {
      if (isClosed) {
        return Future.failedFuture(new NoAnswerException("abandoned"));
      }
      RequestOptions options = new RequestOptions().setMethod(HttpMethod.GET);
      try {
        options.setAbsoluteURI(replica.url() + path);
      } catch (RuntimeException notAUrl) {
        return Future.failedFuture(new NoAnswerException("its url is not one"));
      }
      options.putHeader("user-agent", "penstock-prober");
      pool.engineApiKey().ifPresent(key -> options.putHeader("authorization", "Bearer " + key));
      Call call = http.get(options, timeout, bodyBytesMax, isBodyWanted);
      if (!call.future().isComplete()) {
        calls.add(call);
      }
      return call.future().onComplete(ended -> calls.remove(call));
    }
  }
}
