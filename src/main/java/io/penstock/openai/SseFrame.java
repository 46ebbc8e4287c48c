package io.penstock.openai;

import io.penstock.inference.TokenUsage;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One whole server-sent event as it came, its closing blank line included.
 *
 * <p>A reader has one object for all frames that it reads, since a stream has thousands and each is
 * looked at once: it is good until the call that delivers it returns, and who wants it for longer
 * takes a {@link #copy}. The bytes are another matter: they lie in the array that was fed where
 * they are in one piece there, else in an array of their own, and stay as long as nobody writes to
 * it.
 */
public final class SseFrame {
  private static final byte[] NOTHING = {};

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

  private Kind kind = Kind.COMMENT;
  private byte[] bytes = NOTHING;
  private int offset;
  private int length;
  private boolean payload;
  private boolean finish;
  private @Nullable TokenUsage usage;
  private int usageFrom = -1;
  private int usageTo;

  SseFrame() {}

  /** A frame without JSON. */
  SseFrame plain(Kind what, byte[] in, int from, int to) {
    kind = what;
    bytes = in;
    offset = from;
    length = to - from;
    payload = false;
    finish = false;
    usage = null;
    usageFrom = -1;
    return this;
  }

  /** A frame with the JSON that has just been read. */
  SseFrame json(Kind what, byte[] in, int from, int to, EventJson read) {
    plain(what, in, from, to);
    payload = read.payload();
    finish = read.finish();
    usage = read.usageOrNull();
    usageFrom = read.usageFrom();
    usageTo = read.usageTo();
    return this;
  }

  /** One that the reader does not use again; the bytes are shared. */
  public SseFrame copy() {
    SseFrame copy = new SseFrame();
    copy.plain(kind, bytes, offset, offset + length);
    copy.payload = payload;
    copy.finish = finish;
    copy.usage = usage;
    copy.usageFrom = usageFrom;
    copy.usageTo = usageTo;
    return copy;
  }

  public Kind kind() {
    return kind;
  }

  /** The array in which it lies, shared. */
  public byte[] bytes() {
    return bytes;
  }

  /** Of its first byte in {@link #bytes()}. */
  public int offset() {
    return offset;
  }

  /** In bytes. */
  public int length() {
    return length;
  }

  /** Its bytes, to be kept. */
  public Slice slice() {
    return new Slice(bytes, offset, length);
  }

  /**
   * Whether a choice carries anything but its finish reason: a token or several, for who has no
   * usage to count by.
   */
  public boolean payload() {
    return payload;
  }

  /** Whether a choice says why it ended ({@code finish_reason} is not null). */
  public boolean finish() {
    return finish;
  }

  /** The tokens so far, where the event's JSON has a {@code usage} that is not null. */
  public @Nullable TokenUsage usage() {
    return usage;
  }

  /** Whether its JSON has a member {@code usage}, be it null. */
  public boolean hasUsageMember() {
    return usageFrom >= 0;
  }

  /** Where {@code "usage":…} lies in {@link #bytes()}, with the comma that goes with it. */
  Optional<Span> usageMember() {
    return usageFrom < 0 ? Optional.empty() : Optional.of(new Span(usageFrom, usageTo - usageFrom));
  }

  /**
   * The same frame with a sum in the place of its usage, which it must tell, in an array of its
   * own.
   */
  public byte[] withUsageAfter(TokenUsage before) {
    TokenUsage told = usage;
    if (told == null || usageFrom < 0) {
      throw new IllegalStateException("the frame tells no usage");
    }
    return UsageSum.of(this, new Span(usageFrom, usageTo - usageFrom), told, before);
  }

  /**
   * The same frame without its member {@code usage}, which it must have, in an array of its own.
   */
  public byte[] withoutUsage() {
    byte[] to = new byte[length - (usageTo - usageFrom)];
    int head = usageFrom - offset;
    System.arraycopy(bytes, offset, to, 0, head);
    System.arraycopy(bytes, usageTo, to, head, to.length - head);
    return to;
  }
}
