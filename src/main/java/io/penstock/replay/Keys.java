package io.penstock.replay;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** The keys of one object of a fleet file; what is wrong with them is added to a list. */
final class Keys {
  private final JsonNode json;
  private final String path;
  private final List<String> mistakes;
  private final int before;

  Keys(JsonNode json, String path, List<String> mistakes) {
    this.json = json;
    this.path = path;
    this.mistakes = mistakes;
    this.before = mistakes.size();
    if (!json.isObject()) {
      add(path, inWords(json), "an object");
    }
  }

  /** Whether nothing was wrong with this object so far. */
  boolean isSound() {
    return mistakes.size() == before;
  }

  boolean has(String key) {
    return json.has(key);
  }

  /** Any other key is a mistake. */
  void allow(String... keys) {
    List<String> known = Arrays.asList(keys);
    Iterator<String> names = json.fieldNames();
    while (names.hasNext()) {
      String name = names.next();
      if (!known.contains(name)) {
        tell(at(name), "unknown key", "one of " + String.join(", ", known));
      }
    }
  }

  void wrong(String key, String found, String expected) {
    tell(at(key), found, expected);
  }

  /** Of what is no object at all nothing else is told. */
  private void tell(String where, String found, String expected) {
    if (json.isObject()) {
      add(where, found, expected);
    }
  }

  private void add(String where, String found, String expected) {
    String name = where.isEmpty() ? "the file" : where;
    mistakes.add(name + ": " + found + " (expected: " + expected + ")");
  }

  private String at(String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  /** A text, or several lines of it, that nobody reads but people. */
  void comment() {
    JsonNode found = json.path("comment");
    boolean lines = found.isArray();
    for (JsonNode each : found) {
      lines &= each.isTextual();
    }
    if (!found.isMissingNode() && !found.isTextual() && !lines) {
      wrong("comment", inWords(found), "a text, or an array of texts");
    }
  }

  String text(String key, String fallback) {
    return optionalText(key).orElse(fallback);
  }

  Optional<String> optionalText(String key) {
    JsonNode found = json.path(key);
    if (found.isMissingNode()) {
      return Optional.empty();
    }
    if (!found.isTextual()) {
      wrong(key, inWords(found), "a text");
      return Optional.empty();
    }
    return Optional.of(found.textValue());
  }

  double number(String key, Optional<Double> fallback, double least, double most) {
    JsonNode found = json.path(key);
    String expected = "a number from " + plain(least) + " to " + plain(most);
    if (found.isMissingNode()) {
      if (fallback.isEmpty()) {
        wrong(key, "missing", expected);
      }
      return fallback.orElse(least);
    }
    double value = found.doubleValue();
    if (!found.isNumber() || !(value >= least && value <= most)) {
      wrong(key, inWords(found), expected);
      return least;
    }
    return value;
  }

  int whole(String key, Optional<Integer> fallback, int least, int most) {
    JsonNode found = json.path(key);
    String expected = "a whole number from " + least + " to " + most;
    if (found.isMissingNode()) {
      if (fallback.isEmpty()) {
        wrong(key, "missing", expected);
      }
      return fallback.orElse(least);
    }
    if (!found.canConvertToInt()
        || !found.canConvertToExactIntegral()
        || found.intValue() < least
        || found.intValue() > most) {
      wrong(key, inWords(found), expected);
      return least;
    }
    return found.intValue();
  }

  /** Each element of an array of objects. */
  void elements(String key, int least, int most, Consumer<Keys> each) {
    JsonNode found = json.path(key);
    if (found.isMissingNode() && least == 0) {
      return;
    }
    if (!found.isArray() || found.size() < least || found.size() > most) {
      String what = found.isArray() ? found.size() + " elements" : inWords(found);
      wrong(key, what, "an array of " + least + " to " + most + " objects");
      return;
    }
    for (int i = 0; i < found.size(); i++) {
      each.accept(new Keys(found.get(i), at(key) + "[" + i + "]", mistakes));
    }
  }

  /** Each value of an object of objects. */
  void members(String key, BiConsumer<String, Keys> each) {
    JsonNode found = json.path(key);
    if (found.isMissingNode()) {
      return;
    }
    if (!found.isObject()) {
      wrong(key, inWords(found), "an object");
      return;
    }
    for (Map.Entry<String, JsonNode> entry : found.properties()) {
      each.accept(
          entry.getKey(), new Keys(entry.getValue(), at(key) + "." + entry.getKey(), mistakes));
    }
  }

  private static String plain(double value) {
    return BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
  }

  private static String inWords(JsonNode found) {
    if (found.isMissingNode()) {
      return "missing";
    }
    if (found.isContainerNode()) {
      return found.isArray() ? "an array" : "an object";
    }
    String text = found.toString();
    return text.length() <= 60 ? text : text.substring(0, 60) + "…";
  }
}
