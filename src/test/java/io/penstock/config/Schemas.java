package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** The keys that the schemas know, for tests. */
final class Schemas {
  private Schemas() {}

  /** Every key's path, from a node's root and without indexes. */
  static Stream<String> keys() {
    return properties().keySet().stream();
  }

  /** Every key's schema, by its path. */
  static Map<String, SchemaNode> properties() {
    Map<String, SchemaNode> all = new TreeMap<>();
    collect(SchemaNode.NODE, "", all);
    collect(SchemaNode.FLEET, "fleet.", all);
    collect(SchemaNode.TENANTS, "tenants.", all);
    return all;
  }

  /** The schema of the key at this path, which must be there. */
  static SchemaNode property(String path) {
    return Objects.requireNonNull(properties().get(path), path);
  }

  private static void collect(SchemaNode schema, String prefix, Map<String, SchemaNode> all) {
    SchemaNode target = schema.target();
    for (String key : target.keys()) {
      all.put(prefix + key, target.property(key));
      collect(target.property(key), prefix + key + ".", all);
    }
    if (target.items().json().isObject()) {
      collect(target.items(), prefix, all);
    }
  }

  static Stream<JsonNode> stream(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false);
  }
}
