package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.math.BigDecimal;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Puts the environment into the strings of a tree, as a POSIX shell would: <code>${NAME}</code>,
 * and <code>${NAME:-default}</code> for a variable that is unset or empty; <code>$${</code> is a
 * literal <code>${</code>. Keys stay as they are, and a default is text: it names no variable.
 */
final class Environment {
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
  private static final String OPEN = "${";
  private static final int DIGITS_MAX = 100;

  private final Function<String, Optional<String>> variables;

  Environment(Function<String, Optional<String>> variables) {
    this.variables = variables;
  }

  /** The section with its placeholders resolved; those that can not be are mistakes, and stay. */
  Section into(Section section) {
    Map<KeyPath, String> placeholders = new HashMap<>();
    JsonNode tree = resolve(section, placeholders);
    return new Section(
        tree,
        section.at(),
        section.file(),
        section.directory(),
        Map.copyOf(placeholders),
        section.mistakes());
  }

  private JsonNode resolve(Section here, Map<KeyPath, String> placeholders) {
    JsonNode value = here.tree();
    if (value.isObject()) {
      ObjectNode object = JsonNodeFactory.instance.objectNode();
      value
          .properties()
          .forEach(e -> object.set(e.getKey(), resolve(here.sub(e.getKey()), placeholders)));
      return object;
    }
    if (value.isArray()) {
      ArrayNode array = JsonNodeFactory.instance.arrayNode(value.size());
      for (int i = 0; i < value.size(); i++) {
        array.add(resolve(here.sub(i), placeholders));
      }
      return array;
    }
    if (value.isTextual() && value.textValue().contains(OPEN)) {
      placeholders.put(here.at(), value.textValue());
      return TextNode.valueOf(resolve(value.textValue(), here));
    }
    if (value.isBigDecimal() && !isHandy(value.decimalValue())) {
      here.expected("a number of an ordinary size");
      return IntNode.valueOf(0);
    }
    return value;
  }

  /** Written out, 1e999999999 fills the memory, and comparing it with a bound writes it out. */
  static boolean isHandy(BigDecimal number) {
    return Math.abs(number.scale()) <= DIGITS_MAX && number.precision() <= DIGITS_MAX;
  }

  private String resolve(String text, Section here) {
    StringBuilder out = new StringBuilder(text.length());
    int from = 0;
    for (int open = text.indexOf(OPEN); open >= 0; open = text.indexOf(OPEN, from)) {
      if (open > from && text.charAt(open - 1) == '$') {
        out.append(text, from, open - 1).append(OPEN);
        from = open + OPEN.length();
        continue;
      }
      int close = text.indexOf('}', open);
      if (close < 0) {
        here.expected("${NAME} or ${NAME:-default}, or $${ for a literal ${");
        return text;
      }
      Optional<String> value = valueOf(text.substring(open + OPEN.length(), close), here);
      if (value.isEmpty()) {
        return text;
      }
      out.append(text, from, open).append(value.get());
      from = close + 1;
    }
    return out.append(text, from, text.length()).toString();
  }

  /** The value of what stands between the braces; empty after a mistake. */
  private Optional<String> valueOf(String reference, Section here) {
    int split = reference.indexOf(":-");
    String name = split < 0 ? reference : reference.substring(0, split);
    if (!NAME.matcher(name).matches() || reference.contains(OPEN)) {
      here.expected("${NAME} or ${NAME:-default}, or $${ for a literal ${");
      return Optional.empty();
    }
    Optional<String> value = variables.apply(name);
    if (split >= 0) {
      return Optional.of(value.filter(v -> !v.isEmpty()).orElse(reference.substring(split + 2)));
    }
    if (value.isEmpty()) {
      here.expected(name + " in the environment, or a default: ${" + name + ":-default}");
    }
    return value;
  }
}
