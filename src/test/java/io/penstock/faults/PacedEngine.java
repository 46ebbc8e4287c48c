package io.penstock.faults;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * An engine that costs next to nothing, for very many streams: it answers each request at once with
 * a first frame, and then as the prompt says. Frames are numbered. On one event loop.
 *
 * <ul>
 *   <li>{@code idle}: nothing until {@link #release}, then the end;
 *   <li>{@code paced N}: N frames, 20 a second, or as fast as they are read if that is slower, then
 *       the end;
 *   <li>{@code flood N}: N frames of 1 KiB as fast as they are read.
 * </ul>
 */
final class PacedEngine implements AutoCloseable {
  private static final int PACE_MILLIS = 50;

  /** Paced streams have their turns one after the other: in one burst no two engines ever work. */
  private static final int TURNS = 10;

  private static final byte[] BEFORE =
      bytes(
          "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
              + "\"delta\":{\"content\":\"");
  private static final byte[] AFTER = bytes(" \"},\"finish_reason\":null}]}\n\n");

  private final Vertx vertx;
  private final HttpServer server;
  private final Set<Stream> idle = new LinkedHashSet<>();
  private final List<Set<Stream>> paced = new ArrayList<>();
  private int turn;
  private int opened;

  private static final class Stream {
    private final HttpServerResponse response;
    private final int frames;
    private final byte[] filler;
    private int next;

    Stream(HttpServerResponse response, int frames, byte[] filler) {
      this.response = response;
      this.frames = frames;
      this.filler = filler;
    }

    /** Whether there was one. */
    boolean frame() {
      if (next == frames) {
        return false;
      }
      byte[] number = bytes(Integer.toString(next++));
      response.write(
          Buffer.buffer(BEFORE.length + number.length + filler.length + AFTER.length)
              .appendBytes(BEFORE)
              .appendBytes(number)
              .appendBytes(filler)
              .appendBytes(AFTER));
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
    for (int i = 0; i < TURNS; i++) {
      paced.add(new LinkedHashSet<>());
    }
    vertx.setPeriodic(PACE_MILLIS / TURNS, tick -> tick());
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private void tick() {
    turn = (turn + 1) % TURNS;
    paced
        .get(turn)
        .removeIf(
            stream -> {
              if (stream.response.writeQueueFull() || stream.frame()) {
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
    Stream stream =
        new Stream(response, frames, bytes(words[0].equals("flood") ? "x".repeat(900) : ""));
    Set<Stream> ofTurn = paced.get(opened++ % TURNS);
    response.closeHandler(
        gone -> {
          idle.remove(stream);
          ofTurn.remove(stream);
        });
    stream.frame();
    switch (words[0]) {
      case "idle" -> idle.add(stream);
      case "paced" -> ofTurn.add(stream);
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
