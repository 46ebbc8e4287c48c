package io.penstock.sim;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.TreeSet;

/**
 * The least value that fits a JSON schema: its required properties, the first of each enumeration,
 * numbers at their lower bound.
 *
 * <p>Understands {@code const}, {@code enum}, {@code default}, {@code type}, {@code properties},
 * {@code required}, {@code items}, {@code minItems}, {@code minLength}, numeric bounds, common
 * {@code format}s, {@code anyOf}/{@code oneOf} (the first), {@code allOf} (merged) and {@code $ref}
 * inside the schema. Does not solve {@code pattern}, {@code not} or conditionals.
 */
final class MinimalJson {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final int DEPTH_MAX = 32;
  private static final int SIZE_MAX = 1024;

  private static final Map<String, String> FORMATS =
      Map.of(
          "date", "2026-01-01",
          "date-time", "2026-01-01T00:00:00Z",
          "time", "00:00:00Z",
          "email", "a@example.com",
          "uri", "https://example.com/",
          "uuid", "00000000-0000-4000-8000-000000000000",
          "ipv4", "192.0.2.1",
          "hostname", "example.com");

  private final JsonNode root;

  private MinimalJson(JsonNode root) {
    this.root = root;
  }

  /** A value for this schema; an empty or missing one gives an empty object. */
  static JsonNode of(JsonNode schema) {
    return new MinimalJson(schema).value(schema, 0);
  }

  private JsonNode value(JsonNode schema, int depth) {
    if (depth > DEPTH_MAX) {
      return NODES.nullNode();
    }
    if (schema.has("$ref")) {
      return value(resolve(schema.get("$ref").asText()), depth + 1);
    }
    if (schema.has("const")) {
      return schema.get("const");
    }
    if (schema.path("enum").size() > 0) {
      return schema.get("enum").get(0);
    }
    if (schema.has("default")) {
      return schema.get("default");
    }
    for (String choice : new String[] {"anyOf", "oneOf"}) {
      if (schema.path(choice).size() > 0) {
        return value(schema.get(choice).get(0), depth + 1);
      }
    }
    if (schema.path("allOf").size() > 0) {
      return value(merged(schema), depth + 1);
    }
    return typed(schema, depth);
  }

  private JsonNode resolve(String reference) {
    return reference.startsWith("#") ? root.at(reference.substring(1)) : NODES.objectNode();
  }

  private JsonNode merged(JsonNode schema) {
    ObjectNode merged = NODES.objectNode();
    ObjectNode properties = merged.putObject("properties");
    ArrayNode required = merged.putArray("required");
    for (JsonNode part : schema.get("allOf")) {
      JsonNode each = part.has("$ref") ? resolve(part.get("$ref").asText()) : part;
      each.properties().stream()
          .filter(field -> !merged.has(field.getKey()))
          .forEach(field -> merged.set(field.getKey(), field.getValue()));
      each.path("properties").properties().forEach(p -> properties.set(p.getKey(), p.getValue()));
      each.path("required").forEach(required::add);
    }
    schema.path("properties").properties().forEach(p -> properties.set(p.getKey(), p.getValue()));
    schema.path("required").forEach(required::add);
    return merged;
  }

  private JsonNode typed(JsonNode schema, int depth) {
    JsonNode type =
        schema.path("type").isArray() ? schema.get("type").path(0) : schema.path("type");
    return switch (type.asText(schema.has("items") ? "array" : "object")) {
      case "string" -> string(schema);
      case "integer" -> NODES.numberNode((long) Math.ceil(lowest(schema, 1)));
      case "number" -> number(schema);
      case "boolean" -> NODES.booleanNode(true);
      case "null" -> NODES.nullNode();
      case "array" -> array(schema, depth);
      default -> object(schema, depth);
    };
  }

  private static JsonNode string(JsonNode schema) {
    String text = FORMATS.getOrDefault(schema.path("format").asText(""), "word");
    int least = Math.min(SIZE_MAX, schema.path("minLength").asInt(0));
    int most = schema.path("maxLength").asInt(Integer.MAX_VALUE);
    String padded = text + "x".repeat(Math.max(0, least - text.length()));
    return NODES.textNode(padded.substring(0, Math.min(padded.length(), most)));
  }

  private static JsonNode number(JsonNode schema) {
    return NODES.numberNode(lowest(schema, 0.5));
  }

  private static double lowest(JsonNode schema, double step) {
    if (schema.has("minimum")) {
      return schema.get("minimum").asDouble();
    }
    if (schema.path("exclusiveMinimum").isNumber()) {
      return schema.get("exclusiveMinimum").asDouble() + step;
    }
    if (schema.path("exclusiveMaximum").isNumber()) {
      return Math.min(0, schema.get("exclusiveMaximum").asDouble() - step);
    }
    return Math.min(0, schema.path("maximum").asDouble(0));
  }

  private JsonNode array(JsonNode schema, int depth) {
    ArrayNode array = NODES.arrayNode();
    int least = Math.min(SIZE_MAX, schema.path("minItems").asInt(0));
    for (int i = 0; i < least; i++) {
      array.add(value(schema.path("items"), depth + 1));
    }
    return array;
  }

  private JsonNode object(JsonNode schema, int depth) {
    ObjectNode object = NODES.objectNode();
    TreeSet<String> required = new TreeSet<>();
    schema.path("required").forEach(name -> required.add(name.asText()));
    schema
        .path("properties")
        .properties()
        .forEach(
            property -> {
              if (required.remove(property.getKey())) {
                object.set(property.getKey(), value(property.getValue(), depth + 1));
              }
            });
    required.forEach(name -> object.put(name, "word"));
    return object;
  }
}
