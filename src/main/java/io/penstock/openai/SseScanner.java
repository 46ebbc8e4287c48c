package io.penstock.openai;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Cuts an engine's event stream into frames and says what each is, by its bytes. Chunks may be cut
 * anywhere; lines end with LF or CRLF. One per stream, used by one event loop.
 *
 * <p>A frame ends with an empty line. Frames that lie whole in a chunk are delivered as slices of
 * it, so that neighbours can be relayed together; one that is cut is put together in an array of
 * its own. A byte order mark at the stream's beginning is dropped, as the standard says. Each byte
 * is looked at once for line ends, however small the chunks are, and once more for what the frame
 * is. Empty lines between frames belong to none. Data in several lines, which no engine is known to
 * send, is delivered in one.
 */
public final class SseScanner {
  /** The default bound of one frame: 2 MiB. */
  public static final int DEFAULT_MAX_FRAME_BYTES = 2 << 20;

  /** What is delivered of a frame over the bound, for a log. */
  private static final int OVERSIZE_SAMPLE_BYTES = 256;

  private static final int INITIAL_CARRY_BYTES = 1024;

  /** A greater one is given back once its frame is delivered. */
  private static final int MAX_IDLE_CARRY_BYTES = 64 << 10;

  private static final byte[] NOTHING = {};
  private static final byte[] BYTE_ORDER_MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

  private final Consumer<SseFrame> frames;
  private final int maxFrameBytes;
  private final FrameReader reader;

  private byte[] carry = NOTHING;
  private int carried; // bytes of the frame that has begun in earlier chunks
  private int lines; // line ends of that frame
  private int lineLength; // bytes of its last line, which has not ended
  private byte lineFirst; // the first of them
  private boolean oversize;
  private boolean begun; // a frame has been read

  /**
   * Delivers to {@code frames}, with the default bound; see {@link SseFrame} for how long each is
   * good.
   */
  public SseScanner(Consumer<SseFrame> frames) {
    this(frames, new FrameReader());
  }

  /** The same, with a reader that others use too, on the same thread. */
  public SseScanner(Consumer<SseFrame> frames, FrameReader reader) {
    this(frames, reader, DEFAULT_MAX_FRAME_BYTES);
  }

  /**
   * Delivers to {@code frames}.
   *
   * @param maxFrameBytes a longer frame is delivered as {@code TOO_LARGE} with its first bytes
   *     only; nothing comes after it
   */
  public SseScanner(Consumer<SseFrame> frames, int maxFrameBytes) {
    this(frames, new FrameReader(), maxFrameBytes);
  }

  private SseScanner(Consumer<SseFrame> frames, FrameReader reader, int maxFrameBytes) {
    this.frames = frames;
    this.reader = reader;
    this.maxFrameBytes = maxFrameBytes;
  }

  /** Takes what has arrived and delivers every frame that it completes, before it returns. */
  public void feed(Slice arrived) {
    feed(arrived.bytes(), arrived.offset(), arrived.length());
  }

  /** The same; the array belongs to the frames from now on. */
  public void feed(byte[] chunk, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, chunk.length);
    int end = offset + length;
    int frameStart = offset;
    int lineStart = offset;
    while (!oversize) {
      int lf = ByteSearch.indexOf(chunk, (byte) '\n', lineStart, end);
      if (lf < 0) {
        keep(chunk, frameStart, lineStart, end);
        return;
      }
      boolean blank = isBlank(chunk, lineStart, lf);
      lineLength = 0;
      lineStart = lf + 1;
      if (!blank) {
        lines++;
      } else {
        if (lines > 0) {
          deliver(chunk, frameStart, lineStart);
        }
        carried = 0;
        lines = 0;
        frameStart = lineStart;
      }
    }
  }

  /** Whether the line that ends before {@code lf} is empty, or only the CR of its line end. */
  private boolean isBlank(byte[] chunk, int lineStart, int lf) {
    int length = lineLength + (lf - lineStart);
    if (length > 1) {
      return false;
    }
    return length == 0 || (lineLength == 1 ? lineFirst : chunk[lineStart]) == '\r';
  }

  private void keep(byte[] chunk, int frameStart, int lineStart, int end) {
    if (lineStart < end) {
      if (lineLength == 0) {
        lineFirst = chunk[lineStart];
      }
      lineLength += end - lineStart;
    }
    append(chunk, frameStart, end);
    if (carried > maxFrameBytes) {
      deliverOversize();
    }
  }

  private void deliver(byte[] chunk, int from, int to) {
    if (carried + (to - from) > maxFrameBytes) {
      append(chunk, from, Math.min(to, from + OVERSIZE_SAMPLE_BYTES));
      deliverOversize();
    } else if (carried == 0) {
      read(chunk, from, to, lines);
    } else {
      append(chunk, from, to);
      read(Arrays.copyOf(carry, carried), 0, carried, lines);
      if (carry.length > MAX_IDLE_CARRY_BYTES) {
        carry = NOTHING;
      }
    }
  }

  /** The stream's first bytes may be a byte order mark, which belongs to no frame. */
  private void read(byte[] bytes, int from, int to, int lines) {
    int start = !begun && startsWithMark(bytes, from, to) ? from + BYTE_ORDER_MARK.length : from;
    begun = true;
    frames.accept(reader.read(bytes, start, to, lines));
  }

  private static boolean startsWithMark(byte[] bytes, int from, int to) {
    int end = from + BYTE_ORDER_MARK.length;
    return end <= to && Arrays.equals(bytes, from, end, BYTE_ORDER_MARK, 0, BYTE_ORDER_MARK.length);
  }

  private void append(byte[] chunk, int from, int to) {
    int needed = carried + (to - from);
    if (needed > carry.length) {
      carry = Arrays.copyOf(carry, Math.max(needed, Math.max(INITIAL_CARRY_BYTES, 2 * carried)));
    }
    System.arraycopy(chunk, from, carry, carried, to - from);
    carried = needed;
  }

  private void deliverOversize() {
    oversize = true;
    int sample = Math.min(carried, Math.min(maxFrameBytes, OVERSIZE_SAMPLE_BYTES));
    byte[] start = Arrays.copyOf(carry, sample);
    frames.accept(new SseFrame().plain(SseFrame.Kind.TOO_LARGE, start, 0, sample));
  }

  /** Bytes of a frame that has begun and not ended. */
  public int pendingBytes() {
    return carried;
  }

  /**
   * The engine has closed the stream. A last frame that lacks only its line ends is delivered with
   * them.
   *
   * @return false if the stream was cut inside a frame
   */
  public boolean end() {
    if (oversize) {
      return false;
    }
    boolean cutLine = lineLength > 0;
    boolean onlyCr = lines == 0 && lineLength == 1 && lineFirst == '\r';
    if (carried == 0 || onlyCr) {
      return true;
    }
    int allLines = lines + (cutLine ? 1 : 0);
    byte[] whole = Arrays.copyOf(carry, carried + (cutLine ? 2 : 1));
    Arrays.fill(whole, carried, whole.length, (byte) '\n');
    int from = !begun && startsWithMark(whole, 0, whole.length) ? BYTE_ORDER_MARK.length : 0;
    SseFrame last = reader.read(whole, from, whole.length, allLines);
    boolean meaning =
        last.kind() != SseFrame.Kind.MALFORMED
            && !(cutLine && last.kind() == SseFrame.Kind.COMMENT);
    if (meaning) {
      carried = 0;
      frames.accept(last);
    }
    return meaning;
  }
}
