package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Map;

/**
 * A tree under check, and what is needed to speak about it.
 *
 * @param tree the values; missing when there are none
 * @param at where the tree stands in its file
 * @param file as in {@link Mistake#file()}
 * @param directory what relative paths in it start from
 * @param placeholders texts as written, by key, where they named the environment
 */
record Section(
    JsonNode tree,
    KeyPath at,
    String file,
    Path directory,
    Map<KeyPath, String> placeholders,
    Mistakes mistakes) {
  private static final int SHOWN_MAX = 80;

  /** The subtree under a key of this one. */
  Section sub(String key) {
    return new Section(tree.path(key), at.key(key), file, directory, placeholders, mistakes);
  }

  /** The subtree at an index of this one. */
  Section sub(int index) {
    return new Section(tree.path(index), at.index(index), file, directory, placeholders, mistakes);
  }

  /** Reports what stands here. */
  void expected(String expected) {
    expected(found(), expected);
  }

  void expected(String found, String expected) {
    remedy(found, "expected: " + expected);
  }

  void remedy(String found, String remedy) {
    mistakes.add(new Mistake(file, at.text(), found, remedy));
  }

  /** What stands here, as a user would recognise it; never a secret. */
  String found() {
    if (tree.isMissingNode()) {
      return "missing";
    }
    String raw = placeholders.get(at);
    if (at.endsWith("engine_api_key")
        || at.endsWith("secret")
        || at.endsWith("redis_url")
        || at.text().equals("admin.key")) {
      return raw == null ? "***" : "*** from \"" + raw + '"';
    }
    String value = shown(tree);
    return raw == null || value.equals('"' + raw + '"') ? value : value + " from \"" + raw + '"';
  }

  private static String shown(JsonNode value) {
    if (value.isObject()) {
      return value.isEmpty() ? "{}" : "an object";
    }
    if (value.isArray()) {
      for (JsonNode each : value) {
        if (each.isContainerNode()) {
          return "an array";
        }
      }
    }
    String text = value.toString();
    return text.length() <= SHOWN_MAX ? text : text.substring(0, SHOWN_MAX) + "…";
  }
}
