package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonNodePath;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * A place in one of the schemas of the jar, as far as their own keywords go: what may stand in the
 * place, in words, and with which defaults.
 *
 * @param document file name of the schema
 */
record SchemaNode(String document, JsonNode json) {
  static final SchemaNode NODE = root("node.schema.json");
  static final SchemaNode FLEET = root("fleet.schema.json");
  static final SchemaNode TENANTS = root("tenants.schema.json");
  private static final Map<String, SchemaNode> ROOTS =
      Map.of(NODE.document, NODE, FLEET.document, FLEET, TENANTS.document, TENANTS);

  private static SchemaNode root(String document) {
    try {
      return new SchemaNode(document, JsonFile.MAPPER.readTree(text(document)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The schema as it stands in the jar. */
  static String text(String document) {
    try (InputStream in = SchemaNode.class.getResourceAsStream(document)) {
      if (in == null) {
        throw new IllegalStateException(document + ": missing (expected: in the jar)");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The schema that holds the keyword at this location. */
  static SchemaNode holding(String document, JsonNodePath keyword) {
    JsonNode json = rootOf(document).json;
    for (int i = 0; i < keyword.getNameCount() - 1; i++) {
      json =
          keyword.getElement(i) instanceof Integer index
              ? json.path(index)
              : json.path(keyword.getName(i));
    }
    return new SchemaNode(document, json);
  }

  private static SchemaNode rootOf(String document) {
    SchemaNode root = ROOTS.get(document);
    if (root == null) {
      throw new IllegalStateException("schema: " + document + " (expected: " + ROOTS.keySet());
    }
    return root;
  }

  /** What {@code $ref} leads to, or this. */
  SchemaNode target() {
    String ref = json.path("$ref").asText();
    if (ref.isEmpty()) {
      return this;
    }
    int hash = ref.indexOf('#');
    String file = hash < 0 ? ref : ref.substring(0, hash);
    SchemaNode root = rootOf(file.isEmpty() ? document : file);
    return hash < 0 ? root : new SchemaNode(root.document, root.json.at(ref.substring(hash + 1)));
  }

  SchemaNode property(String key) {
    return new SchemaNode(document, json.path("properties").path(key));
  }

  SchemaNode items() {
    return new SchemaNode(document, json.path("items"));
  }

  /** The keys that it knows, in order. */
  List<String> keys() {
    List<String> keys = new ArrayList<>();
    json.path("properties").fieldNames().forEachRemaining(keys::add);
    return keys;
  }

  /** The types that it allows; empty when it names none. */
  Set<String> types() {
    JsonNode type = target().json.path("type");
    return type.isTextual()
        ? Set.of(type.textValue())
        : StreamSupport.stream(type.spliterator(), false)
            .map(JsonNode::textValue)
            .collect(Collectors.toUnmodifiableSet());
  }

  /** Puts in what was left out, wherever there is a default. */
  void fillDefaults(JsonNode value) {
    SchemaNode schema = target();
    if (value instanceof ObjectNode object) {
      for (String key : schema.keys()) {
        SchemaNode property = schema.property(key);
        JsonNode fallback = property.json.path("default");
        if (!object.has(key) && !fallback.isMissingNode()) {
          object.set(key, fallback.deepCopy());
        }
        property.fillDefaults(object.path(key));
      }
    } else if (value.isArray()) {
      value.forEach(schema.items()::fillDefaults);
    }
  }

  /** What may stand here: {@code integer from 1 to 65535}. */
  String inWords() {
    JsonNode schema = target().json;
    if (schema.has("enum")) {
      return "one of " + joined(schema.path("enum"));
    }
    if (schema.has("pattern")) {
      return schema.path("title").asText();
    }
    JsonNode type = schema.path("type");
    if (type.isArray()) {
      return "array, or object with exactly one of " + String.join(", ", target().keys());
    }
    return switch (type.asText()) {
      case "integer", "number" -> type.asText() + range(schema);
      case "boolean" -> "true or false";
      case "array" -> "array" + items(schema);
      default -> type.asText();
    };
  }

  private static String range(JsonNode schema) {
    JsonNode min = schema.path("minimum");
    JsonNode max = schema.path("maximum");
    if (min.isMissingNode()) {
      return max.isMissingNode() ? "" : " <= " + max;
    }
    return max.isMissingNode() ? " >= " + min : " from " + min + " to " + max;
  }

  private static String items(JsonNode schema) {
    int min = schema.path("minItems").asInt();
    String size = min > 0 ? " of at least " + min : "";
    if (schema.has("maxItems")) {
      size = " of " + min + " to " + schema.path("maxItems");
    }
    return size + (schema.path("uniqueItems").asBoolean() ? " without repetition" : "");
  }

  private static String joined(JsonNode values) {
    return StreamSupport.stream(values.spliterator(), false)
        .map(JsonNode::asText)
        .collect(Collectors.joining(", "));
  }
}
