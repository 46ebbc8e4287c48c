package io.penstock.adapter.engine;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.RequestOptions;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.time.Duration;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * One GET with one deadline over all of it (look-up, connection, answer, body) and a bound on the
 * body. Fails with a message in a few words that names no address.
 */
final class BoundedHttp {

  /**
   * An answer.
   *
   * @param body up to the bound; empty where it was not wanted
   */
  record Answer(int status, String statusMessage, Buffer body) {
    boolean isSuccess() {
      return status >= 200 && status < 300;
    }

    /** There is no such thing at this engine. */
    boolean isAbsent() {
      return status == 404 || status == 405 || status == 501;
    }

    /** {@code 503 Service Unavailable}. */
    String line() {
      return (status + " " + statusMessage).strip();
    }
  }

  /** Why there is no answer. */
  static final class NoAnswerException extends RuntimeException {
    NoAnswerException(String message) {
      super(message, null, false, false);
    }
  }

  private final Vertx vertx;
  private final HttpClient client;

  BoundedHttp(Vertx vertx, HttpClient client) {
    this.vertx = vertx;
    this.client = client;
  }

  /** A question in flight. */
  final class Call {
    private final RequestOptions options;
    private final int bodyBytesMax;
    private final boolean isBodyWanted;
    private final Promise<Answer> promise = Promise.promise();
    private Buffer body = Buffer.buffer();
    private final long deadlineTimer;
    private @Nullable HttpClientRequest request;
    private boolean isEnded;
    private boolean isRetried;

    private Call(RequestOptions options, Duration timeout, int bodyBytesMax, boolean isBodyWanted) {
      this.options = options;
      this.bodyBytesMax = bodyBytesMax;
      this.isBodyWanted = isBodyWanted;
      long millis = Math.max(1, timeout.toMillis());
      this.deadlineTimer =
          vertx.setTimer(millis, fired -> fail("no answer within " + millis + " ms"));
    }

    Future<Answer> future() {
      return promise.future();
    }

    void abandon() {
      fail("abandoned");
    }

    private void send() {
      connect()
          .onComplete(
              connected -> {
                if (connected.failed()) {
                  failed(connected.cause());
                } else {
                  ask(connected.result());
                }
              });
    }

    /** A client that has been closed throws. */
    private Future<HttpClientRequest> connect() {
      try {
        return client.request(options);
      } catch (IllegalStateException closed) {
        return Future.failedFuture(closed);
      }
    }

    private void ask(HttpClientRequest asked) {
      // Whatever goes wrong fails the response, too; without a handler it is also logged.
      asked.exceptionHandler(toldByTheResponse -> {});
      if (isEnded) {
        asked.reset();
        return;
      }
      request = asked;
      asked
          .send()
          .onComplete(
              answered -> {
                if (answered.failed()) {
                  failed(answered.cause());
                } else {
                  read(answered.result());
                }
              });
    }

    private void read(HttpClientResponse response) {
      if (isEnded) {
        return;
      }
      response.exceptionHandler(this::failed);
      response.handler(chunk -> readChunk(response, chunk));
      response.endHandler(end -> succeed(response, isBodyWanted ? body : Buffer.buffer(), false));
    }

    private void readChunk(HttpClientResponse response, Buffer chunk) {
      if (body.length() + chunk.length() <= bodyBytesMax) {
        body.appendBuffer(chunk);
      } else if (isBodyWanted) {
        fail("body larger than " + bodyBytesMax + " bytes");
      } else {
        succeed(response, Buffer.buffer(), true);
      }
    }

    private void failed(Throwable cause) {
      // The engine may have closed a kept-alive connection just as it was taken from the pool.
      if (cause instanceof HttpClosedException && !isRetried && !isEnded) {
        isRetried = true;
        request = null;
        body = Buffer.buffer();
        send();
      } else {
        fail(reason(cause));
      }
    }

    private void succeed(HttpClientResponse response, Buffer bytes, boolean isCutOff) {
      if (end(isCutOff)) {
        promise.complete(new Answer(response.statusCode(), response.statusMessage(), bytes));
      }
    }

    private void fail(String why) {
      if (end(true)) {
        promise.fail(new NoAnswerException(why));
      }
    }

    private boolean end(boolean isCutOff) {
      if (isEnded) {
        return false;
      }
      isEnded = true;
      vertx.cancelTimer(deadlineTimer);
      if (isCutOff && request != null) {
        request.reset();
      }
      return true;
    }
  }

  /**
   * Asks.
   *
   * @param bodyBytesMax a longer body fails the call where it is wanted, and is cut off otherwise
   */
  Call get(RequestOptions options, Duration timeout, int bodyBytesMax, boolean isBodyWanted) {
    Call call = new Call(options, timeout, bodyBytesMax, isBodyWanted);
    call.send();
    return call;
  }

  private static String reason(Throwable cause) {
    if (cause instanceof UnknownHostException) {
      return "its host name can not be resolved";
    }
    if (cause instanceof ConnectException) {
      String message = String.valueOf(cause.getMessage());
      return message.contains("timed out") ? "connection timed out" : "connection refused";
    }
    if (cause instanceof SSLException) {
      return "TLS failed: " + cause.getMessage();
    }
    if (cause instanceof HttpClosedException) {
      return "connection closed before the answer was whole";
    }
    if (cause instanceof IOException) {
      return "connection failed: " + cause.getClass().getSimpleName();
    }
    return "failed: " + cause.getClass().getSimpleName();
  }
}
