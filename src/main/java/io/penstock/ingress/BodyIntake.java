package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Gathers a request's body up to a bound. A small body comes in one piece, which is kept as it is;
 * of a greater one each byte is copied once, into an array of the announced length where that is
 * not much more than what has arrived: memory grows with what came, not with what was promised.
 */
final class BodyIntake {
  /** Room that is made for an announced length without its having arrived. */
  private static final int ADVANCE_BYTES = 256 * 1024;

  private static final byte[] NOTHING = {};

  private final HttpServerRequest request;
  private final long declared;
  private final int maxBytes;
  private @Nullable Buffer first;
  private byte[] gathered = NOTHING;
  private int length;
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
    first = null;
    gathered = NOTHING;
  }

  /** Takes a piece; false when the body is over the bound with it. */
  private boolean take(Buffer piece) {
    int more = piece.length();
    if (length + (long) more > maxBytes) {
      return false;
    }
    if (length == 0) {
      first = piece;
    } else {
      makeRoom(length + more);
      if (first != null) {
        first.getBytes(gathered, 0);
        first = null;
      }
      piece.getBytes(gathered, length);
    }
    length += more;
    return true;
  }

  private void makeRoom(int needed) {
    if (needed > gathered.length) {
      long room = Math.max(ADVANCE_BYTES, 2L * needed);
      gathered =
          Arrays.copyOf(gathered, (int) Math.min(room, declared < needed ? maxBytes : declared));
    }
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
    if (first != null) {
      return first.getBytes();
    }
    return length == gathered.length ? gathered : Arrays.copyOf(gathered, length);
  }
}
