package io.penstock.openai;

import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.ResumeMode;
import io.penstock.openai.JsonCursor.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A request whose stream broke, read once more: whether another engine may be asked to go on with
 * it, and the body that asks. What is not named here is forwarded byte for byte.
 *
 * <p>In a chat the text so far becomes an assistant message at the end, which the engine is told to
 * leave open; a completion's prompt is extended by it. The limits of tokens are reduced by what was
 * generated.
 *
 * <p>White space at the end of the message is not sent. Templates cut it: those of Llama call
 * {@code trim} on each message, and {@code apply_chat_template(continue_final_message=True)} of
 * Hugging Face's transformers ends the prompt where the stripped text ends if the template has
 * trimmed it. An engine that cuts would write it again, one that does not would not, and from
 * outside the two look the same; so all are sent the text without it, and {@link Continuation}
 * drops from what they write what repeats it. Text that is nothing but white space can not be gone
 * on with (the same function would find the empty string at the end of the whole prompt, after the
 * end-of-turn mark): the request is then sent as it came.
 */
public final class ResumeRequest {
  /** Tokens of a completion that names no limit, in the API and in vLLM and SGLang. */
  private static final int COMPLETION_DEFAULT_TOKENS = 16;

  private static final byte[] MESSAGES = JsonText.ascii("messages");
  private static final byte[] ROLE = JsonText.ascii("role");
  private static final byte[] ASSISTANT = JsonText.ascii("assistant");
  private static final byte[] CONTENT = JsonText.ascii("content");
  private static final byte[] TEXT = JsonText.ascii("text");
  private static final byte[] PREFIX = JsonText.ascii("prefix");
  private static final byte[] PROMPT = JsonText.ascii("prompt");
  private static final byte[] CONTINUE = JsonText.ascii("continue_final_message");
  private static final byte[] ADD_PROMPT = JsonText.ascii("add_generation_prompt");
  private static final byte[] MAX_TOKENS = JsonText.ascii("max_tokens");
  private static final byte[] MAX_COMPLETION_TOKENS = JsonText.ascii("max_completion_tokens");
  private static final byte[] MIN_TOKENS = JsonText.ascii("min_tokens");
  private static final byte[] LOGPROBS = JsonText.ascii("logprobs");
  private static final byte[] PROMPT_LOGPROBS = JsonText.ascii("prompt_logprobs");
  private static final byte[] MODALITIES = JsonText.ascii("modalities");
  private static final byte[] AUDIO = JsonText.ascii("audio");
  private static final byte[] ECHO = JsonText.ascii("echo");
  private static final byte[] SUFFIX = JsonText.ascii("suffix");
  private static final byte[] BEST_OF = JsonText.ascii("best_of");
  private static final byte[] BEAM_SEARCH = JsonText.ascii("use_beam_search");
  private static final byte[] PROMPT_EMBEDS = JsonText.ascii("prompt_embeds");
  private static final byte[] RESPONSE_FORMAT = JsonText.ascii("response_format");
  private static final byte[] TOOL_CHOICE = JsonText.ascii("tool_choice");
  private static final byte[] FUNCTION_CALL = JsonText.ascii("function_call");
  private static final byte[] TYPE = JsonText.ascii("type");
  private static final byte[] AUTO = JsonText.ascii("auto");
  private static final byte[] NONE = JsonText.ascii("none");

  /** Fields of vLLM, SGLang, TGI and llama.cpp that hold the output to a grammar. */
  private static final List<byte[]> GRAMMARS =
      List.of(
          JsonText.ascii("guided_json"),
          JsonText.ascii("guided_regex"),
          JsonText.ascii("guided_choice"),
          JsonText.ascii("guided_grammar"),
          JsonText.ascii("structured_outputs"),
          JsonText.ascii("structural_tag"),
          JsonText.ascii("regex"),
          JsonText.ascii("ebnf"),
          JsonText.ascii("json_schema"),
          JsonText.ascii("grammar"));

