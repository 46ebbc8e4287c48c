package io.penstock.openai;

import io.penstock.openai.JsonCursor.Kind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Cuts the answer to a call for several requests into one answer for each: its embeddings, counted
 * from 0, its part of every count in {@code usage} by the length of its inputs, and all else as the
 * engine wrote it. Megabytes of numbers are neither parsed nor copied.
 */
public final class EmbeddingsSplit {
  private static final byte[] DATA = JsonText.ascii("data");
  private static final byte[] INDEX = JsonText.ascii("index");
  private static final byte[] EMBEDDING = JsonText.ascii("embedding");
  private static final byte[] USAGE = JsonText.ascii("usage");
  private static final byte[] COMMA = JsonText.ascii(",");

  private final byte[] answer;
  private final JsonCursor in = new JsonCursor(false);
  private final List<Element> elements = new ArrayList<>();
  private final List<Count> counts = new ArrayList<>();
  private @Nullable Span data;
  private boolean wrong;

  /** One of {@code data}; without an index it is the one of its place. */
  private record Element(Span at, @Nullable Span indexAt, long index) {}

  /** A count in the usage. */
  private record Count(Span at, long value) {}

  private EmbeddingsSplit(byte[] answer) {
    this.answer = answer;
  }

  /**
   * One answer for each request.
   *
   * @param inputs how many each has, in the order of the call
   * @param weights the length of each one's inputs
   * @return empty where this is no answer to so many inputs
   */
  public static Optional<List<Spliced>> split(byte[] answer, int[] inputs, long[] weights) {
    return new EmbeddingsSplit(answer).split(inputs, weights);
  }

  private Optional<List<Spliced>> split(int[] inputs, long[] weights) {
    int sum = 0;
    for (int each : inputs) {
      sum += each;
    }
    Element[] ordered = new Element[sum];
    if (!read() || !order(ordered)) {
      return Optional.empty();
    }
    List<long[]> shares = new ArrayList<>(counts.size());
    for (Count each : counts) {
      shares.add(Shares.of(each.value(), weights));
    }
    List<Spliced> lanes = new ArrayList<>(inputs.length);
    int first = 0;
    for (int lane = 0; lane < inputs.length; lane++) {
      lanes.add(lane(lane, ordered, first, first + inputs[lane], shares));
      first += inputs[lane];
    }
    return Optional.of(lanes);
  }

  private boolean read() {
    if (in.reset(answer, 0, answer.length).peek() != Kind.OBJECT) {
      return false;
    }
    in.enterObject();
    while (in.nextMember()) {
      if (in.nameIs(DATA) && in.peek() == Kind.ARRAY) {
        data();
      } else if (in.nameIs(USAGE) && in.peek() == Kind.OBJECT) {
        counts.clear();
        usage();
      } else {
        in.skipValue();
      }
    }
    in.expectEnd();
    counts.sort(Comparator.comparingInt(each -> each.at().offset()));
    return !in.failed() && !wrong && data != null;
  }

  private void data() {
    wrong |= data != null;
    int from = in.position();
    in.enterArray();
    while (in.nextElement()) {
      if (in.peek() == Kind.OBJECT) {
        element();
      } else {
        in.skipValue();
        wrong = true;
      }
    }
    data = new Span(from, in.position() - from);
  }

  private void element() {
    int from = in.position();
    Span indexAt = null;
    long index = elements.size();
    in.enterObject();
    while (in.nextMember()) {
      Kind kind = in.peek();
      if (kind == Kind.ARRAY && in.nameIs(EMBEDDING)) {
        in.skipNumbers();
      } else if (kind == Kind.NUMBER && in.nameIs(INDEX)) {
        int at = in.position();
        in.readNumber();
        wrong |= !in.isInteger() || indexAt != null;
        indexAt = new Span(at, in.position() - at);
        index = in.integer();
      } else {
        in.skipValue();
      }
    }
    elements.add(new Element(new Span(from, in.position() - from), indexAt, index));
  }

  /** The integers, those of details too. */
  private void usage() {
    in.enterObject();
    while (in.nextMember()) {
      Kind kind = in.peek();
      if (kind == Kind.OBJECT) {
        usage();
      } else if (kind == Kind.NUMBER) {
        int at = in.position();
        in.readNumber();
        if (in.isInteger() && in.integer() >= 0 && in.integer() <= Integer.MAX_VALUE) {
          counts.add(new Count(new Span(at, in.position() - at), in.integer()));
        }
      } else {
        in.skipValue();
      }
    }
  }

  /** Whether there is exactly one for each input. */
  private boolean order(Element[] ordered) {
    if (elements.size() != ordered.length) {
      return false;
    }
    for (Element each : elements) {
      if (each.index() < 0
          || each.index() >= ordered.length
          || ordered[(int) each.index()] != null) {
        return false;
      }
      ordered[(int) each.index()] = each;
    }
    return true;
  }

  private Spliced lane(int lane, Element[] ordered, int first, int end, List<long[]> shares) {
    List<Slice> out = new ArrayList<>(4 * (end - first) + 2 * counts.size() + 2);
    Span all = data == null ? new Span(0, 0) : data;
    int done = 0;
    boolean dataDone = false;
    for (int i = 0; i <= counts.size(); i++) {
      boolean last = i == counts.size();
      if (!dataDone && (last || counts.get(i).at().offset() > all.offset())) {
        keep(out, done, all.offset() + 1);
        elements(out, ordered, first, end);
        done = all.end() - 1;
        dataDone = true;
      }
      if (!last) {
        Span at = counts.get(i).at();
        keep(out, done, at.offset());
        add(out, number(shares.get(i)[lane]));
        done = at.end();
      }
    }
    keep(out, done, answer.length);
    return new Spliced(out);
  }

  private void elements(List<Slice> out, Element[] ordered, int first, int end) {
    for (int i = first; i < end; i++) {
      if (i > first) {
        add(out, COMMA);
      }
      Element each = ordered[i];
      if (each.indexAt() == null) {
        keep(out, each.at().offset(), each.at().end());
      } else {
        keep(out, each.at().offset(), each.indexAt().offset());
        add(out, number(i - first));
        keep(out, each.indexAt().end(), each.at().end());
      }
    }
  }

  private static byte[] number(long value) {
    return JsonText.ascii(Long.toString(value));
  }

  private static void add(List<Slice> out, byte[] bytes) {
    out.add(Slice.of(bytes));
  }

  private void keep(List<Slice> out, int from, int to) {
    if (from < to) {
      out.add(new Slice(answer, from, to - from));
    }
  }
}
