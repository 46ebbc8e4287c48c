package io.penstock.openai;

import io.penstock.fault.Fault;
import io.penstock.inference.Capability;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.Priority;
import io.penstock.measure.Hash64;
import io.penstock.openai.JsonCursor.Kind;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;

/**
 * Reads a request's body in one pass: checks that it is well-formed JSON in UTF-8 and takes out
 * what routing needs. No tree, no copy of the prompt.
 *
 * <p>Only what the gateway itself uses is checked; everything else is the engine's to judge. Null
 * stands for a field that is not there. Where a key is doubled its last value counts, as it does in
 * the parsers of the engines. A body that is not well-formed is told so before anything else; of
 * several fields that are wrong the first is told, and of several that are missing {@code model}.
 */
public final class BodyScan {
  /** Longer names are refused: they travel in messages, logs and errors. */
  static final int MAX_MODEL_CHARS = 512;

  private static final int MAX_CHOICES = 128;

  private static final byte[] MODEL = JsonText.ascii("model");
  private static final byte[] STREAM = JsonText.ascii("stream");
  private static final byte[] STREAM_OPTIONS = JsonText.ascii("stream_options");
  private static final byte[] INCLUDE_USAGE = JsonText.ascii("include_usage");
  private static final byte[] CONTINUOUS_USAGE = JsonText.ascii("continuous_usage_stats");
  private static final byte[] MAX_TOKENS = JsonText.ascii("max_tokens");
  private static final byte[] MAX_COMPLETION_TOKENS = JsonText.ascii("max_completion_tokens");
  private static final byte[] N = JsonText.ascii("n");
  private static final byte[] USER = JsonText.ascii("user");
  private static final byte[] SERVICE_TIER = JsonText.ascii("service_tier");
  private static final byte[] MESSAGES = JsonText.ascii("messages");
  private static final byte[] PROMPT = JsonText.ascii("prompt");
  private static final byte[] INPUT = JsonText.ascii("input");
  private static final byte[] TOOLS = JsonText.ascii("tools");
  private static final byte[] FUNCTIONS = JsonText.ascii("functions");
  private static final byte[] RESPONSE_FORMAT = JsonText.ascii("response_format");
  private static final byte[] TYPE = JsonText.ascii("type");
  private static final byte[] JSON_SCHEMA = JsonText.ascii("json_schema");
  private static final byte[] LOGPROBS = JsonText.ascii("logprobs");
  private static final byte[] MODALITIES = JsonText.ascii("modalities");
  private static final byte[] CACHE_SALT = JsonText.ascii("cache_salt");
  private static final byte[] AUDIO = JsonText.ascii("audio");

  private final Operation operation;
  private final byte[] body;
  private final Optional<ModelName> override;
  private final JsonCursor in = new JsonCursor(true);
  private final Complaint complaint = new Complaint();
  private final PromptScan prompt;

  private Optional<ModelName> model;
  private final List<Span> models = new ArrayList<>(1);
  private int afterBrace;
  private boolean stream;
  private boolean includeUsage;
  private boolean continuousUsage;
  private Optional<Span> streamOptionsAt = Optional.empty();
  private Optional<Span> includeUsageAt = Optional.empty();
  private Optional<Span> continuousUsageAt = Optional.empty();
  private int maxTokens;
  private int maxCompletionTokens;
  private int choices = 1;
  private String user = "";
  private Optional<Priority> priority = Optional.empty();
  private final EnumSet<Capability> needs = EnumSet.noneOf(Capability.class);
  private long toolBytes;
  private long functionBytes;
  private long cacheSalt;

  private BodyScan(Operation operation, byte[] body, Optional<ModelName> override) {
    this.operation = operation;
    this.body = body;
    this.override = override;
    this.model = override;
    this.prompt = new PromptScan(in, body, complaint, operation != Operation.EMBEDDINGS);
  }

  /**
   * Scans a whole body.
   *
   * @param override the model that a header names; the body's is then neither needed nor checked
   */
  public static Checked<ScannedBody> scan(
      Operation operation, byte[] body, Optional<ModelName> override) {
    return new BodyScan(operation, body, override).scan();
  }

  private Checked<ScannedBody> scan() {
    Kind kind = in.reset(body, 0, body.length).peek();
    if (kind == Kind.OBJECT) {
      in.enterObject();
      afterBrace = in.position();
      while (in.nextMember()) {
        member();
      }
    } else {
      in.skipValue();
    }
    in.expectEnd();
    if (in.failed()) {
      return malformed(SyntaxMessage.of(body, in.failedAt(), in.expected()));
    }
    if (kind != Kind.OBJECT) {
      return malformed(Complaint.sentence("body", kind.article(), "a JSON object"));
    }
    checkPresence();
    return complaint.<ScannedBody>verdict().orElseGet(() -> new Checked.Valid<>(result()));
  }

  private static Checked<ScannedBody> malformed(String message) {
    return new Checked.Rejected<>(Fault.INVALID_JSON, "", message);
  }