  private static final byte[] TRUE = JsonText.ascii("true");
  private static final byte[] FALSE = JsonText.ascii("false");
  private static final byte[] SET_CONTINUE = JsonText.ascii("\"continue_final_message\":true,");
  private static final byte[] SET_ADD_PROMPT = JsonText.ascii("\"add_generation_prompt\":false,");
  private static final byte[] OPEN_MESSAGE =
      JsonText.ascii(",{\"role\":\"assistant\",\"content\":\"");
  private static final byte[] CLOSE_MESSAGE = JsonText.ascii("\"}");
  private static final byte[] CLOSE_PREFIX = JsonText.ascii("\",\"prefix\":true}");

  /** A limit of tokens. */
  private record Limit(Span at, long tokens, int least) {}

  private final byte[] body;
  private final ScannedBody scan;
  private final JsonCursor in = new JsonCursor(false);
  private final List<Limit> limits = new ArrayList<>(2);
  private final List<Span> continues = new ArrayList<>(1);
  private final List<Span> addPrompts = new ArrayList<>(1);
  private @Nullable ResumeRefusal obstacle;
  private boolean continuesMessage;
  private boolean addsPrompt = true;
  private int messagesClose = -1;
  private boolean lastIsAssistant;
  private boolean lastIsPrefix;

  /** Where text can be appended to the last message; -1 where it can not. */
  private int lastContentEnd = -1;

  /** Where text can be appended to the prompt; -1 where it can not. */
  private int promptEnd = -1;

  private ResumeRequest(byte[] body, ScannedBody scan) {
    this.body = body;
    this.scan = scan;
  }

  /**
   * Reads a body that {@link BodyScan} has accepted.
   *
   * @param body as the client sent it
   */
  public static ResumeRequest read(byte[] body, ScannedBody scan) {
    ResumeRequest request = new ResumeRequest(body, scan);
    request.read();
    return request;
  }

  private void read() {
    in.reset(body, 0, body.length);
    if (in.peek() != Kind.OBJECT) {
      throw new IllegalStateException("the body has not been scanned");
    }
    in.enterObject();
    while (in.nextMember()) {
      member();
    }
    if (in.failed()) {
      throw new IllegalStateException("the body has not been scanned");
    }
    boolean open = scan.operation() == Operation.CHAT ? canAppendMessage() : promptEnd >= 0;
    if (!open || scan.operation() == Operation.EMBEDDINGS) {
      refuse(ResumeRefusal.REQUEST_FORM);
    }
  }

  private boolean canAppendMessage() {
    return extendsMessage() ? lastContentEnd >= 0 : messagesClose >= 0 && addsPrompt;
  }

  /** Whether the client itself has begun the message that the engine went on with. */
  private boolean extendsMessage() {
    return lastIsAssistant && (continuesMessage || lastIsPrefix);
  }

  private void member() {
    boolean chat = scan.operation() == Operation.CHAT;
    if (chat && in.nameIs(MESSAGES) && in.peek() == Kind.ARRAY) {
      messages();
    } else if (!chat && in.nameIs(PROMPT)) {
      boolean string = in.peek() == Kind.STRING;
      in.skipValue();
      promptEnd = string ? in.textEnd() : -1;
    } else if (in.nameIs(MAX_TOKENS) || in.nameIs(MAX_COMPLETION_TOKENS)) {
      limit(1);
    } else if (in.nameIs(MIN_TOKENS)) {
      limit(0);
    } else if (chat && in.nameIs(CONTINUE)) {
      continuesMessage = in.peek() == Kind.TRUE;
      continues.add(value());
    } else if (chat && in.nameIs(ADD_PROMPT)) {
      addsPrompt = in.peek() != Kind.FALSE;
      addPrompts.add(value());
    } else {
      restrictions();
    }
  }

  private Span value() {
    in.peek();
    int from = in.position();
    in.skipValue();
    return new Span(from, in.position() - from);
  }

  private void limit(int least) {
    boolean number = in.peek() == Kind.NUMBER;
    Span at = value();
    if (number && in.isInteger()) {
      limits.add(new Limit(at, in.integer(), least));
    }
  }

  private void messages() {
    in.enterArray();
    lastContentEnd = -1;
    lastIsAssistant = false;
    lastIsPrefix = false;
    while (in.nextElement()) {
      if (in.peek() == Kind.OBJECT) {
        message();
      } else {
        in.skipValue();
      }
    }
    messagesClose = in.position() - 1;
  }

