package io.penstock.openai;

import io.penstock.openai.JsonCursor.Kind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads one JSON object of a completions stream in which several choices come: where each stands
 * and what has to be changed to make it the only one. Good until the next read.
 */
final class ChoiceJson {
  private static final byte[] ID = JsonText.ascii("id");
  private static final byte[] CHOICES = JsonText.ascii("choices");
  private static final byte[] INDEX = JsonText.ascii("index");
  private static final byte[] TEXT = JsonText.ascii("text");
  private static final byte[] FINISH_REASON = JsonText.ascii("finish_reason");

  /**
   * One of the choices.
   *
   * @param at the object
   * @param index 0 where it does not say
   * @param indexAt null where it does not say
   * @param text between the quotes, as it is escaped; null where there is none
   * @param finishAt the value, null or not; null where there is no such member
   * @param finish whether it says why it ended
   */
  record Choice(
      Span at,
      long index,
      @Nullable Span indexAt,
      @Nullable Span text,
      @Nullable Span finishAt,
      boolean finish) {
    /** Whether it has text. */
    boolean says() {
      return text != null && text.length() > 0;
    }
  }

  private final JsonCursor in = new JsonCursor(false);
  private final List<Choice> all = new ArrayList<>(1);
  private byte[] bytes = {};
  private Span object = new Span(0, 0);
  private @Nullable Span id;
  private @Nullable Span choices;
  private @Nullable Span usage;

  /**
   * Reads the object that fills a stretch.
   *
   * @param usageMember the member {@code usage} in it, with the comma that goes with it
   * @return whether it is one with choices whose members are of the kinds that they should be
   */
  boolean read(byte[] from, Span data, @Nullable Span usageMember) {
    bytes = from;
    object = data;
    usage = usageMember;
    id = null;
    choices = null;
    all.clear();
    if (in.reset(from, data.offset(), data.end()).peek() != Kind.OBJECT) {
      return false;
    }
    in.enterObject();
    boolean sound = true;
    while (in.nextMember()) {
      if (in.nameIs(ID)) {
        id = in.peek() == Kind.STRING ? value() : skip();
      } else if (in.nameIs(CHOICES) && in.peek() == Kind.ARRAY) {
        sound &= choices == null;
        choices();
      } else {
        in.skipValue();
      }
    }
    in.expectEnd();
    return sound && !in.failed() && choices != null;
  }

  private Span value() {
    in.peek();
    int from = in.position();
    in.skipValue();
    return new Span(from, in.position() - from);
  }

  private @Nullable Span skip() {
    in.skipValue();
    return null;
  }

  private void choices() {
    int from = in.position();
    in.enterArray();
    while (in.nextElement()) {
      if (in.peek() == Kind.OBJECT) {
        choice();
      } else {
        in.skipValue();
      }
    }
    choices = new Span(from, in.position() - from);
  }

  private void choice() {
    int from = in.position();
    long index = 0;
    Span indexAt = null;
    Span text = null;
    Span finishAt = null;
    boolean finish = false;
    in.enterObject();
    while (in.nextMember()) {
      Kind kind = in.peek();
      if (in.nameIs(INDEX)) {
        indexAt = value();
        index = kind == Kind.NUMBER && in.isInteger() ? in.integer() : -1;
      } else if (in.nameIs(TEXT) && kind == Kind.STRING) {
        in.readString();
        text = new Span(in.textStart(), in.textEnd() - in.textStart());
      } else if (in.nameIs(FINISH_REASON)) {
        finishAt = value();
        finish = kind != Kind.NULL;
      } else {
        in.skipValue();
      }
    }
    all.add(
        new Choice(new Span(from, in.position() - from), index, indexAt, text, finishAt, finish));
  }

  byte[] bytes() {
    return bytes;
  }

  /** In the order in which they stand. */
  List<Choice> all() {
    return all;
  }

  /** All of the object. */
  Span object() {
    return object;
  }

  /** With its quotes; null where it has none that is text. */
  @Nullable Span id() {
    return id;
  }

  /** The array, its brackets included. */
  Span choicesAt() {
    return choices == null ? new Span(0, 0) : choices;
  }

  /** With the comma that goes with it; null where there is none. */
  @Nullable Span usageMember() {
    return usage;
  }
}
