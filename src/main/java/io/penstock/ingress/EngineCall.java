package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.penstock.openai.Slice;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.io.IOException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One request to one replica: connects, writes, hands the answer over piece by piece, and can be
 * cancelled at any time, which resets the connection so that the engine stops.
 *
 * <p>An engine may close a kept-alive connection at the moment when a request is written to it. So
 * a request that fails on a connection that was used before, without a byte of an answer, is
 * written again on another; on a fresh connection the failure is the engine's own.
 */
final class EngineCall implements Upstream {
  private final HttpClient client;
  private final Tails tails;
  private final Predicate<HttpConnection> firstUse;
  private final Listener listener;
  private final RequestOptions target;
  private final MultiMap headers;
  private @Nullable Buffer body;
  private @Nullable HttpClientRequest request;
  private @Nullable HttpClientResponse response;
  private @Nullable BodyTap tap;
  private Tails.@Nullable Tail tail; // once the answer is complete by its own word
  private boolean over;
  private boolean sent;
  private boolean ended;
  private boolean paused;
  private boolean keptAlive;

  EngineCall(
      HttpClient client,
      Tails tails,
      Predicate<HttpConnection> firstUse,
      Endpoint endpoint,
      String path,
      long connectMillis,
      MultiMap headers,
      Buffer body,
      Listener listener) {
    this.client = client;
    this.tails = tails;
    this.firstUse = firstUse;
    this.listener = listener;
    this.headers = headers;
    this.body = body;
    this.target =
        new RequestOptions()
            .setMethod(HttpMethod.POST)
            .setHost(endpoint.host())
            .setPort(endpoint.port())
            .setSsl(endpoint.ssl())
            .setURI(path)
            .setConnectTimeout(connectMillis);
  }

  @Override
  public void start() {
    client
        .request(target)
        .onComplete(
            done -> {
              if (done.failed()) {
                fail(done.cause());
              } else if (over || body == null) {
                done.result().exceptionHandler(reset -> {}); // our own: the client has left
                done.result().reset();
              } else {
                write(done.result(), body.slice());
              }
            });
  }

  private void write(HttpClientRequest opened, Buffer bytes) {
    request = opened;
    keptAlive = !firstUse.test(opened.connection());
    opened.headers().setAll(headers);
    opened.putHeader(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(bytes.length()));
    opened.exceptionHandler(cause -> lost(opened, cause));
    opened
        .response()
        .onComplete(
            answer -> {
              if (answer.failed()) {
                lost(opened, answer.cause());
              } else {
                read(answer.result());
              }
            });
    opened
        .end(bytes)
        .onSuccess(
            written -> {
              if (opened == request) {
                tellSent();
              }
            });
  }

  private void tellSent() {
    if (!over && !sent) {
      sent = true;
      listener.sent();
    }
  }

  private void read(HttpClientResponse answer) {
    if (over) {
      return;
    }
    response = answer;
    body = null; // it is not sent again
    tellSent(); // an engine may answer before the whole request has been written
    answer.exceptionHandler(this::fail);
    answer.handler(piece -> came(Slice.of(piece.getBytes())));
    answer.endHandler(
        end -> {
          ended = true;
          if (tail != null) {
            tail.ended();
          }
          if (tap != null) {
            tap.resume(); // the connection is another's from now on
            tap = null;
          }
          if (!over) {
            over = true;
            listener.ended();
          }
        });
    tap = BodyTap.open(answer, this::came);
    if (paused) {
      pause();
    }
    listener.head(answer.statusCode(), answer.headers());
  }

  private void came(Slice piece) {
    if (!over) {
      listener.data(piece);
    }
  }

  /** May be told twice of one connection, and late of one that has been replaced. */
  private void lost(HttpClientRequest failed, Throwable cause) {
    if (failed != request) {
      return;
    }
    if (!over && response == null && keptAlive && isClosed(cause)) {
      request = null;
      start();
    } else {
      fail(cause);
    }
  }

  private static boolean isClosed(Throwable cause) {
    String words = String.valueOf(cause.getMessage());
    return cause instanceof HttpClosedException
        || (cause instanceof IOException
            && (words.contains("reset") || words.contains("Broken pipe")));
  }

  private void fail(Throwable cause) {
    if (!over) {
      over = true;
      listener.failed(cause);
    }
  }

  /** Stops reading until {@link #resume}; TCP passes it on to the engine. */
  @Override
  public void pause() {
    if (over) {
      return; // what is left of it is read, so that the connection can be another's
    }
    paused = true;
    if (tap != null) {
      tap.pause();
    } else if (response != null) {
      response.pause();
    }
  }

  @Override
  public void resume() {
    paused = false;
    if (tap != null) {
      tap.resume();
    } else if (response != null) {
      response.resume();
    }
  }

  /**
   * The answer is complete by its own word: what follows is dropped, and the connection goes back
   * to the pool when the engine has ended the body, which it does at once or is cut off.
   */
  @Override
  public void finish() {
    if (over) {
      return;
    }
    over = true;
    resume();
    if (!ended) {
      tail = tails.await(this::cutOff);
    }
  }

  private void cutOff() {
    if (request != null) {
      request.reset();
    }
  }

  /** Resets the connection, in whatever phase it is. */
  @Override
  public void cancel() {
    if (over) {
      return;
    }
    over = true;
    body = null;
    if (request != null) {
      request.reset();
    }
  }
}
