package io.penstock.admin;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a body that an operator has sent, each with its own check. Pure: a mistake is
 * thrown as {@link Mistake}.
 */
final class Fields {
  private static final int SHOWN_MAX = 80;

  /** What is wrong with a body. */
  static final class Mistake extends RuntimeException {
    private final String param;

    Mistake(String param, String message) {
      super(message, null, false, false);
      this.param = param;
    }

    /** The field at fault. */
    String param() {
      return param;
    }
  }

  private final JsonObject json;
  private final String at;

  private Fields(JsonObject json, String at) {
    this.json = json;
    this.at = at;
  }

  /** The fields of a body that may have no others than these. */
  static Fields of(JsonObject json, String... known) {
    return of(json, "", known);
  }

  private static Fields of(JsonObject json, String at, String... known) {
    for (String name : json.fieldNames()) {
      if (!List.of(known).contains(name)) {
        throw new Mistake(
            at + name,
            at + name + ": unknown field (expected: one of " + String.join(", ", known) + ")");
      }
    }
    return new Fields(json, at);
  }

  /** A text; {@code fallback} where it is not there. */
  String text(String name, String fallback, Predicate<String> check, String expected) {
    Object value = json.getValue(name);
    if (value == null) {
      if (!json.containsKey(name) && check.test(fallback)) {
        return fallback;
      }
      throw wrong(name, value, expected);
    }
    if (value instanceof String text && check.test(text)) {
      return text;
    }
    throw wrong(name, value, expected);
  }

  /** A whole number; {@code fallback} where it is not there. */
  long number(String name, long fallback, long min, long max) {
    Object value = json.getValue(name);
    if (value == null && !json.containsKey(name)) {
      return fallback;
    }
    if ((value instanceof Integer || value instanceof Long)
        && ((Number) value).longValue() >= min
        && ((Number) value).longValue() <= max) {
      return ((Number) value).longValue();
    }
    throw wrong(name, value, "integer from " + min + " to " + max);
  }

  /** A number; {@code fallback} where it is not there. */
  double real(String name, double fallback, double min, double max) {
    Object value = json.getValue(name);
    if (value == null && !json.containsKey(name)) {
      return fallback;
    }
    if (value instanceof Number number
        && number.doubleValue() >= min
        && number.doubleValue() <= max) {
      return number.doubleValue();
    }
    throw wrong(name, value, "number from " + min + " to " + max);
  }

  /** Texts; none where they are not there. */
  List<String> texts(String name, Predicate<String> check, String expected) {
    List<String> texts = new ArrayList<>();
    JsonArray array = array(name);
    for (int i = 0; i < array.size(); i++) {
      if (!(array.getValue(i) instanceof String text) || !check.test(text)) {
        throw wrong(name + "[" + i + "]", array.getValue(i), expected);
      }
      texts.add(text);
    }
    return texts;
  }

  /** The fields of an object below this one; of an empty one where it is not there. */
  Fields object(String name, String... known) {
    Object value = json.getValue(name);
    if (value == null && !json.containsKey(name)) {
      return new Fields(new JsonObject(), at + name + ".");
    }
    if (value instanceof JsonObject object) {
      return of(object, at + name + ".", known);
    }
    throw wrong(name, value, "object");
  }

  /** The fields of each object of an array. */
  List<Fields> objects(String name, String... known) {
    List<Fields> all = new ArrayList<>();
    JsonArray array = array(name);
    for (int i = 0; i < array.size(); i++) {
      if (!(array.getValue(i) instanceof JsonObject object)) {
        throw wrong(name + "[" + i + "]", array.getValue(i), "object");
      }
      all.add(of(object, at + name + "[" + i + "].", known));
    }
    return all;
  }

  private JsonArray array(String name) {
    Object value = json.getValue(name);
    if (value == null && !json.containsKey(name)) {
      return new JsonArray();
    }
    if (value instanceof JsonArray array) {
      return array;
    }
    throw wrong(name, value, "array");
  }

  /** What was found at a field, and what was expected. */
  Mistake wrong(String name, @Nullable Object found, String expected) {
    String shown =
        found == null
            ? json.containsKey(name) ? "null" : "missing"
            : found instanceof String text ? "'" + text + "'" : String.valueOf(found);
    return new Mistake(
        at + name,
        at
            + name
            + ": "
            + (shown.length() > SHOWN_MAX ? shown.substring(0, SHOWN_MAX) + "…" : shown)
            + " (expected: "
            + expected
            + ")");
  }
}
