package io.penstock.ingress;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The words in an engine's error body, for our own error message. Bounded, and without addresses,
 * keys and stack traces, which are nobody's business outside. A rare path.
 */
final class EngineMessage {
  private static final int MAX_CHARS = 500;
  private static final Pattern MESSAGE =
      Pattern.compile("\"(?:message|detail|error)\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.){1,500})");

  private static final Pattern ADDRESS =
      Pattern.compile("https?://[^\\s\"')]+|\\b\\d{1,3}(?:\\.\\d{1,3}){3}(?::\\d+)?\\b");
  private static final Pattern KEY = Pattern.compile("\\b(?:sk|hf)[-_][A-Za-z0-9_-]{4,}");

  private EngineMessage() {}

  static Optional<String> of(byte[] body) {
    String text =
        new String(body, 0, Math.min(body.length, 8 * MAX_CHARS), StandardCharsets.UTF_8).strip();
    if (text.isEmpty() || text.startsWith("<")) {
      return Optional.empty();
    }
    Matcher found = MESSAGE.matcher(text);
    String message = found.find() ? found.group(1).replace("\\\"", "\"").replace("\\n", " ") : text;
    if (message.contains("Traceback (most recent call last)")) {
      return Optional.empty();
    }
    message = KEY.matcher(ADDRESS.matcher(message).replaceAll("(address)")).replaceAll("(key)");
    return Optional.of(
        message.length() > MAX_CHARS ? message.substring(0, MAX_CHARS) + "…" : message);
  }
}
