package io.penstock.stream;

import io.penstock.openai.Slice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a client has been sent of one stream, as the frames came. Nothing is copied; what is bounded
 * is the memory that the frames keep alive, which is that of the arrays they lie in and of the
 * entries. Past the bound all is let go.
 */
final class RelayLog {
  /** Of the arrays in which the frames lie and of the entries. */
  static final int MAX_BYTES = 1 << 20;

  /** A slice, the reference to it, and the head of an array: what a small frame costs besides. */
  static final int ENTRY_BYTES = 48;

  private static final Slice[] NOTHING = {};
  private static final int INITIAL_SLICES = 16;

  private Slice[] slices = NOTHING;
  private int count;
  private long bytes;
  private boolean open = true;

  /** Takes a stretch of whole frames. */
  void add(Slice frames) {
    if (!open) {
      return;
    }
    bytes += ENTRY_BYTES;
    if (count == 0 || slices[count - 1].bytes() != frames.bytes()) {
      bytes += frames.bytes().length;
    }
    if (bytes > MAX_BYTES) {
      close();
      return;
    }
    if (count == slices.length) {
      slices = Arrays.copyOf(slices, Math.max(INITIAL_SLICES, 2 * count));
    }
    slices[count++] = frames;
  }

  /** Lets go of everything and takes no more. */
  void close() {
    open = false;
    slices = NOTHING;
    count = 0;
    bytes = 0;
  }

  /** Whether everything is there that was added. */
  boolean isComplete() {
    return open;
  }

  /** What is kept alive. */
  long bytes() {
    return bytes;
  }

  List<Slice> slices() {
    return new ArrayList<>(Arrays.asList(slices).subList(0, count));
  }
}
