package io.penstock.openai;

import io.penstock.inference.Operation;
import io.penstock.inference.TokenUsage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes the frames of an engine that goes on with another's answer look like the rest of that
 * answer: same {@code id}, {@code created}, {@code model} and {@code system_fingerprint}, no second
 * role, no empty delta before the first text, white space that the client has already is not
 * repeated, and usage that counts the prompt once and the tokens of all. The rest of each frame
 * stays as it is. One per attempt.
 *
 * <p>An engine that does not look at the field that asks it to go on begins the answer anew, and
 * the client would read its beginning twice. So while a chat's text repeats how the answer began,
 * its frames are held: where it goes another way they pass, and where {@value #RESTART_UNITS_MAX}
 * characters are the same, or the whole of a shorter answer, it is a {@link #isRestart restart}. A
 * true continuation mostly differs in its first character and is not held at all; one that does
 * repeat the beginning word for word is told to be broken, which is wrong but honest. A restart in
 * other words can not be told from a continuation: that is what the engine's API is asked for.
 */
public final class Continuation {
  /** UTF-16 units of the beginning that are compared. */
  static final int RESTART_UNITS_MAX = 64;

  /** Frames beyond this pass: an engine that says nothing in so many has not begun anew. */
  static final int HELD_MAX = 256;

  private static final byte[] NOTHING = {};

  private final ChunkJson chunk = new ChunkJson();
  private final FrameReader reader = new FrameReader();
  private final PartialAnswer before;
  private final TokenUsage spent;
  private final int keptTokens;
  private final int tokensLeft;
  private final byte[] cut;
  private int cutAt;
  private boolean trimming;
  private final byte[] beginning;
  private final List<SseFrame> held = new ArrayList<>();
  private int beginningAt;
  private boolean comparing;
  private boolean restart;
  private boolean begun;
  private int shownTokens;
  private TokenUsage own = TokenUsage.NONE;
  private int ownContentFrames;
  private int repeatedTokens;

  /**
   * For the engine that is asked next.
   *
   * @param before what the client has
   * @param spent tokens of all attempts before, the prompt's those of the first; prompt tokens are
   *     0 where it told none
   * @param keptTokens tokens of the answer that stand in the prompt of the engine asked next
   * @param tokensLeft how many more the client may be sent. An engine that is to generate white
   *     space at the cut once more is allowed as many more; where it does not, what it says beyond
   *     the client's limit is taken out
   */
  public Continuation(
      Operation operation, PartialAnswer before, TokenUsage spent, int keptTokens, int tokensLeft) {
    this.before = before;
    this.spent = spent;
    this.keptTokens = keptTokens;
    this.tokensLeft = tokensLeft;
    byte[] text = before.escapedText();
    int from = operation == Operation.CHAT ? before.trimmedLength() : text.length;
    this.cut = new Slice(text, from, text.length - from).toByteArray();
    this.trimming = cut.length > 0;
    this.comparing = operation == Operation.CHAT && from > 0;
    this.beginning = comparing ? beginningOf(text, from) : NOTHING;
  }

  private static byte[] beginningOf(byte[] text, int length) {
    int end = 0;
    for (int units = 0; units < RESTART_UNITS_MAX && end < length; units++) {
      end = EscapedText.after(text, end, length);
    }
    return new Slice(text, 0, end).toByteArray();
  }

  /** Gives the client's sight of a frame to {@code out}: none, itself, or those held before it. */
  public void apply(SseFrame frame, Consumer<SseFrame> out) {
    if (restart) {
      return;
    }
    int tokensBefore = ownTokens();
    TokenUsage told = frame.usage();
    if (told != null) {
      own = told;
    }
    switch (frame.kind()) {
      case CONTENT, EMPTY, USAGE_ONLY ->
          rewrite(frame, tokensBefore).ifPresent(seen -> pass(seen, out));
      case DONE -> {
        release(out);
        out.accept(frame);
      }
      case ERROR, COMMENT, MALFORMED, TOO_LARGE -> out.accept(frame);
    }
  }

  private void pass(SseFrame seen, Consumer<SseFrame> out) {
    if (restart) {
      held.clear();
    } else if (comparing && held.size() < HELD_MAX) {
      held.add(seen.copy());
    } else {
      release(out);
      out.accept(seen);
    }
  }

  private void release(Consumer<SseFrame> out) {
    comparing = false;
    shownTokens = ownTokens();
    held.forEach(out);
    held.clear();
  }

  private int ownTokens() {
    return Math.max(own.completionTokens(), ownContentFrames);
  }

  /** Whether the engine has begun the answer anew; none of it has been passed. */
  public boolean isRestart() {
    return restart;
  }

  /** Goes on comparing with how the answer began, until they differ or enough is the same. */
  private void compare(byte[] bytes, Span text) {
    int at = text.offset();
    while (comparing && at < text.end()) {
      comparing =
          EscapedText.unit(bytes, at, text.end())
              == EscapedText.unit(beginning, beginningAt, beginning.length);
      at = EscapedText.after(bytes, at, text.end());
      beginningAt = EscapedText.after(beginning, beginningAt, beginning.length);
      if (comparing && beginningAt == beginning.length) {
        restart = true;
        return;
      }
    }
  }

  private Optional<SseFrame> rewrite(SseFrame frame, int tokensBefore) {
    byte[] bytes = frame.bytes();
    Span data = reader.dataOf(frame);
    if (!chunk.read(bytes, data.offset(), data.end())) {
      return Optional.of(frame);
    }
    List<Splice.Edit> edits = new ArrayList<>();
    boolean says = chunk.finish || chunk.obstacle != null;
    boolean beyond = false;
    Span text = chunk.text;
    if (text != null && text.length() > 0) {
      ownContentFrames++;
      compare(bytes, text);
      int from = text.offset() + repeated(bytes, text);
      if (from == text.end()) {
        repeatedTokens += ownTokens() - tokensBefore;
      } else if (tokensBefore - repeatedTokens >= tokensLeft) {
        from = text.end();
        beyond = true;
      }
      if (from > text.offset()) {
        edits.add(Splice.Edit.replace(new Span(text.offset(), from - text.offset()), NOTHING));
      }
      says |= from < text.end();
    }
    comparing &= !chunk.finish && chunk.obstacle == null;
    if ((!begun || beyond) && !says && frame.kind() != SseFrame.Kind.USAGE_ONLY) {
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
    if (frame.usage() != null) {
      TokenUsage all = usage(ownTokens());
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
    byte[] bytes = frame.bytes();
    int length = frame.length();
    for (Splice.Edit each : edits) {
      length += each.with().length - (each.to() - each.from());
    }
    byte[] whole = new byte[length];
    int done = frame.offset();
    int at = 0;
    for (Splice.Edit each : edits) {
      System.arraycopy(bytes, done, whole, at, each.from() - done);
      at += each.from() - done;
      System.arraycopy(each.with(), 0, whole, at, each.with().length);
      at += each.with().length;
      done = each.to();
    }
    System.arraycopy(bytes, done, whole, at, frame.offset() + frame.length() - done);
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
   * Tokens of the answer so far: those of the attempts before and those of this engine's frames
   * that have passed. White space that was generated twice is counted once. Where the first engine
   * told nothing of its prompt, it is the prompt of this one without what it was sent of the
   * answer.
   */
  public TokenUsage usage() {
    return usage(shownTokens);
  }

  private TokenUsage usage(int completion) {
    int prompt = spent.promptTokens();
    int cached = spent.cachedTokens();
    if (prompt == 0 && own.promptTokens() > 0) {
      prompt = Math.max(0, own.promptTokens() - keptTokens);
      cached = Math.min(prompt, own.cachedTokens());
    }
    return new TokenUsage(
        prompt,
        (int)
            Math.min(
                Integer.MAX_VALUE,
                (long) spent.completionTokens()
                    + Math.min(tokensLeft, Math.max(0, completion - repeatedTokens))),
        cached);
  }
}
