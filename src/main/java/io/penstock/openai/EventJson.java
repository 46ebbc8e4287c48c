package io.penstock.openai;

import io.penstock.inference.TokenUsage;
import io.penstock.openai.JsonCursor.Kind;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the JSON object that an engine sends, one event of a stream or a whole answer: what it
 * carries, its usage, and where the usage stands. Text is not decoded, so it need not be valid
 * UTF-8: it is the client's, and goes on as it came.
 */
final class EventJson {
  private static final byte[] CHOICES = JsonText.ascii("choices");
  private static final byte[] DELTA = JsonText.ascii("delta");
  private static final byte[] TEXT = JsonText.ascii("text");
  private static final byte[] ROLE = JsonText.ascii("role");
  private static final byte[] FINISH_REASON = JsonText.ascii("finish_reason");
  private static final byte[] ERROR = JsonText.ascii("error");
  private static final byte[] OBJECT = JsonText.ascii("object");
  private static final byte[] USAGE = JsonText.ascii("usage");
  private static final byte[] PROMPT_TOKENS = JsonText.ascii("prompt_tokens");
  private static final byte[] COMPLETION_TOKENS = JsonText.ascii("completion_tokens");
  private static final byte[] DETAILS = JsonText.ascii("prompt_tokens_details");
  private static final byte[] CACHED_TOKENS = JsonText.ascii("cached_tokens");

  private final JsonCursor in = new JsonCursor(false);

  private boolean error;
  private boolean payload;
  private boolean finish;
  private int choices;
  private @Nullable TokenUsage usage;
  private int usageFrom;
  private int usageTo;
  private boolean usageFirst;

  private int promptTokens;
  private int completionTokens;
  private int cachedTokens;

  /** Reads the object that fills the bytes from {@code from} to before {@code to}. */
  SseFrame.Kind read(byte[] bytes, int from, int to) {
    error = false;
    payload = false;
    finish = false;
    choices = 0;
    usage = null;
    usageFrom = -1;
    usageFirst = false;
    in.reset(bytes, from, to);
    if (in.peek() != Kind.OBJECT) {
      return SseFrame.Kind.MALFORMED;
    }
    in.enterObject();
    int before = in.position();
    boolean first = true;
    while (in.nextMember()) {
      if (usageFirst && usageTo == before) {
        usageTo = in.nameOffset();
      }
      member(before, first);
      before = in.position();
      first = false;
    }
    in.expectEnd();
    return kind();
  }

  private SseFrame.Kind kind() {
    if (in.failed()) {
      return SseFrame.Kind.MALFORMED;
    }
    if (error) {
      return SseFrame.Kind.ERROR;
    }
    if (payload || finish) {
      return SseFrame.Kind.CONTENT;
    }
    return choices == 0 && usage != null ? SseFrame.Kind.USAGE_ONLY : SseFrame.Kind.EMPTY;
  }

  /**
   * @param before offset after the previous member's value, where the comma is looked for
   */
  private void member(int before, boolean first) {
    if (in.nameIs(CHOICES)) {
      choices();
    } else if (in.nameIs(USAGE)) {
      usageFrom = first ? in.nameOffset() : before;
      usageFirst = first;
      usage();
      usageTo = in.position();
    } else if (in.nameIs(OBJECT)) {
      boolean string = in.peek() == Kind.STRING;
      in.skipValue();
      error |= string && in.textIs(ERROR);
    } else if (in.nameIs(ERROR)) {
      error |= in.peek() != Kind.NULL;
      in.skipValue();
    } else {
      in.skipValue();
    }
  }

  private void choices() {
    if (in.peek() != Kind.ARRAY) {
      in.skipValue();
      return;
    }
    in.enterArray();
    while (in.nextElement()) {
      choices++;
      choice();
    }
  }

  private void choice() {
    if (in.peek() != Kind.OBJECT) {
      in.skipValue();
      return;
    }
    in.enterObject();
    while (in.nextMember()) {
      if (in.nameIs(DELTA)) {
        delta();
      } else if (in.nameIs(TEXT)) {
        payload |= skipPayload();
      } else if (in.nameIs(FINISH_REASON)) {
        finish |= in.peek() != Kind.NULL;
        in.skipValue();
      } else {
        in.skipValue();
      }
    }
  }

