package io.penstock.openai;

import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.openai.JsonCursor.Kind;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The body of a request that may be merged with others into one call: its inputs on one side, all
 * that it asks for beside them on the other. Requests with one {@link #key} ask for the same.
 *
 * <p>The key is a digest over the members of the body in the order of their names, bytes as they
 * came, without the inputs, {@code model} (the pool says which) and {@code user}; texts and token
 * ids are different endpoints to it, since an engine takes no mixture. SHA-256, cut to 128 bits: by
 * a hash that can be turned round one client could have its parameters applied to another's inputs.
 * Equal parameters that are written differently cost a merge and nothing else. A body in which a
 * name is doubled or escaped is never merged, since parsers differ in what it means.
 *
 * <p>Of a completion {@code stream}, {@code stream_options} and {@code max_tokens} are the
 * request's own too: the call streams and asks for the most that one of them may have, and {@link
 * CompletionSplit} gives each its due. Who names no limit shares with others who name none, since
 * only the engine knows where it stops then. The other parameters that may be there are those of
 * {@link #SHARED_PARAMETERS}; they apply to each prompt by itself and are the same for all. What is
 * not among them sends the request alone: it may mean something for the call as a whole, or say
 * something of each token that only one stream has. So do several prompts, {@code max_tokens} of 0,
 * a {@code seed} (an engine that draws for one prompt after the other would say something else in
 * other company), and {@code n}, {@code best_of}, {@code echo}, {@code logprobs} and {@code suffix}
 * unless they ask for nothing.
 */
public final class LaneBody {
  /** Longer bodies are work enough for a call of their own, and travel as one message. */
  public static final int MAX_BYTES = 256 << 10;

  /** Parameters of a completion that apply to each prompt by itself. */
  static final Set<String> SHARED_PARAMETERS =
      Set.of(
          "bad_words",
          "frequency_penalty",
          "grammar",
          "guided_choice",
          "guided_grammar",
          "guided_json",
          "guided_regex",
          "ignore_eos",
          "include_stop_str_in_output",
          "json_schema",
          "length_penalty",
          "logit_bias",
          "min_p",
          "min_tokens",
          "presence_penalty",
          "repeat_penalty",
          "repetition_penalty",
          "response_format",
          "service_tier",
          "skip_special_tokens",
          "spaces_between_special_tokens",
          "stop",
          "stop_token_ids",
          "temperature",
          "top_k",
          "top_p",
          "typical_p");

  private static final byte[] MODEL = JsonText.ascii("model");
  private static final byte[] USER = JsonText.ascii("user");
  private static final byte[] INPUT = JsonText.ascii("input");
  private static final byte[] HEAD = JsonText.ascii("{\"model\":");
  private static final byte[] PROMPT = JsonText.ascii("prompt");
  private static final byte[] STREAM = JsonText.ascii("stream");
  private static final byte[] STREAM_OPTIONS = JsonText.ascii("stream_options");
  private static final byte[] INCLUDE_USAGE = JsonText.ascii("include_usage");
  private static final byte[] CONTINUOUS_USAGE = JsonText.ascii("continuous_usage_stats");
  private static final byte[] MAX_TOKENS = JsonText.ascii("max_tokens");
  private static final byte[] STREAMED =
      JsonText.ascii(",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
  private static final byte[] INPUTS = JsonText.ascii(",\"input\":[");
  private static final byte[] PROMPTS = JsonText.ascii(",\"prompt\":[");
  private static final byte[] COMMA = JsonText.ascii(",");
  private static final byte[] TAIL = JsonText.ascii("]}");
  private static final int KEY_BYTES = 16;

  private final Operation operation;
  private final byte[] body;
  private final List<Span> parameters = new ArrayList<>();
  private final JsonCursor in = new JsonCursor(false);
  private @Nullable Span elements;
  private boolean tokenIds;
  private int inputs;
  private long weight;
  private String key = "";
  private boolean streams;
  private boolean includesUsage;
  private int maxTokens;
  private boolean alone;

  private LaneBody(Operation operation, byte[] body) {
    this.operation = operation;
    this.body = body;
  }

  /**
   * Reads a body that {@link BodyScan} has found to be valid.
   *
   * @return empty where the request can not share a call
   */
  public static Optional<LaneBody> of(Operation operation, byte[] body) {
    if (operation == Operation.CHAT || body.length > MAX_BYTES) {
      return Optional.empty(); // no engine takes several chats in one call
    }
    LaneBody lane = new LaneBody(operation, body);
    return lane.read() ? Optional.of(lane) : Optional.empty();
  }

  private boolean read() {
    Set<String> names = new HashSet<>();
    if (in.reset(body, 0, body.length).peek() != Kind.OBJECT) {
      return false;
    }
    in.enterObject();
    while (in.nextMember()) {
      String name = JsonText.decode(body, in.nameOffset() + 1, in.nameEnd());
      if (name.indexOf('\\') >= 0 || !names.add(name)) {
        return false;
      }
      if (in.nameIs(operation == Operation.EMBEDDINGS ? INPUT : PROMPT)) {
        readInputs();
      } else if (in.nameIs(MODEL) || in.nameIs(USER)) {
        in.skipValue();
      } else if (operation == Operation.EMBEDDINGS || !readOwn()) {
        int from = in.nameOffset();
        alone |= !mayShare(name) && operation == Operation.COMPLETION;
        parameters.add(new Span(from, in.position() - from));
      }
    }
    in.expectEnd();
    if (in.failed() || alone || elements == null || inputs == 0) {
      return false;
    }
    if (operation == Operation.COMPLETION && inputs > 1) {
      return false;
    }
    key = digest();
    return true;
  }

  /** Steps over a parameter's value; whether others can have the same in one call. */
  private boolean mayShare(String name) {
    Kind kind = in.peek();
    in.skipValue();
    return SHARED_PARAMETERS.contains(name)
        || switch (name) {
          case "n", "best_of" ->
              kind == Kind.NULL || (kind == Kind.NUMBER && in.isInteger() && in.integer() == 1);
          case "echo", "logprobs" -> kind == Kind.NULL || kind == Kind.FALSE;
          case "seed", "suffix" -> kind == Kind.NULL;
          default -> false;
        };
  }

  /** Reads what is a completion's own; false where the member is none of that. */
  private boolean readOwn() {
    if (in.nameIs(STREAM)) {
      streams = in.peek() == Kind.TRUE;
      in.skipValue();
    } else if (in.nameIs(MAX_TOKENS)) {
      Kind kind = in.peek();
      in.skipValue();
      maxTokens = kind == Kind.NUMBER ? (int) Math.min(in.integer(), Integer.MAX_VALUE) : 0;
      alone |= kind != Kind.NULL && maxTokens < 1;
    } else if (in.nameIs(STREAM_OPTIONS)) {
      readOptions();
    } else {
      return false;
    }
    return true;
  }

  private void readOptions() {
    if (in.peek() != Kind.OBJECT) {
      in.skipValue();
      return;
    }
    in.enterObject();
    while (in.nextMember()) {
      boolean usage = in.nameIs(INCLUDE_USAGE);
      boolean continuous = in.nameIs(CONTINUOUS_USAGE);
      boolean yes = in.peek() == Kind.TRUE;
      includesUsage |= usage && yes;
      alone |= !usage && !(continuous && !yes); // each frame's usage is the call's
      in.skipValue();
    }
  }

  private void readInputs() {
    Kind kind = in.peek();
    int from = in.position();
    if (kind != Kind.ARRAY) {
      in.skipValue();
      one(from, in.textEnd() - in.textStart());
      return;
    }
    in.enterArray();
    Kind first = Kind.NONE;
    while (in.nextElement()) {
      first = first == Kind.NONE ? in.peek() : first;
      element(in.peek());
      inputs++;
    }
    if (first == Kind.NUMBER) { // token ids of one input
      inputs = 0;
      tokenIds = true;
      one(from, weight);
    } else {
      tokenIds = first == Kind.ARRAY;
      elements = new Span(from + 1, in.position() - from - 2);
    }
    weight = Math.max(1, weight);
  }

  private void one(int from, long itsWeight) {
    elements = new Span(from, in.position() - from);
    inputs = 1;
    weight = Math.max(1, itsWeight);
  }

  private void element(Kind kind) {
    if (kind == Kind.ARRAY) {
      in.enterArray();
      while (in.nextElement()) {
        in.skipValue();
        weight++;
      }
    } else {
      in.skipValue();
      weight += kind == Kind.STRING ? in.textEnd() - in.textStart() : 1;
    }
  }

  private String digest() {
    List<Span> sorted = new ArrayList<>(parameters);
    sorted.sort((a, b) -> Arrays.compare(body, a.offset(), a.end(), body, b.offset(), b.end()));
    MessageDigest digest = sha256();
    boolean completion = operation == Operation.COMPLETION;
    digest.update((byte) ((tokenIds ? 1 : 0) | (completion ? 2 : 0) | (maxTokens > 0 ? 4 : 0)));
    for (Span each : sorted) {
      digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, each.length()));
      digest.update(body, each.offset(), each.length());
    }
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(Arrays.copyOf(digest.digest(), KEY_BYTES));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** What it asks of the model. */
  public Operation operation() {
    return operation;
  }

  /** Whether it wants a stream. */
  public boolean streams() {
    return streams;
  }

  /** Whether it is told its usage: in a stream only where it asks for it. */
  boolean wantsUsage() {
    return !streams || includesUsage;
  }

  /** What may be generated for it; 0 where it does not say. */
  int maxTokens() {
    return maxTokens;
  }

  /** Tokens of its inputs: ids are counted, texts have four bytes to a token. */
  int promptTokens() {
    return (int) Math.min(Integer.MAX_VALUE, tokenIds ? weight : (weight + 3) / 4);
  }

  /** Equal for requests that may share a call. */
  public String key() {
    return key;
  }

  /** How many inputs it has. */
  public int inputs() {
    return inputs;
  }

  /** How long its inputs are, in the measure of those with an equal key; at least 1. */
  public long weight() {
    return weight;
  }

  /** The body as it came. */
  public byte[] bytes() {
    return body;
  }

  /**
   * The body of one call for all of these.
   *
   * @param lanes with equal keys; their inputs follow each other in this order
   * @param model the engine's name for the model
   */
  public static Spliced join(List<LaneBody> lanes, ModelName model) {
    List<Slice> out = new ArrayList<>(2 * lanes.size() + 8);
    LaneBody first = lanes.get(0);
    add(out, HEAD);
    add(out, JsonText.quote(model.value()));
    for (Span each : first.parameters) {
      add(out, COMMA);
      out.add(new Slice(first.body, each.offset(), each.length()));
    }
    if (first.operation == Operation.COMPLETION) {
      limit(out, lanes);
      add(out, STREAMED);
    }
    add(out, first.operation == Operation.EMBEDDINGS ? INPUTS : PROMPTS);
    for (int i = 0; i < lanes.size(); i++) {
      LaneBody lane = lanes.get(i);
      if (!lane.key.equals(first.key)) {
        throw new IllegalArgumentException(
            "lane " + i + ": key " + lane.key + " (expected: " + first.key + ")");
      }
      if (i > 0) {
        add(out, COMMA);
      }
      Span its = lane.elements == null ? new Span(0, 0) : lane.elements;
      out.add(new Slice(lane.body, its.offset(), its.length()));
    }
    add(out, TAIL);
    return new Spliced(out);
  }

  /** The most that one of them may have. */
  static int mostTokens(List<LaneBody> lanes) {
    return lanes.stream().mapToInt(LaneBody::maxTokens).max().orElse(0);
  }

  private static void limit(List<Slice> out, List<LaneBody> lanes) {
    int most = mostTokens(lanes);
    if (most > 0) {
      add(out, JsonText.ascii(",\"max_tokens\":" + most));
    }
  }

  private static void add(List<Slice> out, byte[] bytes) {
    out.add(Slice.of(bytes));
  }
}
