package io.penstock.ingress;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.penstock.openai.ErrorBody;
import io.penstock.openai.Slice;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The answer to one client: the only holder of its response. Knows whether the status line has
 * gone, and so in which form an error can still be told.
 *
 * <p>Frames of a stream that come together are written together, at the {@link ReadEnd}.
 */
final class ClientAnswer {
  /** So much is not put off to the end of the read: back-pressure sees only what was written. */
  private static final int GATHERED_MAX_BYTES = 32 << 10;

  private static final Buffer PING = Buffer.buffer(": ping\n\n");

  private final HttpServerRequest request;
  private final HttpServerResponse response;
  private final String clientRequestId;
  private final Consumer<MultiMap> ownHeaders;
  private final Consumer<MultiMap> errorHeaders;
  private final ReadEnd readEnd;
  private final ChunkRoom chunks;
  private final Runnable onReadEnd = this::readEnded;
  private final List<Slice> gathered = new ArrayList<>(1);
  private int gatheredBytes;
  private boolean awaitsReadEnd;
  private boolean framed;
  private boolean endsByClose; // of the connection: HTTP/1.0
  private @Nullable ChunkWire wire; // from the head of a stream until its end
  private int status;
  private long bytesOut;

  /**
   * @param ownHeaders adds the gateway's own headers to those of a success
   * @param errorHeaders adds those that errors of ours have too
   * @param readEnd of the loop that all this happens on
   * @param chunks of the same loop
   */
  ClientAnswer(
      HttpServerRequest request,
      String clientRequestId,
      Consumer<MultiMap> ownHeaders,
      Consumer<MultiMap> errorHeaders,
      ReadEnd readEnd,
      ChunkRoom chunks) {
    this.request = request;
    this.response = request.response();
    this.clientRequestId = clientRequestId;
    this.ownHeaders = ownHeaders;
    this.errorHeaders = errorHeaders;
    this.readEnd = readEnd;
    this.chunks = chunks;
  }

  /** Calls {@code gone} when the client leaves before the answer has ended. */
  void onGone(Runnable gone) {
    response.closeHandler(closed -> gone.run());
    response.exceptionHandler(error -> gone.run());
    request.exceptionHandler(error -> gone.run());
  }

  /** Whether the client has been answered, or will be at the {@link ReadEnd}. */
  boolean isCommitted() {
    return framed || response.headWritten();
  }

  /** The status sent; 0 while none was. */
  int status() {
    return status;
  }

  /** Bytes of body so far. */
  long bytesOut() {
    return bytesOut;
  }

  boolean isFull() {
    return response.writeQueueFull();
  }

  void onDrain(Runnable drained) {
    response.drainHandler(empty -> drained.run());
  }

  void ping() {
    commitStream();
    flush();
    write(PING.copy());
  }

  void frames(List<Slice> frames) {
    commitStream();
    gathered.addAll(frames);
    for (Slice frame : frames) {
      gatheredBytes += frame.length();
    }
    if (gatheredBytes >= GATHERED_MAX_BYTES) {
      flush();
    } else if (!awaitsReadEnd) {
      awaitsReadEnd = true;
      readEnd.then(onReadEnd);
    }
  }

  private void readEnded() {
    awaitsReadEnd = false;
    flush();
  }

  private void flush() {
    if (gatheredBytes == 0) {
      return;
    }
    if (wire != null) {
      ByteBuf chunk = wire.chunk(gathered, gatheredBytes);
      forgetGathered(); // before more can come
      wire.send(chunk);
    } else {
      response.write(takeGathered());
      wire = ChunkWire.of(request, chunks);
    }
  }

  private Buffer takeGathered() {
    Buffer bytes = Buffers.of(gathered);
    forgetGathered();
    return bytes;
  }

  private void forgetGathered() {
    gathered.clear();
    bytesOut += gatheredBytes;
    gatheredBytes = 0;
  }