  private void checkPresence() {
    if (models.isEmpty() && override.isEmpty()) {
      complaint.missing("model", "the name of a model");
    }
    if (!prompt.seen()) {
      switch (operation) {
        case CHAT -> complaint.missing("messages", "a non-empty array of messages");
        case COMPLETION -> complaint.missing("prompt", PromptScan.EXPECTED_TEXTS);
        case EMBEDDINGS -> complaint.missing("input", PromptScan.EXPECTED_TEXTS);
      }
    }
  }

  private ScannedBody result() {
    needs.addAll(prompt.needs());
    if (toolBytes + functionBytes > 0) {
      needs.add(Capability.TOOLS);
    }
    if (operation == Operation.EMBEDDINGS) {
      needs.add(Capability.EMBEDDINGS);
    }
    return new ScannedBody(
        operation,
        model.orElseThrow(),
        stream,
        usage(),
        maxCompletionTokens > 0 ? maxCompletionTokens : maxTokens,
        choices,
        user,
        priority,
        needs,
        prompt.tokens(toolBytes + functionBytes),
        prompt.inputs(),
        prompt.blocks(cacheSalt),
        new ScannedBody.SplicePoints(
            afterBrace, models, streamOptionsAt, includeUsageAt, continuousUsageAt));
  }

  private UsageReporting usage() {
    if (!stream || !includeUsage) {
      return UsageReporting.NONE;
    }
    return continuousUsage ? UsageReporting.CONTINUOUS : UsageReporting.FINAL;
  }

  private void member() {
    if (in.nameIs(MODEL)) {
      model();
    } else if (in.nameIs(USER)) {
      user = string("user").orElse("");
    } else if (operation == Operation.EMBEDDINGS) {
      embeddingsMember();
    } else {
      generationMember();
    }
  }

  private void embeddingsMember() {
    if (in.nameIs(INPUT)) {
      prompt.texts("input");
    } else {
      in.skipValue();
    }
  }

  private void generationMember() {
    if (operation == Operation.CHAT && in.nameIs(MESSAGES)) {
      prompt.messages();
    } else if (operation == Operation.COMPLETION && in.nameIs(PROMPT)) {
      prompt.texts("prompt");
    } else if (in.nameIs(STREAM)) {
      stream = flag("stream");
    } else if (in.nameIs(STREAM_OPTIONS)) {
      streamOptions();
    } else if (in.nameIs(MAX_TOKENS)) {
      // A completion may ask for none, to have its prompt scored.
      int least = operation == Operation.COMPLETION ? 0 : 1;
      maxTokens = count("max_tokens", least, Integer.MAX_VALUE, 0);
    } else if (in.nameIs(MAX_COMPLETION_TOKENS)) {
      maxCompletionTokens = count("max_completion_tokens", 1, Integer.MAX_VALUE, 0);
    } else if (in.nameIs(N)) {
      choices = count("n", 1, MAX_CHOICES, 1);
    } else if (in.nameIs(SERVICE_TIER)) {
      serviceTier();
    } else {
      capabilityMember();
    }
  }

  private void capabilityMember() {
    if (in.nameIs(TOOLS)) {
      toolBytes = tools("tools");
    } else if (in.nameIs(FUNCTIONS)) {
      functionBytes = tools("functions");
    } else if (in.nameIs(RESPONSE_FORMAT)) {
      responseFormat();
    } else if (in.nameIs(LOGPROBS)) {
      logprobs();
    } else if (in.nameIs(MODALITIES)) {
      modalities();
    } else if (in.nameIs(CACHE_SALT)) {
      cacheSalt();
    } else {
      in.skipValue();
    }
  }

  private void model() {
    Kind kind = in.peek();
    int from = in.position();
    in.skipValue();
    models.add(new Span(from, in.position() - from));
    if (override.isPresent()) {
      return;
    }
    if (kind != Kind.STRING) {
      complaint.wrong("model", found(kind, from), "the name of a model");
    } else if (in.textEnd() - in.textStart() > 6 * MAX_MODEL_CHARS
        || in.text().length() > MAX_MODEL_CHARS) {
      complaint.wrong(
          "model",
          "a string of more than " + MAX_MODEL_CHARS + " characters",
          "the name of a model");
    } else if (in.text().isBlank()) {
      complaint.wrong("model", found(kind, from), "the name of a model");
    } else {
      model = Optional.of(new ModelName(in.text()));
    }
  }

  private void streamOptions() {
    Kind kind = in.peek();
    int from = in.position();
    includeUsage = false;
    continuousUsage = false;
    includeUsageAt = Optional.empty();
    continuousUsageAt = Optional.empty();
    if (kind == Kind.OBJECT) {
      in.enterObject();
      while (in.nextMember()) {
        streamOption();
      }
    } else {
      in.skipValue();
      if (kind != Kind.NULL) {
        complaint.wrong("stream_options", found(kind, from), "an object");
      }
    }
    streamOptionsAt = Optional.of(new Span(from, in.position() - from));
  }

