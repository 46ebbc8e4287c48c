package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import org.jspecify.annotations.Nullable;

/**
 * One request to one replica: connects, writes, hands the answer over piece by piece, and can be
 * cancelled at any time, which resets the connection so that the engine stops.
 *
 * <p>An engine may close a kept-alive connection at the moment when a request is written to it. So
 * the request is written once more, on another connection, when it fails without a byte of an
 * answer; nothing has been generated for the client then.
 */
final class EngineCall {
  /**
   * Called on the event loop; nothing more is called after {@link #cancel}, {@code ended} or {@code
   * failed}.
   */
  interface Listener {
    void sent();

    void head(HttpClientResponse response);

    void data(Buffer piece);

    void ended();

    void failed(Throwable cause);
  }

  private final HttpClient client;
  private final Listener listener;
  private final RequestOptions target;
  private final MultiMap headers;
  private final Buffer body;
  private @Nullable HttpClientRequest request;
  private @Nullable HttpClientResponse response;
  private boolean over;
  private boolean sent;
  private boolean triedAgain;

  EngineCall(
      HttpClient client,
      Endpoint endpoint,
      String path,
      long connectMillis,
      MultiMap headers,
      Buffer body,
      Listener listener) {
    this.client = client;
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

  void start() {
    client
        .request(target)
        .onComplete(
            done -> {
              if (done.failed()) {
                fail(done.cause());
              } else if (over) {
                done.result().reset();
              } else {
                write(done.result());
              }
            });
  }

  private void write(HttpClientRequest opened) {
    request = opened;
    opened.headers().setAll(headers);
    opened.putHeader(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(body.length()));
    opened.exceptionHandler(this::lost);
    opened
        .response()
        .onComplete(
            answer -> {
              if (answer.failed()) {
                lost(answer.cause());
              } else {
                read(answer.result());
              }
            });
    opened
        .end(body)
        .onSuccess(
            written -> {
              if (!over && !sent) {
                sent = true;
                listener.sent();
              }
            });
  }

  private void read(HttpClientResponse answer) {
    if (over) {
      return;
    }
    response = answer;
    if (!sent) { // an engine may answer before the whole request has been written
      sent = true;
      listener.sent();
    }
    answer.exceptionHandler(this::fail);
    answer.handler(
        piece -> {
          if (!over) {
            listener.data(piece);
          }
        });
    answer.endHandler(
        end -> {
          if (!over) {
            over = true;
            listener.ended();
          }
        });
    listener.head(answer);
  }

  private void lost(Throwable cause) {
    if (over || response != null) {
      fail(cause);
    } else if (!triedAgain && isClosed(cause)) {
      triedAgain = true;
      request = null;
      start();
    } else {
      fail(cause);
    }
  }

  private static boolean isClosed(Throwable cause) {
    return cause instanceof HttpClosedException
        || (cause instanceof java.io.IOException
            && String.valueOf(cause.getMessage()).contains("reset"));
  }

  private void fail(Throwable cause) {
    if (!over) {
      over = true;
      listener.failed(cause);
    }
  }

  /** Stops reading until {@link #resume}; TCP passes it on to the engine. */
  void pause() {
    if (response != null) {
      response.pause();
    }
  }

  void resume() {
    if (response != null) {
      response.resume();
    }
  }

  /** Resets the connection, in whatever phase it is. */
  void cancel() {
    if (over) {
      return;
    }
    over = true;
    if (request != null) {
      request.reset();
    }
  }
}
