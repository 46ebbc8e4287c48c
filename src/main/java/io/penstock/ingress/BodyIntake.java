package io.penstock.ingress;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Gathers a request's body up to a bound, in an array of the announced length where that is not
 * much more than what has arrived: memory grows with what came, not with what was promised. Each
 * byte is copied once, where its connection has an {@link IntakeTap}, else twice.
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

  /** Of a request whose head is being handed over. */
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
   * Puts bytes that will be delivered in their place, before all that has not been placed.
   *
   * @return them there, to be delivered instead; null where they have to be delivered as they are,
   *     and all that follows
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
    if (length > placed) {
      makeRoom(length);
      piece.getBytes(gathered, placed);
      placed = length;
    }
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
    return length == gathered.length ? gathered : Arrays.copyOf(gathered, length);
  }
}
