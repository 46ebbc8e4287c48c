package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.penstock.fault.Fault;
import io.penstock.openai.ErrorBody;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The one mapping of a {@link Fault} to an HTTP response.
 *
 * <p>The official OpenAI clients repeat 408, 409, 429 and 5xx by themselves, twice unless told
 * otherwise, and obey {@code x-should-retry} and {@code retry-after-ms}. So the header says {@code
 * false} where the same request can not succeed and where the gateway has used up its own attempts,
 * which theirs would multiply; {@code true} where it is known when to come back; and nothing where
 * the client's own judgement is as good.
 */
final class ErrorResponse {
  /**
   * How long a client whose body is not read any further has to read why, before the connection is
   * closed: a close with unread bytes resets it and may take the answer along.
   */
  private static final long LINGER_MILLIS = 500;

  private static final long HTTP2_NO_ERROR = 0;

  /** Clients that were refused together shall not all come back together. */
  private static final double JITTER = 0.2;

  private ErrorResponse() {}

  /**
   * Answers the request, whose head has not been written yet.
   *
   * @return bytes of body sent
   */
  static int send(
      HttpServerRequest request,
      String clientRequestId,
      Fault fault,
      String message,
      String param,
      long retryAfterMillis) {
    return send(request, clientRequestId, fault, message, param, retryAfterMillis, false);
  }

  /**
   * The same.
   *
   * @param givenUp whether the gateway has tried as often as makes sense
   */
  static int send(
      HttpServerRequest request,
      String clientRequestId,
      Fault fault,
      String message,
      String param,
      long retryAfterMillis,
      boolean givenUp) {
    HttpServerResponse response = request.response();
    if (response.ended() || response.closed()) {
      return 0;
    }
    byte[] body = ErrorBody.of(fault, message, param);
    MultiMap headers = response.setStatusCode(fault.status()).headers();
    headers.set(HttpHeaderNames.CONTENT_TYPE, Headers.JSON);
    headers.set(Headers.REQUEST_ID, clientRequestId);
    if (fault.status() == 401) {
      headers.set(HttpHeaderNames.WWW_AUTHENTICATE, "Bearer");
    }
    switch (fault.retry()) {
      case NEVER -> headers.set(Headers.SHOULD_RETRY, Headers.FALSE);
      case LATER -> {
        if (retryAfterMillis > 0) {
          long later =
              retryAfterMillis
                  + (long) (retryAfterMillis * JITTER * ThreadLocalRandom.current().nextDouble());
          headers.set(HttpHeaderNames.RETRY_AFTER, Long.toString((later + 999) / 1_000));
          headers.set(Headers.RETRY_AFTER_MS, Long.toString(later));
          headers.set(Headers.SHOULD_RETRY, Headers.TRUE);
        } else if (givenUp) {
          headers.set(Headers.SHOULD_RETRY, Headers.FALSE);
        }
      }
    }
    boolean http1 = request.version() != HttpVersion.HTTP_2;
    boolean unread = !request.isEnded() && hasBody(request);
    if (http1 && (unread || fault == Fault.DRAINING)) {
      headers.set(HttpHeaderNames.CONNECTION, Headers.CLOSE);
    }
    response.end(Buffer.buffer(body));
    if (unread && !http1) {
      response.reset(HTTP2_NO_ERROR); // the client need not send the rest
    } else if (unread) {
      HttpConnection connection = request.connection(); // the request need not be kept till then
      Vertx.currentContext().owner().setTimer(LINGER_MILLIS, late -> connection.close());
    }
    return body.length;
  }

  private static boolean hasBody(HttpServerRequest request) {
    return request.headers().contains(HttpHeaderNames.CONTENT_LENGTH)
        || request.headers().contains(HttpHeaderNames.TRANSFER_ENCODING)
        || request.version() == HttpVersion.HTTP_2;
  }
}
