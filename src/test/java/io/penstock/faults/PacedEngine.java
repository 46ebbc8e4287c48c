package io.penstock.faults;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * An engine that costs next to nothing, for very many streams: it answers each request at once with
 * a first frame, and then as the prompt says. Frames are numbered. On one event loop.
 *
 * <ul>
 *   <li>{@code idle}: nothing until {@link #release}, then the end;
 *   <li>{@code paced N}: N frames, 20 a second, then the end;
 *   <li>{@code flood N}: N frames of 1 KiB as fast as they are read.
 * </ul>
 */
final class PacedEngine implements AutoCloseable {
  private static final long PACE_MILLIS = 50;

  private final Vertx vertx;
  private final HttpServer server;
  private final Set<Stream> idle = new LinkedHashSet<>();
  private final Set<Stream> paced = new LinkedHashSet<>();

  private static final class Stream {
    private final HttpServerResponse response;
    private final int frames;
    private final String filler;
    private int next;

    Stream(HttpServerResponse response, int frames, String filler) {
      this.response = response;
      this.frames = frames;
      this.filler = filler;
    }

    /** Whether there was one. */
    boolean frame() {
      if (next == frames) {
        return false;
      }
      response.write(
          "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
              + "\"delta\":{\"content\":\""
              + next++
              + filler
              + " \"},\"finish_reason\":null}]}\n\n");
      return true;
    }

    void end() {
      response.end(
          "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
              + "\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
    }

    void flood() {
      while (!response.writeQueueFull()) {
        if (!frame()) {
          end();
          return;
        }
      }
      response.drainHandler(drained -> flood());
    }
  }

  PacedEngine(int port) throws Exception {
    vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    server =
        vertx
            .createHttpServer(new HttpServerOptions().setAcceptBacklog(4_096))
            .requestHandler(this::handle)
            .listen(port, "127.0.0.1")
            .toCompletionStage()
            .toCompletableFuture()
            .get(20, TimeUnit.SECONDS);
    vertx.setPeriodic(PACE_MILLIS, tick -> tick());
  }

  private void tick() {
    paced.removeIf(
        stream -> {
          if (stream.frame()) {
            return false;
          }
          stream.end();
          return true;
        });
  }

  private void handle(HttpServerRequest request) {
    if (request.path().equals("/v1/chat/completions")) {
      request.bodyHandler(body -> answer(request, body));
    } else {
      request
          .response()
          .setStatusCode(request.path().equals("/metrics") ? 404 : 200)
          .end("{\"object\":\"list\",\"data\":[{\"id\":\"river-8b\"}]}");
    }
  }

  private void answer(HttpServerRequest request, Buffer body) {
    String[] words =
        new JsonObject(body)
            .getJsonArray("messages")
            .getJsonObject(0)
            .getString("content")
            .split(" ", 0);
    HttpServerResponse response = request.response().setChunked(true);
    response.putHeader("content-type", "text/event-stream");
    int frames = words.length > 1 ? Integer.parseInt(words[1]) : 1;
    Stream stream = new Stream(response, frames, words[0].equals("flood") ? "x".repeat(900) : "");
    response.closeHandler(
        gone -> {
          idle.remove(stream);
          paced.remove(stream);
        });
    stream.frame();
    switch (words[0]) {
      case "idle" -> idle.add(stream);
      case "paced" -> paced.add(stream);
      default -> stream.flood();
    }
  }

  /** Ends all idle streams. */
  void release() {
    vertx.runOnContext(
        now -> {
          idle.forEach(Stream::end);
          idle.clear();
        });
  }

  @Override
  public void close() {
    server.close();
    vertx.close();
  }
}
