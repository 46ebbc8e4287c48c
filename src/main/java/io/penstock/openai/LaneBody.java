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
 */
public final class LaneBody {
  /** Longer bodies are work enough for a call of their own, and travel as one message. */
  public static final int MAX_BYTES = 256 << 10;

  private static final byte[] MODEL = JsonText.ascii("model");
  private static final byte[] USER = JsonText.ascii("user");
  private static final byte[] INPUT = JsonText.ascii("input");
  private static final byte[] HEAD = JsonText.ascii("{\"model\":");
  private static final byte[] INPUTS = JsonText.ascii(",\"input\":[");
  private static final byte[] COMMA = JsonText.ascii(",");
  private static final byte[] TAIL = JsonText.ascii("]}");
  private static final int KEY_BYTES = 16;

  private final byte[] body;
  private final List<Span> parameters = new ArrayList<>();
  private final JsonCursor in = new JsonCursor(false);
  private @Nullable Span elements;
  private boolean tokenIds;
  private int inputs;
  private long weight;
  private String key = "";

  private LaneBody(byte[] body) {
    this.body = body;
  }

  /**
   * Reads a body that {@link BodyScan} has found to be valid.
   *
   * @return empty where the request can not share a call
   */
  public static Optional<LaneBody> of(Operation operation, byte[] body) {
    if (operation != Operation.EMBEDDINGS || body.length > MAX_BYTES) {
      return Optional.empty();
    }
    LaneBody lane = new LaneBody(body);
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
      if (in.nameIs(INPUT)) {
        readInputs();
      } else if (in.nameIs(MODEL) || in.nameIs(USER)) {
        in.skipValue();
      } else {
        int from = in.nameOffset();
        in.skipValue();
        parameters.add(new Span(from, in.position() - from));
      }
    }
    in.expectEnd();
    if (in.failed() || elements == null || inputs == 0) {
      return false;
    }
    key = digest();
    return true;
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
    digest.update((byte) (tokenIds ? 1 : 0));
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
    add(out, INPUTS);
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

  private static void add(List<Slice> out, byte[] bytes) {
    out.add(new Slice(bytes, 0, bytes.length));
  }
}
