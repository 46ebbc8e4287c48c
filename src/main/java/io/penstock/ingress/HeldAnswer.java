package io.penstock.ingress;

import io.penstock.inference.CascadePolicy;
import io.penstock.openai.Question;
import io.penstock.openai.Slice;
import io.penstock.tiers.Draft;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The answer of a tier that has one above it, held until it has been judged, or until the tier
 * above has answered; bounded. Either the frames of a stream or an answer in one piece. What it
 * holds counts in its loop's {@link DraftRoom} until it is {@link #release released}.
 */
final class HeldAnswer {
  private final CascadePolicy policy;
  private final DraftRoom room;
  private List<Slice> frames = new ArrayList<>();
  private DraftText text = new DraftText();
  private int bytes;
  private byte @Nullable [] whole;

  HeldAnswer(CascadePolicy policy, DraftRoom room) {
    this.policy = policy;
    this.room = room;
  }

  /**
   * Frames of a stream; they are kept even where they are too many.
   *
   * @return whether they can be held
   */
  boolean take(List<Slice> more) {
    frames.addAll(more);
    int added = 0;
    for (Slice each : more) {
      added += each.length();
    }
    bytes += added;
    if (!isTooLong()) {
      text.read(more);
    }
    return room.take(added, policy.heldMaxBytes()) && !isTooLong();
  }

  /**
   * An answer in one piece.
   *
   * @return whether it can be held
   */
  boolean take(byte[] body) {
    if (body.length > policy.draftMaxBytes()) {
      bytes = body.length;
      room.take(bytes, policy.heldMaxBytes());
      return false;
    }
    whole = body;
    bytes = body.length;
    return room.take(bytes, policy.heldMaxBytes());
  }

  /** Whether what can not be held is longer than any draft may be. */
  boolean isTooLong() {
    return bytes > policy.draftMaxBytes();
  }

  /** Nothing of it is needed any more; it may begin anew. */
  void release() {
    room.free(bytes);
    frames = new ArrayList<>(); // whoever was given the old ones may still read them
    text = new DraftText();
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
    return whole == null ? text.draft(question) : DraftText.ofWhole(question, whole);
  }
}
