package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.penstock.inference.EngineKind;
import io.penstock.inference.Operation;
import io.penstock.inference.Pool;
import io.penstock.message.Grant;
import io.penstock.openai.ScannedBody;
import io.penstock.openai.Splice;
import io.penstock.openai.UsageReporting;
import io.penstock.stream.StreamResume;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.util.Optional;

/** What is sent to an engine: the client's headers and body, with the few things changed. */
final class EngineRequest {
  private EngineRequest() {}

  /** What usage an engine of this pool is asked to report: as much as it can, on streams. */
  static UsageReporting usage(Pool pool, ScannedBody scan) {
    if (!scan.stream()) {
      return UsageReporting.NONE;
    }
    return pool.engine() == EngineKind.VLLM ? UsageReporting.CONTINUOUS : UsageReporting.FINAL;
  }

  static Buffer body(byte[] body, ScannedBody scan, Pool pool) {
    return Buffers.of(Splice.forward(body, scan, pool.nameForEngine(), usage(pool, scan)).slices());
  }

  /** The same, for an engine that is to go on with a stream. */
  static Buffer rest(StreamResume resume, Grant grant, ScannedBody scan, Pool pool) {
    return Buffers.of(
        resume
            .body(pool.engine(), grant.continuesMessages(), pool.nameForEngine(), usage(pool, scan))
            .slices());
  }

  /** The headers that a request to an engine has, but for its length. */
  static MultiMap headers(MultiMap client, Caller caller, Pool pool) {
    MultiMap headers = Headers.forEngine(client);
    headers.set(Headers.REQUEST_ID, caller.requestId());
    caller.traceparent().ifPresent(parent -> headers.set(Headers.TRACEPARENT, parent));
    pool.engineApiKey()
        .ifPresent(key -> headers.set(HttpHeaderNames.AUTHORIZATION, "Bearer " + key));
    if (!headers.contains(HttpHeaderNames.CONTENT_TYPE)) {
      headers.set(HttpHeaderNames.CONTENT_TYPE, Headers.JSON);
    }
    return headers;
  }

  /**
   * A call that several requests share: it has no client's headers.
   *
   * @param grant of the batch
   */
  static EngineCall shared(
      LoopParts loop,
      Grant grant,
      Pool pool,
      Operation operation,
      Buffer body,
      Upstream.Listener listener) {
    Caller caller = new Caller(grant.id().value(), Optional.empty(), "");
    return new EngineCall(
        loop.engines(),
        loop.tails(),
        loop.firstUse(),
        Endpoint.of(grant.url()),
        InferencePaths.of(operation),
        loop.rules().get().connectMillis(),
        headers(MultiMap.caseInsensitiveMultiMap(), caller, pool),
        body,
        listener);
  }

  /** The call that an attempt makes with its grant. */
  static EngineCall call(
      LoopParts loop,
      long connectMillis,
      Grant grant,
      Pool pool,
      Operation operation,
      MultiMap client,
      Caller caller,
      Buffer body,
      Attempt attempt) {
    return new EngineCall(
        loop.engines(),
        loop.tails(),
        loop.firstUse(),
        Endpoint.of(grant.url()),
        InferencePaths.of(operation),
        connectMillis,
        headers(client, caller, pool),
        body,
        attempt);
  }
}