  private void streamOption() {
    if (in.nameIs(INCLUDE_USAGE)) {
      in.peek();
      int from = in.position();
      includeUsage = flag("stream_options.include_usage");
      includeUsageAt = Optional.of(new Span(from, in.position() - from));
    } else if (in.nameIs(CONTINUOUS_USAGE)) {
      in.peek();
      int from = in.position();
      continuousUsage = flag("stream_options.continuous_usage_stats");
      continuousUsageAt = Optional.of(new Span(from, in.position() - from));
    } else {
      in.skipValue();
    }
  }

  private void serviceTier() {
    Kind kind = in.peek();
    int from = in.position();
    in.skipValue();
    priority = Optional.empty();
    if (kind == Kind.NULL) {
      return;
    }
    switch (kind == Kind.STRING ? in.text() : "") {
      case "priority" -> priority = Optional.of(Priority.INTERACTIVE);
      case "flex" -> priority = Optional.of(Priority.BULK);
      case "auto", "default", "scale" -> {}
      default ->
          complaint.wrong(
              "service_tier",
              found(kind, from),
              "one of \"auto\", \"default\", \"flex\", \"priority\", \"scale\"");
    }
  }

  /** The bytes that the definitions take in the body; they become part of the prompt. */
  private long tools(String param) {
    Kind kind = in.peek();
    int from = in.position();
    int tools = 0;
    if (kind == Kind.ARRAY) {
      in.enterArray();
      while (in.nextElement()) {
        in.skipValue();
        tools++;
      }
    } else {
      in.skipValue();
      if (kind != Kind.NULL) {
        complaint.wrong(param, found(kind, from), "an array");
      }
    }
    if (tools == 0) {
      return 0;
    }
    prompt.standsBefore(from, in.position());
    return in.position() - from;
  }

  private void responseFormat() {
    needs.remove(Capability.JSON_SCHEMA);
    if (in.peek() != Kind.OBJECT) {
      in.skipValue();
      return;
    }
    in.enterObject();
    while (in.nextMember()) {
      if (in.nameIs(TYPE) && in.peek() == Kind.STRING) {
        in.readString();
        if (in.textIs(JSON_SCHEMA)) {
          needs.add(Capability.JSON_SCHEMA);
        }
      } else {
        in.skipValue();
      }
    }
  }

  /** True in chat; a number in completions. */
  private void logprobs() {
    needs.remove(Capability.LOGPROBS);
    Kind kind = in.peek();
    in.skipValue();
    if (kind == Kind.TRUE || kind == Kind.NUMBER) {
      needs.add(Capability.LOGPROBS);
    }
  }

  /** By which vLLM keeps the cached prompts of some apart from those of others. */
  private void cacheSalt() {
    boolean string = in.peek() == Kind.STRING;
    in.skipValue();
    cacheSalt = string ? Hash64.of(in.text()) : 0;
  }

  private void modalities() {
    needs.remove(Capability.AUDIO);
    if (in.peek() != Kind.ARRAY) {
      in.skipValue();
      return;
    }
    in.enterArray();
    while (in.nextElement()) {
      boolean string = in.peek() == Kind.STRING;
      in.skipValue();
      if (string && in.textIs(AUDIO)) {
        needs.add(Capability.AUDIO);
      }
    }
  }

  private boolean flag(String param) {
    Kind kind = in.peek();
    int from = in.position();
    in.skipValue();
    if (kind != Kind.TRUE && kind != Kind.FALSE && kind != Kind.NULL) {
      complaint.wrong(param, found(kind, from), "true or false");
    }
    return kind == Kind.TRUE;
  }

  /** An integer; greater ones than an {@code int} holds become the greatest. */
  private int count(String param, int least, int most, int absent) {
    Kind kind = in.peek();
    int from = in.position();
    in.skipValue();
    if (kind == Kind.NULL) {
      return absent;
    }
    boolean integer = kind == Kind.NUMBER && in.isInteger();
    if (integer && in.integer() >= least && (in.integer() <= most || most == Integer.MAX_VALUE)) {
      return (int) Math.min(in.integer(), most);
    }
    complaint.wrong(
        param,
        found(kind, from),
        most == Integer.MAX_VALUE
            ? "an integer >= " + least
            : "an integer from " + least + " to " + most);
    return absent;
  }

  private Optional<String> string(String param) {
    Kind kind = in.peek();
    int from = in.position();
    in.skipValue();
    if (kind == Kind.STRING) {
      return Optional.of(in.text());
    }
    if (kind != Kind.NULL) {
      complaint.wrong(param, found(kind, from), "a string");
    }
    return Optional.empty();
  }

  /** The value that has just been read, for a message. */
  private String found(Kind kind, int from) {
    return switch (kind) {
      case OBJECT, ARRAY, NONE -> kind.article();
      default -> Complaint.quoted(body, from, in.position());
    };
  }
}
