package io.penstock.cluster;

import io.netty.channel.EventLoop;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Small requests at times of their own (Poisson), whatever has become of those before, to one
 * address; a request's time counts from when it was due. Beside it an engine that answers at once.
 * Each has an event loop. Timers of Vert.x go by milliseconds, so its loops' own are used.
 */
final class OpenLoop implements AutoCloseable {
  private static final int DRAIN_SECONDS = 60;
  private static final Buffer ANSWER =
      Buffer.buffer(
          "{\"id\":\"x\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{"
              + "\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"yes\"},"
              + "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,"
              + "\"completion_tokens\":1,\"total_tokens\":10}}");

  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(2));
  private final ContextInternal context;
  private final EventLoop loop;
  private final HttpClient client;
  private final Buffer body;

  /**
   * Serves the engine too.
   *
   * @param model that is asked for
   */
  OpenLoop(int enginePort, String model) throws Exception {
    Buffer models =
        new JsonObject()
            .put("object", "list")
            .put("data", new JsonArray().add(new JsonObject().put("id", model)))
            .toBuffer();
    vertx
        .createHttpServer()
        .requestHandler(
            request ->
                request
                    .response()
                    .putHeader("content-type", "application/json")
                    .end(
                        request.method() == HttpMethod.POST
                            ? ANSWER
                            : request.path().endsWith("/models") ? models : Buffer.buffer("{}")))
        .listen(enginePort, "127.0.0.1")
        .toCompletionStage()
        .toCompletableFuture()
        .get(60, TimeUnit.SECONDS);
    context = (ContextInternal) vertx.getOrCreateContext();
    loop = context.nettyEventLoop();
    client =
        vertx.createHttpClient(
            new HttpClientOptions().setConnectTimeout(60_000),
            new PoolOptions().setHttp1MaxSize(512).setEventLoopSize(1));
    body =
        new JsonObject()
            .put("model", model)
            .put("max_tokens", 1)
            .put(
                "messages",
                new JsonArray()
                    .add(new JsonObject().put("role", "user").put("content", "Is it raining?")))
            .toBuffer();
  }

  /**
   * What became of one run.
   *
   * @param failed answers other than 200, and none
   * @param sortedNanos of those with 200
   */
  record Times(int failed, long[] sortedNanos) {
    double millis(double quantile) {
      int place = (int) Math.ceil(quantile * sortedNanos.length) - 1;
      return sortedNanos[Math.max(0, place)] / 1e6;
    }
  }

  /** Waits until the last has been answered. */
  Times run(int port, double perSecond, double seconds) throws Exception {
    Run run = new Run(port, perSecond, (int) (perSecond * seconds));
    context.runOnContext(begin -> run.begin());
    run.ended.get((long) seconds + DRAIN_SECONDS, TimeUnit.SECONDS);
    return new Times(run.failed, Arrays.stream(run.nanos, 0, run.answered).sorted().toArray());
  }

  /** Touched on the loop only, until it has ended. */
  private final class Run {
    private final RequestOptions to;
    private final double meanNanos;
    private final long[] nanos;
    private final Random random = new Random(7);
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private long dueNanos;
    private int sent;
    private int answered;
    private int failed;

    Run(int port, double perSecond, int requests) {
      to =
          new RequestOptions()
              .setMethod(HttpMethod.POST)
              .setHost("127.0.0.1")
              .setPort(port)
              .setURI("/v1/chat/completions")
              .putHeader("content-type", "application/json");
      meanNanos = 1e9 / perSecond;
      nanos = new long[requests];
    }

    void begin() {
      dueNanos = System.nanoTime();
      go();
    }

    private void go() {
      while (sent < nanos.length) {
        long wait = dueNanos - System.nanoTime();
        if (wait > 0) {
          loop.schedule(() -> context.emit(turn -> go()), wait, TimeUnit.NANOSECONDS);
          return;
        }
        sent++;
        long due = dueNanos;
        dueNanos += (long) (-Math.log(1 - random.nextDouble()) * meanNanos);
        ask(due);
      }
    }

    private void ask(long due) {
      client
          .request(to)
          .compose(request -> request.send(body))
          .compose(response -> response.body().map(whole -> response.statusCode()))
          .onComplete(
              answer -> {
                if (answer.succeeded() && answer.result() == 200) {
                  nanos[answered++] = System.nanoTime() - due;
                } else {
                  failed++;
                }
                if (answered + failed == nanos.length) {
                  ended.complete(null);
                }
              });
    }
  }

  @Override
  public void close() {
    vertx.close();
  }
}
