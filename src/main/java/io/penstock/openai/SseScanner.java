package io.penstock.openai;

import java.util.function.Consumer;

/**
 * Cuts an engine's event stream into frames and says what each is, by its bytes. Chunks may be cut
 * anywhere; lines end with LF or CRLF. One per stream, used by one event loop.
 */
public final class SseScanner {
  /** The default bound of one frame: 2 MiB. */
  public static final int DEFAULT_MAX_FRAME_BYTES = 2 << 20;

  private final Consumer<SseFrame> frames;
  private final int maxFrameBytes;

  /** Delivers to {@code frames}, with the default bound. */
  public SseScanner(Consumer<SseFrame> frames) {
    this(frames, DEFAULT_MAX_FRAME_BYTES);
  }

  /**
   * Delivers to {@code frames}.
   *
   * @param maxFrameBytes a longer frame is delivered as {@code MALFORMED}, cut there; nothing comes
   *     after it
   */
  public SseScanner(Consumer<SseFrame> frames, int maxFrameBytes) {
    this.frames = frames;
    this.maxFrameBytes = maxFrameBytes;
  }

  /**
   * Takes what has arrived and delivers every frame that it completes, before it returns. The array
   * belongs to the frames from now on.
   */
  public void feed(byte[] chunk, int offset, int length) {
    throw new UnsupportedOperationException(frames + " " + maxFrameBytes);
  }

  /** Bytes of a frame that has begun and not ended: at the end of a stream, what was cut off. */
  public int pendingBytes() {
    return 0;
  }
}
