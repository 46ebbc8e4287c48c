package io.penstock.stream;

import io.penstock.openai.Slice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * What a client has been sent of one stream, byte for byte. Frames of one stream differ from each
 * other by little more than their text, so what is kept of each is how many bytes it begins with
 * and ends with that the one before it has too, and the bytes between: some fifteen of two hundred.
 * What is bounded is the memory, and what has to be read, all at once, when the stream breaks. Past
 * either bound all is let go.
 */
final class RelayLog {
  /** Of all blocks. */
  static final int MAX_BYTES = 1 << 20;

  /**
   * Of all stretches as they were, some 20,000 tokens: to read them takes an event loop some
   * microseconds a frame, and the streams of a replica that is lost come one after the other.
   */
  static final int MAX_TOLD_BYTES = 4 << 20;

  static final int BLOCK_BYTES = 1 << 10;

  /** Longer stretches are not compared, and not kept to compare others with. */
  static final int COMPARED_MAX_BYTES = 4 << 10;

  private static final byte[] NOTHING = {};
  private static final Slice NO_SLICE = new Slice(NOTHING, 0, 0);

  private final List<byte[]> full = new ArrayList<>(0);
  private byte[] last = NOTHING;
  private int used; // of the last block
  private int bytes; // of all blocks
  private int told; // bytes of all stretches
  private Slice before = NO_SLICE;
  private boolean open = true;

  /** Takes a stretch of frames; nobody writes to its array any more. */
  void add(Slice frames) {
    if (!open) {
      return;
    }
    int length = frames.length();
    if (length > MAX_TOLD_BYTES - told) {
      close();
      return;
    }
    told += length;
    boolean compared = length <= COMPARED_MAX_BYTES;
    int same = compared ? sameHead(before, frames) : 0;
    int sameTail = compared ? sameTail(before, frames, same) : 0;
    number(same);
    number(sameTail);
    number(length - same - sameTail);
    copy(frames.bytes(), frames.offset() + same, length - same - sameTail);
    before = compared && open ? alone(frames) : NO_SLICE;
  }

  /** The stretch, in an array that is not much larger. */
  private static Slice alone(Slice frames) {
    return frames.bytes().length <= COMPARED_MAX_BYTES
        ? frames
        : new Slice(frames.toByteArray(), 0, frames.length());
  }

  private static int sameHead(Slice a, Slice b) {
    int differs = Arrays.mismatch(a.bytes(), a.offset(), a.end(), b.bytes(), b.offset(), b.end());
    return differs < 0 ? a.length() : differs;
  }

  /** At most what the head has left of both. */
  private static int sameTail(Slice a, Slice b, int head) {
    int most = Math.min(a.length(), b.length()) - head;
    int same = 0;
    while (same < most && a.bytes()[a.end() - 1 - same] == b.bytes()[b.end() - 1 - same]) {
      same++;
    }
    return same;
  }

  /** Seven bits a byte, the lowest first; the highest bit says that more follow. */
  private void number(int value) {
    int rest = value;
    while (rest > 0x7f) {
      put((byte) (rest | 0x80));
      rest >>>= 7;
    }
    put((byte) rest);
  }

  private void put(byte one) {
    if (used < last.length || grow(1)) {
      last[used++] = one;
    }
  }

  private void copy(byte[] from, int offset, int length) {
    int done = 0;
    while (done < length && (used < last.length || grow(length - done))) {
      int now = Math.min(length - done, last.length - used);
      System.arraycopy(from, offset + done, last, used, now);
      used += now;
      done += now;
    }
  }

  /** Adds a block, or lets go of everything. */
  private boolean grow(int wanted) {
    int size = Math.max(wanted, BLOCK_BYTES);
    if (!open || size > MAX_BYTES - bytes) {
      close();
      return false;
    }
    if (used > 0) {
      full.add(last);
    }
    last = new byte[size];
    used = 0;
    bytes += size;
    return true;
  }

  /** Lets go of everything and takes no more. */
  void close() {
    open = false;
    full.clear();
    last = NOTHING;
    used = 0;
    bytes = 0;
    before = NO_SLICE;
  }

  /** Whether everything is there that was added. */
  boolean isComplete() {
    return open;
  }

  /** Memory of the blocks, and of the array with the stretch that the next is compared with. */
  long bytes() {
    return bytes + before.bytes().length;
  }

  /** The stretches that were added, in arrays of their own, made one by one. */
  Iterable<Slice> slices() {
    return () -> new Stretches(new ArrayList<>(full), last, used);
  }

  private static final class Stretches implements Iterator<Slice> {
    private final List<byte[]> blocks;
    private final int usedOfLast;
    private int block;
    private int at;
    private byte[] before = NOTHING;

    Stretches(List<byte[]> blocks, byte[] last, int used) {
      this.blocks = blocks;
      this.usedOfLast = used;
      blocks.add(last);
    }

    @Override
    public boolean hasNext() {
      while (block < blocks.size() - 1 && at == blocks.get(block).length) {
        block++;
        at = 0;
      }
      return block < blocks.size() - 1 || at < usedOfLast;
    }

    @Override
    public Slice next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      int head = number();
      int tail = number();
      int middle = number();
      byte[] whole = new byte[head + middle + tail];
      System.arraycopy(before, 0, whole, 0, head);
      read(whole, head, middle);
      System.arraycopy(before, before.length - tail, whole, head + middle, tail);
      before = whole.length <= COMPARED_MAX_BYTES ? whole : NOTHING;
      return Slice.of(whole);
    }

    private int number() {
      int value = 0;
      for (int shift = 0; ; shift += 7) {
        byte b = one();
        value |= (b & 0x7f) << shift;
        if (b >= 0) {
          return value;
        }
      }
    }

    private byte one() {
      if (!hasNext()) {
        throw new IllegalStateException("the log is cut");
      }
      return blocks.get(block)[at++];
    }

    private void read(byte[] to, int offset, int length) {
      int done = 0;
      while (done < length && hasNext()) {
        byte[] from = blocks.get(block);
        int now = Math.min(length - done, from.length - at);
        System.arraycopy(from, at, to, offset + done, now);
        at += now;
        done += now;
      }
    }
  }
}
