package io.penstock.stream;

import io.penstock.inference.TokenUsage;
import io.penstock.openai.Continuation;
import io.penstock.openai.FrameReader;
import io.penstock.openai.Slice;
import io.penstock.openai.SseFrame;
import io.penstock.openai.SseScanner;
import io.penstock.openai.UsageReporting;
import io.penstock.openai.UsageStrip;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Decides what of an engine's event stream the client sees, and when. Until the first frame with
 * content everything is held, so that a failure before it costs the client nothing; from then on
 * frames pass as they come. Usage that the client did not ask for is taken out and remembered, the
 * engine's comments are dropped, and nothing passes after {@code [DONE]}. Pure; one per stream.
 */
public final class StreamRelay {
  /** Frames held beyond this are let go: an engine that talks so much has begun to answer. */
  public static final int HELD_MAX_BYTES = 256 << 10;

  /** Where the stream stands after what has been fed. */
  public enum Verdict {
    /** Nothing with content yet. */
    HOLDING,
    /** Frames pass. */
    FLOWING,
    /** The engine said {@code [DONE]}; it is the last of what {@link #drain} gives. */
    DONE,
    /** The engine said that it failed; see {@link #engineError}. */
    ENGINE_ERROR,
    /** What came is not the dialect. */
    MALFORMED,
    /** The engine was to go on with a stream and began it anew. */
    RESTARTED
  }

  private static final byte[] NOTHING = {};

  private final SseScanner scanner;
  private final UsageStrip strip;
  private final @Nullable Continuation continuation;
  private Verdict verdict = Verdict.HOLDING;
  private List<Slice> out = new ArrayList<>(1);
  private List<Slice> drained = new ArrayList<>(1);
  private int outBytes;
  private byte[] runBytes = NOTHING; // what is to follow the slices of out, in one piece
  private int runOffset;
  private int runLength;
  private TokenUsage usage = TokenUsage.NONE;
  private TokenUsage usedBefore = TokenUsage.NONE;
  private int contentFrames;
  private int payloadFrames;
  private String malformation = "a frame that is not a JSON object";
  private Optional<Slice> engineError = Optional.empty();

  /**
   * For one stream.
   *
   * @param client what the client asked for
   * @param engine what the engine was asked for
   * @param reader which may be others' too, on the same thread
   */
  public StreamRelay(UsageReporting client, UsageReporting engine, FrameReader reader) {
    this(client, engine, reader, null);
  }

  /** The same, with a reader of its own. */
  public StreamRelay(UsageReporting client, UsageReporting engine) {
    this(client, engine, new FrameReader());
  }

  /**
   * For the rest of a stream that another engine began.
   *
   * @param continuation what makes this engine's frames look like the other's
   */
  StreamRelay(UsageReporting client, UsageReporting engine, Continuation continuation) {
    this(client, engine, new FrameReader(), continuation);
  }

  private StreamRelay(
      UsageReporting client,
      UsageReporting engine,
      FrameReader reader,
      @Nullable Continuation continuation) {
    this.scanner = new SseScanner(this::onFrame, reader);
    this.strip = new UsageStrip(client, engine);
    this.continuation = continuation;
  }

  /** The client is told the usage of this stream and what models before it were used. */
  public void addsUsage(TokenUsage before) {
    usedBefore = before;
  }

  /** Takes what has arrived. */
  public Verdict feed(Slice arrived) {
    scanner.feed(arrived);
    return verdict;
  }

  /** The engine has closed the stream: a last frame that lacks only its line ends counts. */
  public Verdict end() {
    scanner.end();
    return verdict;
  }

  private void onFrame(SseFrame frame) {
    if (verdict != Verdict.HOLDING && verdict != Verdict.FLOWING) {
      return;
    }
    TokenUsage told = frame.usage();
    if (told != null) {
      usage = told;
    }
    if (continuation == null) {
      take(frame);
    } else {
      continuation.apply(frame, this::take);
      if (continuation.isRestart()) {
        verdict = Verdict.RESTARTED;
      }
    }
  }

  private void take(SseFrame frame) {
    switch (frame.kind()) {
      case CONTENT -> {
        contentFrames++;
        payloadFrames += frame.payload() ? 1 : 0;
        verdict = Verdict.FLOWING;
        pass(frame);
      }
      case EMPTY, USAGE_ONLY -> pass(frame);
      case DONE -> {
        verdict = Verdict.DONE;
        append(frame.bytes(), frame.offset(), frame.length());
      }
      case ERROR -> {
        verdict = Verdict.ENGINE_ERROR;
        engineError = Optional.of(frame.slice());
      }
      case MALFORMED -> verdict = Verdict.MALFORMED;
      case TOO_LARGE -> {
        verdict = Verdict.MALFORMED;
        malformation =
            "a frame of more than " + (SseScanner.DEFAULT_MAX_FRAME_BYTES >> 20) + " MiB";
      }
      case COMMENT -> {}
    }
  }

  private void pass(SseFrame frame) {
    switch (strip.sightOf(frame)) {
      case WHOLE -> {
        if (usedBefore.equals(TokenUsage.NONE) || frame.usage() == null) {
          append(frame.bytes(), frame.offset(), frame.length());
        } else {
          byte[] summed = frame.withUsageAfter(usedBefore);
          append(summed, 0, summed.length);
        }
      }
      case WITHOUT_USAGE -> {
        byte[] rest = frame.withoutUsage();
        append(rest, 0, rest.length);
      }
      case NOTHING -> {}
    }
    if (verdict == Verdict.HOLDING && outBytes > HELD_MAX_BYTES) {
      verdict = Verdict.FLOWING;
    }
  }

  /** Neighbours in one array become one slice. */
  private void append(byte[] bytes, int offset, int length) {
    outBytes += length;
    if (bytes != runBytes || offset != runOffset + runLength) {
      endRun();
      runBytes = bytes;
      runOffset = offset;
    }
    runLength += length;
  }

  private void endRun() {
    if (runLength > 0) {
      out.add(new Slice(runBytes, runOffset, runLength));
    }
    runBytes = NOTHING;
    runLength = 0;
  }

  /**
   * What is to be written now, neighbours joined; empty while {@link Verdict#HOLDING}. The list is
   * good until the next call.
   */
  public List<Slice> drain() {
    if (verdict == Verdict.HOLDING || outBytes == 0) {
      return List.of();
    }
    endRun();
    List<Slice> now = out;
    out = drained;
    out.clear();
    drained = now;
    outBytes = 0;
    return now;
  }

  public Verdict verdict() {
    return verdict;
  }

  /**
   * The last usage that this engine itself reported; {@link TokenUsage#NONE} when it reported none.
   */
  public TokenUsage usage() {
    return usage;
  }

  /** Frames with content so far, that of the finish reason included. */
  public int contentFrames() {
    return contentFrames;
  }

  /** Those that carry more than it: the tokens, for an engine that reports no usage. */
  public int payloadFrames() {
    return payloadFrames;
  }

  /** What came where the verdict is {@link Verdict#MALFORMED}: {@code a frame that …}. */
  public String malformation() {
    return malformation;
  }

  /** The frame in which the engine said that it failed. */
  public Optional<Slice> engineError() {
    return engineError;
  }
}
