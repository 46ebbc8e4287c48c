package io.penstock.sim;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;

/** Which tool a chat request makes the engine call, if any. */
final class Tools {
  private Tools() {}

  static Optional<JsonNode> called(ObjectNode body) {
    JsonNode tools = body.path("tools");
    for (int i = 0; i < tools.size(); i++) {
      if (!tools.get(i).path("function").path("name").isTextual()) {
        throw Rejection.invalid(
            "tools[" + i + "].function.name", Json.kind(tools.get(i)), "a function's name");
      }
    }
    JsonNode choice = body.path("tool_choice");
    if (choice.isObject()) {
      String name = choice.path("function").path("name").asText();
      return Optional.of(
          named(tools, name)
              .orElseThrow(
                  () -> Rejection.invalid("tool_choice", "'" + name + "'", "one of tools")));
    }
    return switch (choice.asText("auto")) {
      case "none" -> Optional.empty();
      case "required" -> {
        if (tools.isEmpty()) {
          throw Rejection.invalid("tool_choice", "required", "tools beside it");
        }
        yield Optional.of(tools.get(0));
      }
      default -> mentioned(tools, body.path("messages"));
    };
  }

  private static Optional<JsonNode> named(JsonNode tools, String name) {
    for (JsonNode tool : tools) {
      if (tool.path("function").path("name").asText().equals(name)) {
        return Optional.of(tool);
      }
    }
    return Optional.empty();
  }

  private static Optional<JsonNode> mentioned(JsonNode tools, JsonNode messages) {
    JsonNode last = messages.path(messages.size() - 1);
    if (!last.path("role").asText().equals("user")) {
      return Optional.empty();
    }
    String content = last.path("content").toString();
    for (JsonNode tool : tools) {
      if (content.contains(tool.path("function").path("name").asText())) {
        return Optional.of(tool);
      }
    }
    return Optional.empty();
  }
}
