package io.penstock.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Configurations from text, for tests; ' stands for ". */
final class Trees {
  private Trees() {}

  static JsonNode tree(String json) {
    try {
      return JsonFile.MAPPER.readTree(json.replace('\'', '"'));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(json, e);
    }
  }

  static Loaded load(String json) {
    return load(json, Map.of());
  }

  static Loaded load(String json, Map<String, String> variables) {
    return load(tree(json), variables);
  }

  static Loaded load(JsonNode tree, Map<String, String> variables) {
    return ConfigLoader.load(
        tree, Path.of("").toAbsolutePath(), name -> Optional.ofNullable(variables.get(name)));
  }

  static Loaded.Ok ok(Loaded loaded) {
    return loaded.fold(
        ok -> ok,
        failed -> {
          throw new AssertionError(failed.mistakes());
        });
  }

  static NodeConfig config(String json) {
    return ok(load(json)).config();
  }
}
