package io.penstock.ingress;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * One buffer in which all streams of a loop put their chunks together, one after the other. The
 * socket takes most chunks at once, and then the buffer is free again, and still in the core's
 * cache; where it does not, the buffer is the socket's, and the next chunk has a new one.
 */
final class ChunkRoom {
  private static final int USUAL_BYTES = 4 << 10;

  /** A larger one is not kept. */
  private static final int KEPT_MAX_BYTES = 64 << 10;

  private @Nullable ByteBuf kept;

  /** An empty buffer with room for so many bytes, whose reference is the taker's. */
  ByteBuf take(ByteBufAllocator from, int bytes) {
    if (bytes > KEPT_MAX_BYTES) {
      return from.directBuffer(bytes);
    }
    ByteBuf room = kept;
    if (room != null && room.refCnt() == 1 && room.capacity() >= bytes) {
      return room.clear().retain();
    }
    if (room != null) {
      room.release();
    }
    ByteBuf made = from.directBuffer(Math.max(bytes, USUAL_BYTES));
    kept = made;
    return made.retain();
  }

  /** Gives back the buffer, as a loop does that ends. */
  void close() {
    if (kept != null) {
      kept.release();
      kept = null;
    }
  }
}