  /** Any member but the role counts, so that engines may have payloads of their own. */
  private void delta() {
    if (in.peek() != Kind.OBJECT) {
      in.skipValue();
      return;
    }
    in.enterObject();
    while (in.nextMember()) {
      if (in.nameIs(ROLE)) {
        in.skipValue();
      } else {
        payload |= skipPayload();
      }
    }
  }

  /** Steps over a value; whether it says anything: not null, not an empty string or container. */
  private boolean skipPayload() {
    Kind kind = in.peek();
    int from = in.position();
    in.skipValue();
    return switch (kind) {
      case NULL, NONE -> false;
      case STRING -> in.textEnd() > in.textStart();
      case ARRAY, OBJECT -> !in.isEmptyContainer(from);
      case NUMBER, TRUE, FALSE -> true;
    };
  }

  private void usage() {
    usage = null;
    if (in.peek() != Kind.OBJECT) {
      in.skipValue();
      return;
    }
    promptTokens = 0;
    completionTokens = 0;
    cachedTokens = 0;
    in.enterObject();
    while (in.nextMember()) {
      if (in.nameIs(PROMPT_TOKENS)) {
        promptTokens = tokens();
      } else if (in.nameIs(COMPLETION_TOKENS)) {
        completionTokens = tokens();
      } else if (in.nameIs(DETAILS)) {
        details();
      } else {
        in.skipValue();
      }
    }
    usage = new TokenUsage(promptTokens, completionTokens, cachedTokens);
  }

  private void details() {
    if (in.peek() != Kind.OBJECT) {
      in.skipValue();
      return;
    }
    in.enterObject();
    while (in.nextMember()) {
      if (in.nameIs(CACHED_TOKENS)) {
        cachedTokens = tokens();
      } else {
        in.skipValue();
      }
    }
  }

  /** A count; 0 where there is none. */
  private int tokens() {
    boolean number = in.peek() == Kind.NUMBER;
    in.skipValue();
    return number && in.isInteger()
        ? (int) Math.max(0, Math.min(in.integer(), Integer.MAX_VALUE))
        : 0;
  }

  /** Whether a choice of the object just read carries anything but its finish reason. */
  boolean payload() {
    return payload;
  }

  /** Whether a choice of the object just read has a finish reason. */
  boolean finish() {
    return finish;
  }

  /** The usage of the object just read; null where it has none. */
  @Nullable TokenUsage usageOrNull() {
    return usage;
  }

  /** Where the member {@code usage} of the object just read begins, with its comma; -1: none. */
  int usageFrom() {
    return usageFrom;
  }

  /** The offset after it. */
  int usageTo() {
    return usageTo;
  }

  /**
   * Looks for the usage at the end of a large object that is taken to be well-formed, where engines
   * put it, without reading what comes before.
   *
   * <p>A quote before {@code usage} that follows a brace, a comma or whitespace is not escaped; it
   * opens a string, since none of these letters may follow one that is closed; so what is found is
   * a name. It is one of the outermost object if, behind its value, there are only more members and
   * one closing brace.
   *
   * @param reach how many bytes to look at
   * @return empty where it is not found: it may still be further ahead
   */
  Optional<TokenUsage> readTail(byte[] bytes, int reach) {
    int from = Math.max(1, bytes.length - reach);
    for (int at = bytes.length - USAGE.length - 2; at >= from; at--) {
      if (bytes[at] == '"' && opensName(bytes, at)) {
        in.resetInsideObject(bytes, at, bytes.length);
        if (readRest()) {
          return Optional.ofNullable(usage);
        }
      }
    }
    return Optional.empty();
  }

  private static boolean opensName(byte[] bytes, int quote) {
    byte before = bytes[quote - 1];
    if (before != '{' && before != ',' && before > ' ') {
      return false;
    }
    for (int i = 0; i < USAGE.length; i++) {
      if (bytes[quote + 1 + i] != USAGE[i]) {
        return false;
      }
    }
    return bytes[quote + 1 + USAGE.length] == '"';
  }

  private boolean readRest() {
    boolean found = false;
    while (in.nextMember()) {
      if (in.nameIs(USAGE)) {
        found = true;
        usage();
      } else {
        in.skipValue();
      }
    }
    in.expectEnd();
    return found && !in.failed();
  }
}
