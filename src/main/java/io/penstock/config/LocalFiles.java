package io.penstock.config;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Files that the configuration names and the node will read: there, readable, and of the kind. */
final class LocalFiles {
  private static final int LOOKED_AT_MAX = 1 << 20;

  private final Machine machine;
  private final List<Advice> advice;

  LocalFiles(Machine machine, List<Advice> advice) {
    this.machine = machine;
    this.advice = advice;
  }

  /** Checks the file that a key names. */
  void check(Section key) {
    check(key, "", "a readable file");
  }

  /** Checks the PEM file that a key names, for a part whose label ends like this. */
  void checkPem(Section key, String label) {
    check(key, label + "-----", "a readable PEM file with a " + label);
  }

  private void check(Section key, String content, String expected) {
    if (!key.tree().isTextual() || key.tree().textValue().isBlank() || has(key, content)) {
      return;
    }
    switch (machine) {
      case THIS -> key.expected(expected);
      case ANOTHER ->
          advice.add(
              new Advice(
                  key.at().text(),
                  key.found() + " can not be read here; the node needs " + expected + " to start"));
    }
  }

  /** The file that a key names; empty when no file could have such a name. */
  static Optional<Path> named(Section key) {
    try {
      return Optional.of(key.directory().resolve(key.tree().asText()));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private static boolean has(Section key, String content) {
    return named(key).filter(file -> has(file, content)).isPresent();
  }

  private static boolean has(Path file, String content) {
    if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
      return false;
    }
    if (content.isEmpty()) {
      return true;
    }
    try (var in = Files.newInputStream(file)) {
      String head = new String(in.readNBytes(LOOKED_AT_MAX), StandardCharsets.US_ASCII);
      return head.contains(content);
    } catch (IOException e) {
      return false;
    }
  }
}
