package io.penstock.ingress;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.penstock.openai.Slice;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.buffer.BufferInternal;
import java.util.List;

/** Byte arrays as buffers, without a copy; nobody may write to the arrays any more. */
final class Buffers {
  private Buffers() {}

  static Buffer of(byte[] bytes) {
    return BufferInternal.buffer(Unpooled.wrappedBuffer(bytes));
  }

  static Buffer of(Slice slice) {
    return BufferInternal.buffer(wrap(slice));
  }

  static Buffer of(List<Slice> slices) {
    if (slices.size() == 1) {
      return of(slices.get(0));
    }
    ByteBuf[] parts = new ByteBuf[slices.size()];
    for (int i = 0; i < parts.length; i++) {
      parts[i] = wrap(slices.get(i));
    }
    return BufferInternal.buffer(Unpooled.wrappedBuffer(parts.length, parts));
  }

  private static ByteBuf wrap(Slice slice) {
    return Unpooled.wrappedBuffer(slice.bytes(), slice.offset(), slice.length());
  }
}
