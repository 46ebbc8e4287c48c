package io.penstock.ingress;

import io.penstock.inference.RequestId;
import io.penstock.openai.RequestHeaders;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who sent a request.
 *
 * @param requestId {@code x-request-id} as the client sees it: its own, else the gateway's
 * @param traceparent to be forwarded
 * @param address of the peer; empty when it is not known any more
 */
record Caller(String requestId, Optional<String> traceparent, String address) {
  /**
   * Reads the headers, which are null where they are not there.
   *
   * @param id for a request that has none that can be kept
   */
  static Caller of(
      @Nullable String requestId, @Nullable String traceparent, String address, RequestId id) {
    return new Caller(
        RequestHeaders.requestId(requestId).orElse(id).value(),
        RequestHeaders.traceparent(traceparent),
        address);
  }
}
