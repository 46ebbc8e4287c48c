package io.penstock.openai;

import io.penstock.openai.JsonCursor.Kind;
import org.jspecify.annotations.Nullable;

/**
 * Reads one JSON object of a stream in full: what its choice carries and where everything stands
 * that a resumed stream has to change. {@link EventJson} reads what every frame needs; this one is
 * for streams that broke.
 */
final class ChunkJson {
  private static final byte[] ID = JsonText.ascii("id");
  private static final byte[] CREATED = JsonText.ascii("created");
  private static final byte[] MODEL = JsonText.ascii("model");
  private static final byte[] FINGERPRINT = JsonText.ascii("system_fingerprint");
  private static final byte[] CHOICES = JsonText.ascii("choices");
  private static final byte[] INDEX = JsonText.ascii("index");
  private static final byte[] DELTA = JsonText.ascii("delta");
  private static final byte[] ROLE = JsonText.ascii("role");
  private static final byte[] CONTENT = JsonText.ascii("content");
  private static final byte[] TEXT = JsonText.ascii("text");
  private static final byte[] TOOL_CALLS = JsonText.ascii("tool_calls");
  private static final byte[] FUNCTION_CALL = JsonText.ascii("function_call");
  private static final byte[] REASONING_CONTENT = JsonText.ascii("reasoning_content");
  private static final byte[] REASONING = JsonText.ascii("reasoning");
  private static final byte[] AUDIO = JsonText.ascii("audio");
  private static final byte[] LOGPROBS = JsonText.ascii("logprobs");
  private static final byte[] FINISH_REASON = JsonText.ascii("finish_reason");
  private static final byte[] USAGE = JsonText.ascii("usage");
  private static final byte[] PROMPT_TOKENS = JsonText.ascii("prompt_tokens");
  private static final byte[] COMPLETION_TOKENS = JsonText.ascii("completion_tokens");
  private static final byte[] TOTAL_TOKENS = JsonText.ascii("total_tokens");
  private static final byte[] DETAILS = JsonText.ascii("prompt_tokens_details");
  private static final byte[] CACHED_TOKENS = JsonText.ascii("cached_tokens");

  private final JsonCursor in = new JsonCursor(false);

  /** Where values stand; null where there is none. */
  @Nullable Span id;

  @Nullable Span created;
  @Nullable Span model;
  @Nullable Span fingerprint;
  @Nullable Span promptTokens;
  @Nullable Span completionTokens;
  @Nullable Span totalTokens;
  @Nullable Span cachedTokens;

  /** The member {@code role} of the delta, with the comma that goes with it. */
  @Nullable Span roleMember;

  /** The text between the quotes, as it is escaped. */
  @Nullable Span text;

  /** Why the stream could not go on after this. */
  @Nullable ResumeRefusal obstacle;

  boolean finish;

  /**
   * Reads the object that fills the bytes from {@code from} to before {@code to}.
   *
   * @return whether it is one
   */
  boolean read(byte[] bytes, int from, int to) {
    id = null;
    created = null;
    model = null;
    fingerprint = null;
    promptTokens = null;
    completionTokens = null;
    totalTokens = null;
    cachedTokens = null;
    roleMember = null;
    text = null;
    obstacle = null;
    finish = false;
    if (in.reset(bytes, from, to).peek() != Kind.OBJECT) {
      return false;
    }
    in.enterObject();
    while (in.nextMember()) {
      member();
    }
    in.expectEnd();
    return !in.failed();
  }

  private void member() {
    if (in.nameIs(ID)) {
      id = value();
    } else if (in.nameIs(CREATED)) {
      created = value();
    } else if (in.nameIs(MODEL)) {
      model = value();
    } else if (in.nameIs(FINGERPRINT)) {
      fingerprint = value();
    } else if (in.nameIs(CHOICES) && in.peek() == Kind.ARRAY) {
      choices();
    } else if (in.nameIs(USAGE) && in.peek() == Kind.OBJECT) {
      usage();
    } else {
      in.skipValue();
    }
  }

  /** Where the value stands that is read by this; null for a null. */
  private @Nullable Span value() {
    Kind kind = in.peek();
    int from = in.position();
    in.skipValue();
    return kind == Kind.NULL ? null : new Span(from, in.position() - from);
  }

