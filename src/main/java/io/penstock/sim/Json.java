package io.penstock.sim;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** JSON in and out of this room. */
final class Json {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .disable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .build();

  private Json() {}

  /** The object in these bytes, or an {@code invalid_json} rejection that says where it breaks. */
  static ObjectNode object(byte[] bytes) {
    JsonNode node;
    try {
      node = MAPPER.readTree(bytes);
    } catch (JsonProcessingException e) {
      throw Rejection.badRequest(
          null,
          "invalid_json",
          "body: not JSON at line "
              + (e.getLocation() == null ? 1 : e.getLocation().getLineNr())
              + ": "
              + e.getOriginalMessage());
    } catch (IOException e) {
      throw Rejection.badRequest(null, "invalid_json", "body: not JSON: " + e.getMessage());
    }
    if (node instanceof ObjectNode object) {
      return object;
    }
    throw Rejection.badRequest(
        null, "invalid_json", "body: " + kind(node) + " (expected: a JSON object)");
  }

  static ObjectNode newObject() {
    return MAPPER.createObjectNode();
  }

  static byte[] bytes(JsonNode node) {
    try {
      return MAPPER.writeValueAsBytes(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a JSON tree that can not be written", e);
    }
  }

  static byte[] error(String message, String type, @Nullable String param, @Nullable String code) {
    ObjectNode root = newObject();
    root.putObject("error")
        .put("message", message)
        .put("type", type)
        .put("param", param)
        .put("code", code);
    return bytes(root);
  }

  /** What a value is, for messages. */
  static String kind(@Nullable JsonNode node) {
    return node == null || node.isMissingNode()
        ? "nothing"
        : node.isNull() ? "null" : node.getNodeType().name().toLowerCase(Locale.ROOT);
  }
}
