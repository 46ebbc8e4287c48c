package io.penstock.config;

import com.networknt.schema.JsonNodePath;
import java.util.regex.Pattern;

/**
 * A place in a configuration: {@code fleet.pools[0].replicas[1].url}; empty for the whole of it.
 */
record KeyPath(String text) {
  static final KeyPath ROOT = new KeyPath("");
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_$-]+");

  static KeyPath of(KeyPath base, JsonNodePath below) {
    KeyPath path = base;
    for (int i = 0; i < below.getNameCount(); i++) {
      Object element = below.getElement(i);
      path =
          element instanceof Integer index
              ? path.index(index)
              : path.key(String.valueOf(below.getName(i)));
    }
    return path;
  }

  KeyPath key(String key) {
    if (!PLAIN.matcher(key).matches()) {
      return new KeyPath(text + "[\"" + key + "\"]");
    }
    return new KeyPath(text.isEmpty() ? key : text + "." + key);
  }

  KeyPath index(int index) {
    return new KeyPath(text + "[" + index + "]");
  }

  boolean endsWith(String key) {
    return text.equals(key) || text.endsWith("." + key);
  }

  @Override
  public String toString() {
    return text;
  }
}
