package io.penstock.ingress;

import io.penstock.openai.Question;
import io.penstock.openai.Slice;
import io.penstock.tiers.Draft;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The answer of a tier that has one above it, held until it has been judged; bounded. Either the
 * frames of a stream or an answer in one piece. Pure.
 */
final class HeldAnswer {
  private final int bytesMax;
  private final List<Slice> frames = new ArrayList<>();
  private int bytes;
  private byte @Nullable [] whole;

  HeldAnswer(int bytesMax) {
    this.bytesMax = bytesMax;
  }

  /**
   * Frames of a stream; they are kept even where they are too many.
   *
   * @return whether they can be held
   */
  boolean take(List<Slice> more) {
    frames.addAll(more);
    for (Slice each : more) {
      bytes += each.length();
    }
    return bytes <= bytesMax;
  }

  /**
   * An answer in one piece.
   *
   * @return whether it can be held
   */
  boolean take(byte[] body) {
    if (body.length > bytesMax) {
      return false;
    }
    whole = body;
    return true;
  }

  /** The attempt has failed: nothing of it counts. */
  void clear() {
    frames.clear();
    bytes = 0;
    whole = null;
  }

  /** What came as a stream, in order. */
  List<Slice> frames() {
    return frames;
  }

  /** What came in one piece; null for a stream. */
  byte @Nullable [] whole() {
    return whole;
  }

  /** What a judge is shown. */
  Draft draft(Question question) {
    return whole == null
        ? DraftText.ofStream(question, frames)
        : DraftText.ofWhole(question, whole);
  }
}