  private void message() {
    lastContentEnd = -1;
    lastIsAssistant = false;
    lastIsPrefix = false;
    in.enterObject();
    while (in.nextMember()) {
      if (in.nameIs(ROLE)) {
        in.skipValue();
        lastIsAssistant = in.textIs(ASSISTANT);
      } else if (in.nameIs(PREFIX)) {
        lastIsPrefix = in.peek() == Kind.TRUE;
        in.skipValue();
      } else if (in.nameIs(CONTENT)) {
        content();
      } else {
        in.skipValue();
      }
    }
  }

  private void content() {
    switch (in.peek()) {
      case STRING -> {
        in.readString();
        lastContentEnd = in.textEnd();
      }
      case ARRAY -> {
        lastContentEnd = -1;
        in.enterArray();
        while (in.nextElement()) {
          lastContentEnd = part();
        }
      }
      default -> {
        in.skipValue();
        lastContentEnd = -1;
      }
    }
  }

  private int part() {
    int end = -1;
    if (in.peek() != Kind.OBJECT) {
      in.skipValue();
      return end;
    }
    in.enterObject();
    while (in.nextMember()) {
      if (in.nameIs(TEXT) && in.peek() == Kind.STRING) {
        in.readString();
        end = in.textEnd();
      } else {
        in.skipValue();
      }
    }
    return end;
  }

  /** Fields that make a continuation something else than the rest of the answer. */
  private void restrictions() {
    if (in.nameIs(RESPONSE_FORMAT)) {
      responseFormat();
    } else if (in.nameIs(TOOL_CHOICE) || in.nameIs(FUNCTION_CALL)) {
      boolean string = in.peek() == Kind.STRING;
      boolean none = in.peek() == Kind.NULL;
      in.skipValue();
      if (!none && !(string && (in.textIs(AUTO) || in.textIs(NONE)))) {
        refuse(ResumeRefusal.CONSTRAINED); // a call that is forced is decoded by a grammar
      }
    } else if (in.nameIs(MODALITIES)) {
      modalities();
    } else if (in.nameIs(AUDIO)) {
      refuseIfSet(ResumeRefusal.AUDIO);
    } else if (in.nameIs(LOGPROBS) || in.nameIs(PROMPT_LOGPROBS)) {
      refuseIfSet(ResumeRefusal.LOGPROBS);
    } else if (in.nameIs(ECHO)
        || in.nameIs(SUFFIX)
        || in.nameIs(BEAM_SEARCH)
        || in.nameIs(PROMPT_EMBEDS)) {
      refuseIfSet(ResumeRefusal.REQUEST_FORM);
    } else if (in.nameIs(BEST_OF)) {
      boolean number = in.peek() == Kind.NUMBER;
      in.skipValue();
      if (number && in.integer() > 1) {
        refuse(ResumeRefusal.CHOICES);
      }
    } else if (isGrammar()) {
      refuseIfSet(ResumeRefusal.CONSTRAINED);
    } else {
      in.skipValue();
    }
  }

  private boolean isGrammar() {
    for (byte[] each : GRAMMARS) {
      if (in.nameIs(each)) {
        return true;
      }
    }
    return false;
  }

  private void refuseIfSet(ResumeRefusal why) {
    Kind kind = in.peek();
    in.skipValue();
    boolean empty = kind == Kind.STRING && in.textStart() == in.textEnd();
    if (kind != Kind.NULL && kind != Kind.FALSE && !empty) {
      refuse(why);
    }
  }

  private void responseFormat() {
    Kind kind = in.peek();
    if (kind != Kind.OBJECT) {
      refuseIfSet(ResumeRefusal.CONSTRAINED);
      return;
    }
    boolean plain = false;
    in.enterObject();
    while (in.nextMember()) {
      if (in.nameIs(TYPE) && in.peek() == Kind.STRING) {
        in.readString();
        plain = in.textIs(TEXT);
      } else {
        in.skipValue();
      }
    }
    if (!plain) {
      refuse(ResumeRefusal.CONSTRAINED);
    }
  }

  private void modalities() {
    if (in.peek() != Kind.ARRAY) {
      in.skipValue();
      return;
    }
    in.enterArray();
    while (in.nextElement()) {
      boolean string = in.peek() == Kind.STRING;
      in.skipValue();
      if (string && in.textIs(AUDIO)) {
        refuse(ResumeRefusal.AUDIO);
      }
    }
  }

