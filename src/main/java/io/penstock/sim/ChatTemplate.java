package io.penstock.sim;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Renders messages as one text, the way chat templates do: a role line, the content, a line end.
 * The next turn's rendering begins with this turn's, so prefix caching works across turns.
 */
final class ChatTemplate {
  private static final String ASSISTANT = "assistant";

  private ChatTemplate() {}

  /**
   * The prompt's text.
   *
   * @param continues leave the last message open, for the answer to go on with
   * @param opens begin an assistant message, unless {@code continues}
   */
  static String render(JsonNode messages, boolean continues, boolean opens) {
    if (!messages.isArray() || messages.isEmpty()) {
      throw Rejection.invalid(
          "messages",
          messages.isArray() ? "[]" : Json.kind(messages),
          "an array of at least one message");
    }
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < messages.size(); i++) {
      boolean last = i == messages.size() - 1;
      message(messages.get(i), "messages[" + i + "]", text);
      if (!(last && continues)) {
        text.append('\n');
      }
    }
    String lastRole = messages.get(messages.size() - 1).path("role").asText();
    if (continues && !lastRole.equals(ASSISTANT)) {
      throw Rejection.invalid(
          "continue_final_message",
          "last message of role " + lastRole,
          "an assistant message last");
    }
    if (opens && !continues) {
      role(ASSISTANT, text);
    }
    return text.toString();
  }

  private static void message(JsonNode message, String path, StringBuilder text) {
    JsonNode role = message.path("role");
    if (!role.isTextual()) {
      throw Rejection.invalid(path + ".role", Json.kind(role), "a string");
    }
    role(role.asText(), text);
    JsonNode content = message.path("content");
    if (content.isTextual()) {
      text.append(content.asText());
    } else if (content.isArray()) {
      content.forEach(part -> part(part, text));
    } else if (!content.isMissingNode() && !content.isNull()) {
      throw Rejection.invalid(
          path + ".content", Json.kind(content), "a string or an array of parts");
    }
    if (message.path("tool_calls").size() > 0) {
      text.append(message.get("tool_calls"));
    }
  }

  private static void part(JsonNode part, StringBuilder text) {
    if (part.path("text").isTextual()) {
      text.append(part.get("text").asText());
    } else {
      text.append("<|").append(part).append("|>");
    }
  }

  private static void role(String role, StringBuilder text) {
    text.append("<|").append(role).append("|>\n");
  }
}
