package io.penstock.openai;

import io.penstock.inference.ModelName;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Builds the body that goes to an engine: the client's bytes, with {@code model} replaced by the
 * engine's name for it and {@code stream_options} extended. Nothing else changes.
 *
 * <p>Where {@code model} is doubled every one is replaced, so that no engine reads another model
 * than the one that was routed, whichever of the two its parser takes.
 */
public final class Splice {
  private static final byte[] TRUE = JsonText.ascii("true");
  private static final byte[] MODEL = JsonText.ascii("\"model\":");
  private static final byte[] STREAM_OPTIONS = JsonText.ascii("\"stream_options\":");
  private static final byte[] INCLUDE_USAGE = JsonText.ascii("\"include_usage\":true");
  private static final byte[] CONTINUOUS_USAGE = JsonText.ascii("\"continuous_usage_stats\":true");
  private static final byte[] OPEN = JsonText.ascii("{");
  private static final byte[] CLOSE = JsonText.ascii("}");
  private static final byte[] COMMA = JsonText.ascii(",");

  private final byte[] body;
  private final ScannedBody.SplicePoints points;
  private final List<Edit> edits = new ArrayList<>(4);

  /** Puts {@code with} in the place of a stretch of the body, which may be empty. */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  record Edit(int from, int to, byte[] with) {
    static Edit insert(int at, byte[] what) {
      return new Edit(at, at, what);
    }

    static Edit replace(Span what, byte[] with) {
      return new Edit(what.offset(), what.end(), with);
    }
  }

  private Splice(byte[] body, ScannedBody.SplicePoints points) {
    this.body = body;
    this.points = points;
  }

  /**
   * The body to forward.
   *
   * @param scan what {@link BodyScan} found in {@code body}
   * @param model the engine's name for the model
   * @param ask the usage that the engine shall report; ignored for a body that does not stream.
   *     What the client asked for stays asked for
   */
  public static Spliced forward(
      byte[] body, ScannedBody scan, ModelName model, UsageReporting ask) {
    return forward(body, scan, model, ask, List.of());
  }

  /** The same with more edits, which touch neither the model nor the options of the stream. */
  static Spliced forward(
      byte[] body, ScannedBody scan, ModelName model, UsageReporting ask, List<Edit> more) {
    Splice splice = new Splice(body, scan.points());
    splice.edits.addAll(more);
    splice.model(JsonText.quote(model.value()));
    if (scan.stream()) {
      splice.usage(ask);
    }
    return splice.pieces();
  }

  private void model(byte[] quoted) {
    if (points.models().isEmpty()) {
      insert(points.afterBrace(), MODEL, quoted, COMMA);
    }
    for (Span each : points.models()) {
      replace(each, quoted);
    }
  }

  private void usage(UsageReporting ask) {
    if (ask == UsageReporting.NONE) {
      return;
    }
    boolean continuous = ask == UsageReporting.CONTINUOUS;
    Optional<Span> options = points.streamOptions();
    if (options.isEmpty()) {
      insert(points.afterBrace(), STREAM_OPTIONS, options(continuous), COMMA);
    } else if (!hasMembers(options.get())) {
      replace(options.get(), options(continuous));
    } else {
      int afterBrace = options.get().offset() + 1;
      set(points.includeUsage(), INCLUDE_USAGE, afterBrace);
      if (continuous) {
        set(points.continuousUsage(), CONTINUOUS_USAGE, afterBrace);
      }
    }
  }

  private static byte[] options(boolean continuous) {
    return continuous
        ? JsonText.concat(OPEN, INCLUDE_USAGE, COMMA, CONTINUOUS_USAGE, CLOSE)
        : JsonText.concat(OPEN, INCLUDE_USAGE, CLOSE);
  }

  private boolean hasMembers(Span value) {
    int at = value.offset() + 1;
    while (body[at] <= ' ') {
      at++;
    }
    return body[value.offset()] == '{' && body[at] != '}';
  }

  /** Sets a member to true: where its value stands, else as the first of its object. */
  private void set(Optional<Span> value, byte[] member, int afterBrace) {
    if (value.isPresent()) {
      replace(value.get(), TRUE);
    } else {
      insert(afterBrace, member, COMMA);
    }
  }

  private void insert(int at, byte[]... parts) {
    edits.add(new Edit(at, at, JsonText.concat(parts)));
  }

  private void replace(Span value, byte[] with) {
    if (!Arrays.equals(body, value.offset(), value.end(), with, 0, with.length)) {
      edits.add(new Edit(value.offset(), value.end(), with));
    }
  }

  private Spliced pieces() {
    edits.sort(Comparator.comparingInt(Edit::from));
    List<Slice> slices = new ArrayList<>(2 * edits.size() + 1);
    int done = 0;
    for (Edit each : edits) {
      keep(slices, done, each.from());
      slices.add(new Slice(each.with(), 0, each.with().length));
      done = each.to();
    }
    keep(slices, done, body.length);
    return new Spliced(slices);
  }

  private void keep(List<Slice> slices, int from, int to) {
    if (from < to) {
      slices.add(new Slice(body, from, to - from));
    }
  }
}
