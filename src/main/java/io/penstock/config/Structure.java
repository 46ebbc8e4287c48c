package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DecimalNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonNodePath;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Checks a section against its JSON Schema, and says what the validator found in our words. */
final class Structure {
  private static final String BASE = "resource:/penstock/";
  private static final JsonSchemaFactory FACTORY =
      JsonSchemaFactory.getInstance(
          SpecVersion.VersionFlag.V202012,
          builder ->
              builder.schemaLoaders(
                  loaders ->
                      loaders.schemas(
                          Map.of(
                              BASE + SchemaNode.NODE.document(),
                              SchemaNode.NODE.json().toString(),
                              BASE + SchemaNode.FLEET.document(),
                              SchemaNode.FLEET.json().toString(),
                              BASE + SchemaNode.TENANTS.document(),
                              SchemaNode.TENANTS.json().toString()))));

  static final Structure NODE = new Structure(SchemaNode.NODE);
  static final Structure FLEET = new Structure(SchemaNode.FLEET);
  static final Structure TENANTS = new Structure(SchemaNode.TENANTS);

  /** Where each key that any section knows belongs: {@code ingress.max_body_bytes}. */
  private static final Map<String, List<String>> PLACES = places();

  private final JsonSchema schema;

  private Structure(SchemaNode root) {
    schema =
        FACTORY.getSchema(
            SchemaLocation.of(BASE + root.document()), SchemaValidatorsConfig.builder().build());
  }

  /** Adds what is wrong to the section's mistakes. Turns text from the environment into numbers. */
  void check(Section section) {
    Set<ValidationMessage> messages = schema.validate(section.tree());
    if (coerce(section, messages)) {
      messages = schema.validate(section.tree());
    }
    messages.forEach(message -> report(section, message));
  }

  private static boolean coerce(Section section, Set<ValidationMessage> messages) {
    boolean changed = false;
    for (ValidationMessage message : messages) {
      KeyPath at = KeyPath.of(section.at(), message.getInstanceLocation());
      if (message.getType().equals("type") && section.placeholders().containsKey(at)) {
        Optional<JsonNode> value = coerced(message.getInstanceNode(), schemaOf(message).types());
        value.ifPresent(v -> put(section.tree(), message.getInstanceLocation(), v));
        changed |= value.isPresent();
      }
    }
    return changed;
  }

  private static Optional<JsonNode> coerced(JsonNode found, Set<String> types) {
    String text = found.textValue();
    if (text == null) {
      return Optional.empty();
    }
    if (types.contains("boolean")) {
      return text.equals("true") || text.equals("false")
          ? Optional.of(BooleanNode.valueOf(text.equals("true")))
          : Optional.empty();
    }
    if (types.contains("integer") || types.contains("number")) {
      return number(text);
    }
    return Optional.empty();
  }

  private static Optional<JsonNode> number(String text) {
    try {
      BigDecimal number = new BigDecimal(text.strip());
      if (!Environment.isHandy(number)) {
        return Optional.empty();
      }
      boolean isLong = number.scale() == 0 && number.precision() <= 18;
      return Optional.of(
          isLong
              ? JsonNodeFactory.instance.numberNode(number.longValueExact())
              : DecimalNode.valueOf(number));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  private static void put(JsonNode tree, JsonNodePath at, JsonNode value) {
    JsonNode parent = tree;
    int last = at.getNameCount() - 1;
    for (int i = 0; i < last; i++) {
      parent =
          at.getElement(i) instanceof Integer index
              ? parent.path(index)
              : parent.path(at.getName(i));
    }
    if (parent instanceof ObjectNode object) {
      object.set(at.getName(last), value);
    } else if (parent instanceof ArrayNode array && at.getElement(last) instanceof Integer index) {
      array.set(index, value);
    }
  }

  private static void report(Section section, ValidationMessage message) {
    Section here = at(section, message.getInstanceLocation());
    SchemaNode allowed = schemaOf(message);
    switch (message.getType()) {
      case "required" -> {
        String key = message.getProperty();
        here.sub(key).expected(allowed.property(key).inWords());
      }
      case "additionalProperties" -> unknown(here.sub(message.getProperty()), message, allowed);
      case "minProperties", "maxProperties" -> {
        String found = here.tree().isEmpty() ? "{}" : keysOf(here.tree());
        here.expected(found, "exactly one of " + join(allowed.keys()));
      }
      default -> here.expected(allowed.inWords());
    }
  }

  private static void unknown(Section here, ValidationMessage message, SchemaNode allowed) {
    String key = message.getProperty();
    Optional<String> meant = Spelling.nearest(key, allowed.keys()).or(() -> elsewhere(here, key));
    List<String> known = shown(allowed);
    here.remedy(
        "unknown key",
        meant
            .map(m -> "did you mean " + m + "?")
            .orElse("expected: " + (known.size() > 1 ? "one of " : "only ") + join(known)));
  }

  /** The only place that has such a key, if it is another one. */
  private static Optional<String> elsewhere(Section here, String key) {
    List<String> places = PLACES.getOrDefault(key, List.of());
    return places.size() == 1 && !places.get(0).equals(here.at().text())
        ? Optional.of(places.get(0))
        : Optional.empty();
  }

  private static String join(List<String> words) {
    return String.join(", ", words);
  }

  private static List<String> shown(SchemaNode schema) {
    return schema.keys().stream().filter(k -> !k.startsWith("$")).toList();
  }

  private static String keysOf(JsonNode object) {
    List<String> keys = new ArrayList<>();
    object.fieldNames().forEachRemaining(keys::add);
    return join(keys);
  }

  private static Section at(Section section, JsonNodePath path) {
    Section here = section;
    for (int i = 0; i < path.getNameCount(); i++) {
      here =
          path.getElement(i) instanceof Integer index ? here.sub(index) : here.sub(path.getName(i));
    }
    return here;
  }

  private static SchemaNode schemaOf(ValidationMessage message) {
    SchemaLocation location = message.getSchemaLocation();
    String iri = location.getAbsoluteIri().toString();
    return SchemaNode.holding(iri.substring(BASE.length()), location.getFragment());
  }

  private static Map<String, List<String>> places() {
    Map<String, List<String>> places = new HashMap<>();
    collect(SchemaNode.NODE, "", places);
    collect(SchemaNode.FLEET, "fleet", places);
    collect(SchemaNode.TENANTS, "tenants", places);
    return places;
  }

  private static void collect(SchemaNode schema, String at, Map<String, List<String>> places) {
    SchemaNode target = schema.target();
    for (String key : target.keys()) {
      String path = at.isEmpty() ? key : at + "." + key;
      places.computeIfAbsent(key, k -> new ArrayList<>()).add(path);
      collect(target.property(key), path, places);
    }
    Stream.of(target.items())
        .filter(items -> items.json().isObject())
        .forEach(items -> collect(items, at + "[]", places));
  }
}
