package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.penstock.fault.Fault;
import io.penstock.openai.ErrorBody;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;

/** The one mapping of a {@link Fault} to an HTTP response. */
final class ErrorResponse {
  /** How long a client whose body is not read any further may take to read why. */
  private static final long LINGER_MILLIS = 1_000;

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
          headers.set(HttpHeaderNames.RETRY_AFTER, Long.toString((retryAfterMillis + 999) / 1_000));
          headers.set(Headers.RETRY_AFTER_MS, Long.toString(retryAfterMillis));
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
