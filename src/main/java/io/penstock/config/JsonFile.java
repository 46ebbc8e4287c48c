package io.penstock.config;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** Strict JSON from a file: no comments, no key twice, nothing behind the end. */
final class JsonFile {
  /** Far beyond any fleet; a mistyped name of a log or a model is not read into memory. */
  private static final long BYTES_MAX = 16L << 20;

  static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build();

  private JsonFile() {}

  /**
   * The tree of a file, or a mistake.
   *
   * @param label the file's name in mistakes, as in {@link Mistake#file()}
   */
  static Optional<JsonNode> read(Path file, String label, Mistakes mistakes) {
    String name = label.isEmpty() ? file.toString() : label;
    try {
      if (Files.isDirectory(file)) {
        mistakes.add(new Mistake(name, "", "a directory", "expected: a JSON file"));
        return Optional.empty();
      }
      long bytes = Files.size(file);
      if (bytes > BYTES_MAX) {
        mistakes.add(
            new Mistake(name, "", bytes + " bytes", "expected: at most " + BYTES_MAX + " bytes"));
        return Optional.empty();
      }
      JsonNode tree = MAPPER.readTree(Files.readAllBytes(file));
      if (!tree.isObject()) {
        String found = tree.isMissingNode() ? "an empty file" : tree.getNodeType().toString();
        mistakes.add(
            new Mistake(name, "", found.toLowerCase(Locale.ROOT), "expected: a JSON object"));
        return Optional.empty();
      }
      return Optional.of(tree);
    } catch (JsonProcessingException e) {
      mistakes.add(syntax(name, e));
    } catch (NoSuchFileException e) {
      mistakes.add(new Mistake(name, "", "no such file", "expected: a JSON file"));
    } catch (IOException e) {
      mistakes.add(
          new Mistake(
              name, "", "can not be read: " + e.getMessage(), "expected: a readable JSON file"));
    }
    return Optional.empty();
  }

  private static Mistake syntax(String name, JsonProcessingException e) {
    JsonLocation where = e.getLocation();
    String place =
        where == null ? "" : "line " + where.getLineNr() + ", column " + where.getColumnNr();
    return new Mistake(name, place, inWords(e.getOriginalMessage()), "expected: JSON");
  }

  /** The parser's words without what is meant for programmers. */
  private static String inWords(String message) {
    if (message.startsWith("Trailing token")) {
      return "text after the end of the object";
    }
    String words = message.lines().findFirst().orElse(message);
    for (String aside : new String[] {" (start marker at", " (not recognized as one"}) {
      int start = words.indexOf(aside);
      words = start < 0 ? words : words.substring(0, start);
    }
    return words.replaceAll(" \\(code \\d+\\)", "");
  }
}
