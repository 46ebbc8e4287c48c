package io.penstock.openai;

import io.penstock.inference.Operation;
import io.penstock.inference.TokenUsage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Makes the frames of an engine that goes on with another's answer look like the rest of that
 * answer: same {@code id}, {@code created}, {@code model} and {@code system_fingerprint}, no second
 * role, no empty delta before the first text, white space that the client has already is not
 * repeated, and usage that counts the prompt once and the tokens of all. The rest of each frame
 * stays as it is. One per attempt.
 */
public final class Continuation {
  private static final byte[] NOTHING = {};

  private final ChunkJson chunk = new ChunkJson();
  private final EventFrame reader = new EventFrame();
  private final PartialAnswer before;
  private final TokenUsage spent;
  private final int keptTokens;
  private final byte[] cut;
  private int cutAt;
  private boolean trimming;
  private boolean begun;
  private TokenUsage own = TokenUsage.NONE;
  private int ownContentFrames;

  /**
   * For the engine that is asked next.
   *
   * @param before what the client has
   * @param spent tokens of all attempts before, the prompt's those of the first; prompt tokens are
   *     0 where it told none
   * @param keptTokens tokens of the answer that stand in the prompt of the engine asked next
   */
  public Continuation(Operation operation, PartialAnswer before, TokenUsage spent, int keptTokens) {
    this.before = before;
    this.spent = spent;
    this.keptTokens = before.isBlank() ? 0 : keptTokens;
    byte[] text = before.escapedText();
    int from = operation == Operation.CHAT ? before.trimmedLength() : text.length;
    this.cut = new Slice(text, from, text.length - from).toByteArray();
    this.trimming = cut.length > 0;
  }

  /** The frame that the client sees; empty where it sees none. */
  public Optional<SseFrame> apply(SseFrame frame) {
    if (frame.usage().isPresent()) {
      own = frame.usage().get();
    }
    return switch (frame.kind()) {
      case CONTENT, EMPTY, USAGE_ONLY -> rewrite(frame);
      case DONE, ERROR, COMMENT, MALFORMED, TOO_LARGE -> Optional.of(frame);
    };
  }

  private Optional<SseFrame> rewrite(SseFrame frame) {
    byte[] bytes = frame.slice().bytes();
    Span data = reader.dataOf(frame.slice());
    if (!chunk.read(bytes, data.offset(), data.end())) {
      return Optional.of(frame);
    }
    List<Splice.Edit> edits = new ArrayList<>();
    boolean says = chunk.finish || chunk.obstacle != null;
    Span text = chunk.text;
    if (text != null && text.length() > 0) {
      ownContentFrames++;
      int from = text.offset() + repeated(bytes, text);
      if (from > text.offset()) {
        edits.add(Splice.Edit.replace(new Span(text.offset(), from - text.offset()), NOTHING));
      }
      says |= from < text.end();
    }
    if (!begun && !says && frame.kind() != SseFrame.Kind.USAGE_ONLY) {
      return Optional.empty();
    }
    begun |= says;
    if (chunk.roleMember != null) {
      edits.add(Splice.Edit.replace(chunk.roleMember, NOTHING));
    }
    put(edits, chunk.id, before.id());
    put(edits, chunk.created, before.created());
    put(edits, chunk.model, before.model());
    put(edits, chunk.fingerprint, before.fingerprint());
    if (frame.usage().isPresent()) {
      TokenUsage all = usage();
      number(edits, chunk.promptTokens, all.promptTokens());
      number(edits, chunk.completionTokens, all.completionTokens());
      number(edits, chunk.totalTokens, (long) all.promptTokens() + all.completionTokens());
      number(edits, chunk.cachedTokens, all.cachedTokens());
    }
    return Optional.of(edits.isEmpty() ? frame : spliced(frame, edits));
  }

  /** Bytes at the beginning of a text that repeat white space which the client has. */
  private int repeated(byte[] bytes, Span text) {
    int at = text.offset();
    while (trimming && at < text.end()) {
      if (cutAt == cut.length
          || EscapedText.unit(bytes, at, text.end()) != EscapedText.unit(cut, cutAt, cut.length)) {
        trimming = false;
      } else {
        at = EscapedText.after(bytes, at, text.end());
        cutAt = EscapedText.after(cut, cutAt, cut.length);
      }
    }
    return at - text.offset();
  }

  private static void put(List<Splice.Edit> edits, @Nullable Span at, byte @Nullable [] value) {
    if (at != null && value != null) {
      edits.add(Splice.Edit.replace(at, value));
    }
  }

  private static void number(List<Splice.Edit> edits, @Nullable Span at, long value) {
    if (at != null) {
      edits.add(Splice.Edit.replace(at, JsonText.ascii(Long.toString(value))));
    }
  }

  private SseFrame spliced(SseFrame frame, List<Splice.Edit> edits) {
    edits.sort(Comparator.comparingInt(Splice.Edit::from));
    byte[] bytes = frame.slice().bytes();
    int length = frame.slice().length();
    for (Splice.Edit each : edits) {
      length += each.with().length - (each.to() - each.from());
    }
    byte[] whole = new byte[length];
    int done = frame.slice().offset();
    int at = 0;
    for (Splice.Edit each : edits) {
      System.arraycopy(bytes, done, whole, at, each.from() - done);
      at += each.from() - done;
      System.arraycopy(each.with(), 0, whole, at, each.with().length);
      at += each.with().length;
      done = each.to();
    }
    System.arraycopy(bytes, done, whole, at, frame.slice().end() - done);
    return reader.read(whole, 0, whole.length, lines(whole));
  }

  /** Lines of a frame, the empty one at its end not counted. */
  private static int lines(byte[] frame) {
    int lines = -1;
    for (byte each : frame) {
      lines += each == '\n' ? 1 : 0;
    }
    return lines;
  }

  /**
   * Tokens of all attempts so far. Where the first engine told nothing of its prompt, it is the
   * prompt of this one without what it was sent of the answer.
   */
  public TokenUsage usage() {
    int prompt = spent.promptTokens();
    int cached = spent.cachedTokens();
    if (prompt == 0 && own.promptTokens() > 0) {
      prompt = Math.max(0, own.promptTokens() - keptTokens);
      cached = Math.min(prompt, own.cachedTokens());
    }
    int completion = Math.max(own.completionTokens(), ownContentFrames);
    return new TokenUsage(
        prompt,
        (int) Math.min(Integer.MAX_VALUE, (long) spent.completionTokens() + completion),
        cached);
  }

  /** What this engine alone has reported. */
  public TokenUsage engineUsage() {
    return own;
  }

  /** Frames with text that this engine alone has sent, those included that repeated something. */
  public int engineContentFrames() {
    return ownContentFrames;
  }
}