  private void refuse(ResumeRefusal why) {
    if (obstacle == null) {
      obstacle = why;
    }
  }

  /** Why an answer that has begun can not be gone on with. */
  public Optional<ResumeRefusal> obstacle() {
    return Optional.ofNullable(obstacle);
  }

  /** Whether as many tokens have been generated as the request allows. */
  public boolean isSpent(int producedTokens) {
    for (Limit each : limits) {
      if (each.least() > 0 && producedTokens >= each.tokens()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Tokens that the client may still be sent; as good as endless where there is no limit.
   *
   * @param defaultLimit whether the engine stops a completion that names no limit after 16 tokens
   */
  public int left(int producedTokens, boolean defaultLimit) {
    long left =
        isLimitedByDefault(defaultLimit)
            ? (long) COMPLETION_DEFAULT_TOKENS - producedTokens
            : Integer.MAX_VALUE;
    for (Limit each : limits) {
      if (each.least() > 0) {
        left = Math.min(left, each.tokens() - producedTokens);
      }
    }
    return (int) Math.max(0, left);
  }

  private boolean isLimitedByDefault(boolean defaultLimit) {
    return defaultLimit
        && scan.operation() == Operation.COMPLETION
        && limits.stream().noneMatch(limit -> limit.least() > 0);
  }

  /**
   * The body for the engine that goes on.
   *
   * @param mode {@code CONTINUE_FINAL_MESSAGE} or {@code PREFIX}; means nothing to a completion
   * @param keptTokens tokens of the text that the engine is sent
   * @param defaultLimit whether the engine stops a completion that names no limit after 16 tokens
   */
  public Spliced body(
      PartialAnswer partial,
      ResumeMode mode,
      int keptTokens,
      boolean defaultLimit,
      ModelName model,
      UsageReporting ask) {
    List<Splice.Edit> edits = new ArrayList<>();
    reduce(edits, keptTokens);
    if (scan.operation() == Operation.COMPLETION) {
      if (!partial.isEmpty()) {
        edits.add(Splice.Edit.insert(promptEnd, partial.escapedText()));
      }
      if (isLimitedByDefault(defaultLimit)) {
        byte[] left = JsonText.ascii(Integer.toString(COMPLETION_DEFAULT_TOKENS - keptTokens));
        if (keptTokens > 0 && keptTokens < COMPLETION_DEFAULT_TOKENS) {
          edits.add(
              Splice.Edit.insert(
                  scan.points().afterBrace(),
                  JsonText.concat(JsonText.ascii("\"max_tokens\":"), left, new byte[] {','})));
        }
      }
    } else if (!partial.isBlank()) {
      append(edits, partial, mode);
    }
    return Splice.forward(body, scan, model, ask, edits);
  }

  private void reduce(List<Splice.Edit> edits, int keptTokens) {
    for (Limit each : limits) {
      long left = Math.max(each.least(), each.tokens() - keptTokens);
      if (keptTokens > 0 && left < each.tokens()) {
        edits.add(Splice.Edit.replace(each.at(), JsonText.ascii(Long.toString(left))));
      }
    }
  }

  private void append(List<Splice.Edit> edits, PartialAnswer partial, ResumeMode mode) {
    byte[] text = new Slice(partial.escapedText(), 0, partial.trimmedLength()).toByteArray();
    if (extendsMessage()) {
      edits.add(Splice.Edit.insert(lastContentEnd, text));
      return;
    }
    boolean prefix = mode == ResumeMode.PREFIX;
    edits.add(
        Splice.Edit.insert(
            messagesClose,
            JsonText.concat(OPEN_MESSAGE, text, prefix ? CLOSE_PREFIX : CLOSE_MESSAGE)));
    if (!prefix) {
      set(edits, continues, TRUE, SET_CONTINUE);
      set(edits, addPrompts, FALSE, SET_ADD_PROMPT);
    }
  }

  /** Gives a member this value wherever it stands, and adds it where it does not. */
  private void set(List<Splice.Edit> edits, List<Span> values, byte[] value, byte[] member) {
    if (values.isEmpty()) {
      edits.add(Splice.Edit.insert(scan.points().afterBrace(), member));
    }
    for (Span each : values) {
      edits.add(Splice.Edit.replace(each, value));
    }
  }
}