  private void choices() {
    in.enterArray();
    int count = 0;
    while (in.nextElement()) {
      if (count++ > 0) {
        refuse(ResumeRefusal.CHOICES);
      }
      if (in.peek() == Kind.OBJECT) {
        choice();
      } else {
        in.skipValue();
      }
    }
  }

  private void choice() {
    in.enterObject();
    while (in.nextMember()) {
      if (in.nameIs(INDEX)) {
        boolean number = in.peek() == Kind.NUMBER;
        in.skipValue();
        if (number && in.integer() != 0) {
          refuse(ResumeRefusal.CHOICES);
        }
      } else if (in.nameIs(DELTA) && in.peek() == Kind.OBJECT) {
        delta();
      } else if (in.nameIs(TEXT)) {
        text();
      } else if (in.nameIs(FINISH_REASON)) {
        finish |= in.peek() != Kind.NULL;
        in.skipValue();
      } else if (in.nameIs(LOGPROBS)) {
        payload(ResumeRefusal.LOGPROBS);
      } else {
        in.skipValue();
      }
    }
  }

  private void delta() {
    in.enterObject();
    int before = in.position();
    boolean first = true;
    boolean roleFirst = false;
    int roleFrom = -1;
    int roleTo = -1;
    while (in.nextMember()) {
      if (roleFirst && roleTo == before) {
        roleTo = in.nameOffset();
      }
      if (in.nameIs(ROLE)) {
        roleFrom = first ? in.nameOffset() : before;
        roleFirst = first;
        in.skipValue();
        roleTo = in.position();
      } else if (in.nameIs(CONTENT)) {
        text();
      } else {
        payload(refusalOfDelta());
      }
      before = in.position();
      first = false;
    }
    if (roleFrom >= 0 && !in.failed()) {
      roleMember = new Span(roleFrom, roleTo - roleFrom);
    }
  }

  private ResumeRefusal refusalOfDelta() {
    if (in.nameIs(TOOL_CALLS) || in.nameIs(FUNCTION_CALL)) {
      return ResumeRefusal.TOOL_CALLS;
    }
    if (in.nameIs(REASONING_CONTENT) || in.nameIs(REASONING)) {
      return ResumeRefusal.REASONING;
    }
    return in.nameIs(AUDIO) ? ResumeRefusal.AUDIO : ResumeRefusal.UNKNOWN_PAYLOAD;
  }

  private void text() {
    if (in.peek() != Kind.STRING) {
      payload(ResumeRefusal.UNKNOWN_PAYLOAD);
      return;
    }
    in.readString();
    if (text != null && text.length() > 0) {
      refuse(ResumeRefusal.UNKNOWN_PAYLOAD);
    }
    text = new Span(in.textStart(), in.textEnd() - in.textStart());
  }

  /** Steps over a value; an obstacle where it says anything. */
  private void payload(ResumeRefusal why) {
    Kind kind = in.peek();
    int from = in.position();
    in.skipValue();
    boolean says =
        switch (kind) {
          case NULL, NONE -> false;
          case STRING -> in.textEnd() > in.textStart();
          case ARRAY, OBJECT -> !in.isEmptyContainer(from);
          case NUMBER, TRUE, FALSE -> true;
        };
    if (says) {
      refuse(why);
    }
  }

  private void refuse(ResumeRefusal why) {
    if (obstacle == null) {
      obstacle = why;
    }
  }

  private void usage() {
    in.enterObject();
    while (in.nextMember()) {
      if (in.nameIs(PROMPT_TOKENS)) {
        promptTokens = value();
      } else if (in.nameIs(COMPLETION_TOKENS)) {
        completionTokens = value();
      } else if (in.nameIs(TOTAL_TOKENS)) {
        totalTokens = value();
      } else if (in.nameIs(DETAILS) && in.peek() == Kind.OBJECT) {
        in.enterObject();
        while (in.nextMember()) {
          if (in.nameIs(CACHED_TOKENS)) {
            cachedTokens = value();
          } else {
            in.skipValue();
          }
        }
      } else {
        in.skipValue();
      }
    }
  }
}
