package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.penstock.fault.Fault;
import io.penstock.openai.ErrorBody;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import java.util.concurrent.ThreadLocalRandom;

/** The one mapping of a {@link Fault} to an HTTP response. */
final class ErrorResponse {
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
    HttpServerResponse response = request.response();
    if (response.ended() || response.closed()) {
      return 0;
    }
    byte[] body = ErrorBody.of(fault, message, param);
    MultiMap headers = response.setStatusCode(fault.status()).headers();
    headers.set(HttpHeaderNames.CONTENT_TYPE, Headers.JSON);
    headers.set(Headers.REQUEST_ID, clientRequestId);
    switch (fault.retry()) {
      case NEVER -> headers.set(Headers.SHOULD_RETRY, Headers.FALSE);
      case LATER -> {
        if (retryAfterMillis > 0) {
          long later =
              retryAfterMillis
                  + (long) (retryAfterMillis * JITTER * ThreadLocalRandom.current().nextDouble());
          headers.set(HttpHeaderNames.RETRY_AFTER, Long.toString((later + 999) / 1_000));
          headers.set(Headers.RETRY_AFTER_MS, Long.toString(later));
        }
      }
    }
    boolean unread = !request.isEnded();
    if ((unread || fault == Fault.DRAINING) && request.version() != HttpVersion.HTTP_2) {
      headers.set(HttpHeaderNames.CONNECTION, Headers.CLOSE);
    }
    response.end(Buffer.buffer(body));
    return body.length;
  }
}
