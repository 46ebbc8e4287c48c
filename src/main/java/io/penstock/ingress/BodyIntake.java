package io.penstock.ingress;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Gathers a request's body up to a bound, in one array, which has the announced length where that
 * is not much more than what has arrived: memory grows with what came, not with what was promised.
 * Over HTTP/1.1 an {@link IntakeTap} saves the copy that Vert.x makes of each piece. Touched on the
 * request's event loop only.
 */
final class BodyIntake {
  /** Room that is made for an announced length without its having arrived. */
  private static final int ADVANCE_BYTES = 256 * 1024;

  private static final byte[] NOTHING = {};

  private final HttpServerRequest request;
  private final long declared;
  private final int maxBytes;
  private byte[] gathered = NOTHING;

  /** Bytes that are in {@link #gathered}; those over {@link #length} have still to be delivered. */
  private int placed;

  private int length;
  private boolean dropped;

  /** Of a request whose head is being handed over; later on, its pieces are copied once more. */
  BodyIntake(HttpServerRequest request, int maxBytes) {
    this.request = request;
    this.declared = declaredLength(request);
    this.maxBytes = maxBytes;
    if (declared <= maxBytes) {
      IntakeTap.open(request, this);
    }
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
    gathered = NOTHING;
  }

  /**
   * Copies bytes of the body to their place ahead of their delivery.
   *
   * @return a view of them there, which is to be delivered instead; null where nothing was copied:
   *     they are to be delivered as they are, and so is all that follows
   */
  @Nullable ByteBuf place(ByteBuf bytes) {
    int more = bytes.readableBytes();
    if (dropped || placed + (long) more > maxBytes) {
      return null;
    }
    makeRoom(placed + more);
    bytes.readBytes(gathered, placed, more);
    placed += more;
    return Unpooled.wrappedBuffer(gathered, placed - more, more);
  }

  /** Takes a piece; false when the body is over the bound with it. */
  private boolean take(Buffer piece) {
    int more = piece.length();
    if (length + (long) more > maxBytes) {
      return false;
    }
    length += more;
    if (length > placed) { // not placed, nor is anything after it, and all before it has come
      makeRoom(length);
      piece.getBytes(gathered, placed);
      placed = length;
    }
    return true;
  }

  private void makeRoom(int needed) {
    if (needed > gathered.length) {
      boolean isAnnounced = declared >= needed;
      long room = isAnnounced ? Math.max(ADVANCE_BYTES, 2L * needed) : roomFor(needed);
      gathered = Arrays.copyOf(gathered, (int) Math.min(room, isAnnounced ? declared : maxBytes));
    }
  }

  /** Where no length was announced: most such bodies come whole. */
  private long roomFor(int needed) {
    return gathered.length == 0 ? needed : 2L * needed;
  }

  /** Why it is refused. */
  String tooLarge() {
    return "the body has "
        + (declared > maxBytes ? declared : "more than " + maxBytes)
        + " bytes (expected: at most "
        + maxBytes
        + ", ingress.max_body_bytes)";
  }

  /** All that was taken; what was kept free for more is let go. */
  byte[] bytes() {
    if (length < gathered.length) {
      gathered = Arrays.copyOf(gathered, length);
    }
    return gathered;
  }
}
