package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import org.jspecify.annotations.Nullable;

/**
 * Gathers a request's body up to a bound. The usual body comes in one piece, which is kept as it
 * is; memory grows with what has arrived, never with what was announced.
 */
final class BodyIntake {
  private final HttpServerRequest request;
  private final long declared;
  private final int maxBytes;
  private @Nullable Buffer gathered;
  private boolean ownsBuffer;
  private boolean dropped;

  BodyIntake(HttpServerRequest request, int maxBytes) {
    this.request = request;
    this.declared = declaredLength(request);
    this.maxBytes = maxBytes;
  }

  private static long declaredLength(HttpServerRequest request) {
    String text = request.getHeader(HttpHeaderNames.CONTENT_LENGTH);
    try {
      return text == null ? -1 : Long.parseLong(text);
    } catch (NumberFormatException unreadable) {
      return -1;
    }
  }

  /**
   * Begins to read. One of the two is called, the first perhaps at once; after it nothing more is
   * read.
   */
  void read(Runnable tooLarge, Runnable all) {
    if (declared > maxBytes) {
      request.pause();
      tooLarge.run();
      return;
    }
    if ("100-continue".equalsIgnoreCase(request.getHeader(HttpHeaderNames.EXPECT))) {
      request.response().writeContinue();
    }
    request.handler(
        piece -> {
          if (!dropped && !take(piece)) {
            request.pause();
            tooLarge.run();
          }
        });
    request.endHandler(end -> all.run());
  }

  /** Nobody wants it any more: lets go of what there is and keeps nothing of what comes. */
  void drop() {
    dropped = true;
    gathered = null;
  }

  /** Takes a piece; false when the body is over the bound with it. */
  private boolean take(Buffer piece) {
    if (length() + (long) piece.length() > maxBytes) {
      return false;
    }
    if (gathered == null) {
      gathered = piece;
    } else {
      if (!ownsBuffer) {
        gathered = Buffer.buffer().appendBuffer(gathered);
        ownsBuffer = true;
      }
      gathered.appendBuffer(piece);
    }
    return true;
  }

  private int length() {
    return gathered == null ? 0 : gathered.length();
  }

  /** Why it is refused. */
  String tooLarge() {
    return "the body has "
        + (declared > maxBytes ? declared : "more than " + maxBytes)
        + " bytes (expected: at most "
        + maxBytes
        + ", ingress.max_body_bytes)";
  }

  /** All that was taken. */
  byte[] bytes() {
    return gathered == null ? new byte[0] : gathered.getBytes();
  }
}
