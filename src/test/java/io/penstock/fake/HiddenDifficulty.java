package io.penstock.fake;

import io.penstock.measure.Hash64;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An embeddings server whose model understands prompts: a third of them are hard, which nothing
 * that can be seen of them tells, but their embeddings do, up to noise. What it answers can be
 * changed at any time. Thread-safe.
 */
public final class HiddenDifficulty implements AutoCloseable {
  /** How many numbers its embeddings have. */
  public static final int DIMENSION = 16;

  private static final long SECRET = 0x5DEECE66DL;

  /** Answers a call, with the prompts that it brings. */
  public interface Script {
    void answer(HttpServerRequest request, List<String> inputs);
  }

  /** The prompts of all calls. */
  public final List<String> asked = new CopyOnWriteArrayList<>();

  public final AtomicInteger calls = new AtomicInteger();

  private final AtomicInteger over = new AtomicInteger();

  /** Most calls that were open at a time. */
  public final AtomicInteger mostOpen = new AtomicInteger();

  private final HttpServer server;
  private volatile Script script = HiddenDifficulty::embed;

  public HiddenDifficulty(Vertx vertx) {
    server =
        vertx
            .createHttpServer()
            .requestHandler(this::accept)
            .listen(0, "127.0.0.1")
            .toCompletionStage()
            .toCompletableFuture()
            .join();
  }

  private void accept(HttpServerRequest request) {
    int open = calls.incrementAndGet() - over.get();
    mostOpen.accumulateAndGet(open, Math::max);
    request.response().endHandler(done -> over.incrementAndGet());
    request.bodyHandler(
        body -> {
          Object input = body.toJsonObject().getValue("input");
          List<String> inputs =
              input instanceof JsonArray array
                  ? array.stream().map(String::valueOf).toList()
                  : List.of(String.valueOf(input));
          asked.addAll(inputs);
          script.answer(request, inputs);
        });
  }

  public String url() {
    return "http://127.0.0.1:" + server.actualPort();
  }

  public void script(Script next) {
    script = next;
  }

  /** Answers as it should. */
  public static void embed(HttpServerRequest request, List<String> inputs) {
    JsonArray data = new JsonArray();
    for (int i = inputs.size() - 1; i >= 0; i--) { // in any order, as an engine may
      data.add(
          new JsonObject()
              .put("object", "embedding")
              .put("index", i)
              .put("embedding", vector(inputs.get(i))));
    }
    request
        .response()
        .putHeader("content-type", "application/json")
        .end(
            new JsonObject()
                .put("object", "list")
                .put("data", data)
                .put("usage", new JsonObject().put("prompt_tokens", 3).put("total_tokens", 3))
                .encode());
  }

  /** Whether a prompt is hard. */
  public static boolean isHard(String prompt) {
    return Math.floorMod(Hash64.combine(Hash64.of(prompt), SECRET), 3) == 0;
  }

  private static JsonArray vector(String prompt) {
    Random noise = new Random(Hash64.of(prompt));
    JsonArray vector = new JsonArray();
    for (int i = 0; i < DIMENSION; i++) {
      double signal = (isHard(prompt) ? 0.5 : -0.5) * (i % 2 == 0 ? 1 : -1);
      vector.add((float) (signal + noise.nextGaussian()));
    }
    return vector;
  }

  @Override
  public void close() {
    server.close().toCompletionStage().toCompletableFuture().join();
  }
}