  private void commitStream() {
    if (isCommitted()) {
      return;
    }
    status = 200;
    framed = true;
    MultiMap headers = response.headers();
    headers.set(HttpHeaderNames.CONTENT_TYPE, Headers.EVENT_STREAM);
    headers.set(HttpHeaderNames.CACHE_CONTROL, Headers.NO_CACHE);
    headers.set(Headers.ACCEL_BUFFERING, Headers.NO);
    ownHeaders.accept(headers);
    chunked();
  }

  private void chunked() {
    if (request.version() == HttpVersion.HTTP_1_1) {
      response.setChunked(true);
    } else if (request.version() == HttpVersion.HTTP_1_0) {
      endsByClose = true; // there are no chunks, and keep-alive may have been asked for
      response.headersEndHandler(
          head -> response.headers().set(HttpHeaderNames.CONNECTION, Headers.CLOSE));
    }
  }

  private void write(Buffer bytes) {
    bytesOut += bytes.length();
    response.write(bytes);
  }

  /** The end of a stream, or of an answer that was {@link #piece piped}. */
  void end() {
    wire = null; // what comes now is refused by the response
    Future<Void> ended = gatheredBytes > 0 ? response.end(takeGathered()) : response.end();
    if (endsByClose) {
      ended.onComplete(done -> request.connection().close());
    }
  }

  /** An engine's answer in one piece. */
  void whole(int engineStatus, MultiMap engineHeaders, byte[] body) {
    status = engineStatus;
    response.setStatusCode(engineStatus);
    Headers.toClient(engineHeaders, response.headers());
    if (engineStatus >= 400) {
      response.headers().set(HttpHeaderNames.CONTENT_TYPE, Headers.JSON);
      response.headers().set(Headers.SHOULD_RETRY, Headers.FALSE);
    }
    ownHeaders.accept(response.headers());
    bytesOut += body.length;
    response.end(Buffers.of(body));
  }

  /** Begins an answer that is too large to be held; {@link #piece pieces} follow. */
  void beginPiping(int engineStatus, MultiMap engineHeaders) {
    status = engineStatus;
    response.setStatusCode(engineStatus);
    Headers.toClient(engineHeaders, response.headers());
    ownHeaders.accept(response.headers());
    String length = engineHeaders.get(HttpHeaderNames.CONTENT_LENGTH);
    if (length != null) {
      response.headers().set(HttpHeaderNames.CONTENT_LENGTH, length);
    } else {
      chunked();
    }
  }

  /** A piece of an answer that is piped. */
  void piece(Buffer piece) {
    write(piece);
  }

  /** An error of ours, in the form that is still possible. */
  void error(FinalError error) {
    if (!isCommitted()) {
      status = error.fault().status();
      errorHeaders.accept(response.headers());
      bytesOut +=
          ErrorResponse.send(
              request,
              clientRequestId,
              error.fault(),
              error.message(),
              error.param(),
              error.retryAfterMillis(),
              error.givenUp());
    } else if (framed) {
      lastFrame(ErrorBody.frame(error.fault(), error.message(), error.param()));
    } else {
      response.reset(); // an answer in one piece has no place for an error
    }
  }

  /** The last frame of a stream that can not be finished: an error, and no {@code [DONE]}. */
  void lastFrame(byte[] frame) {
    wire = null;
    gathered.add(Slice.of(frame));
    gatheredBytes += frame.length;
    response
        .end(takeGathered())
        .onComplete(
            ended -> {
              if (request.version() != HttpVersion.HTTP_2) {
                request.connection().close();
              }
            });
  }

  /** An error object of an engine as the last frame. */
  void lastFrameOf(byte[] errorObject) {
    byte[] head = "data: ".getBytes(StandardCharsets.US_ASCII);
    byte[] frame = new byte[head.length + errorObject.length + 2];
    System.arraycopy(head, 0, frame, 0, head.length);
    for (int i = 0; i < errorObject.length; i++) { // a line end in JSON is white space
      byte b = errorObject[i];
      frame[head.length + i] = b == '\n' || b == '\r' ? (byte) ' ' : b;
    }
    frame[frame.length - 2] = '\n';
    frame[frame.length - 1] = '\n';
    lastFrame(frame);
  }
}
