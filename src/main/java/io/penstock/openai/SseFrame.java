package io.penstock.openai;

import io.penstock.inference.TokenUsage;
import java.util.Optional;

/**
 * One whole server-sent event as it came, its closing blank line included. Immutable as long as
 * nobody writes to the array that was fed to the scanner.
 *
 * @param slice its bytes: in the array that was fed where they lie in one piece there, else in an
 *     array of its own
 * @param payload whether a choice carries anything but its finish reason: a token or several, for
 *     who has no usage to count by
 * @param finish whether a choice says why it ended ({@code finish_reason} is not null)
 * @param usage the tokens so far, where the event's JSON has a {@code usage} that is not null
 * @param usageMember where {@code "usage":…} lies in {@link Slice#bytes()}, with the comma that
 *     goes with it; present also for {@code "usage":null}
 */
public record SseFrame(
    Kind kind,
    Slice slice,
    boolean payload,
    boolean finish,
    Optional<TokenUsage> usage,
    Optional<Span> usageMember) {

  /** What an event means to a stream. */
  public enum Kind {
    /** Text, a tool call, any other payload in a delta, or a finish reason. */
    CONTENT,
    /** A JSON object with nothing for the reader: a role, empty or null deltas, no choices. */
    EMPTY,
    /** No choices, only usage. */
    USAGE_ONLY,
    /** {@code [DONE]}. */
    DONE,
    /** The engine says that it failed. */
    ERROR,
    /** No data: comments, or fields that mean nothing to this dialect. */
    COMMENT,
    /** Data that is not a JSON object. */
    MALFORMED,
    /** A frame over the bound; only its first bytes are there. */
    TOO_LARGE
  }

  /** A frame without JSON. */
  static SseFrame plain(Kind kind, Slice slice) {
    return new SseFrame(kind, slice, false, false, Optional.empty(), Optional.empty());
  }

  /** Whether {@code next} follows in the same array, so that both can be relayed as one slice. */
  public boolean precedes(SseFrame next) {
    return slice.bytes() == next.slice.bytes() && slice.end() == next.slice.offset();
  }

  /** The same frame without {@link #usageMember()}; itself where there is none. */
  public SseFrame withoutUsage() {
    if (usageMember.isEmpty()) {
      return this;
    }
    Span member = usageMember.get();
    byte[] from = slice.bytes();
    byte[] to = new byte[slice.length() - member.length()];
    int head = member.offset() - slice.offset();
    System.arraycopy(from, slice.offset(), to, 0, head);
    System.arraycopy(from, member.end(), to, head, to.length - head);
    return new SseFrame(
        kind, new Slice(to, 0, to.length), payload, finish, usage, Optional.empty());
  }
}
