package io.penstock.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FingerprintTest {
  private static final String FLEET =
      "{'fallback_model_id': 'm', 'pools': [{'model_id': 'm', 'queue': {'max_requests': 9},"
          + " 'replicas': [{'url': 'http://h:1', 'weight': 2}, {'url': 'http://h:2'}]}]}";

  private static String hash(String fleet) {
    return Trees.config("{'fleet': " + fleet + "}").fleet().hash();
  }

  @Property(tries = 200)
  void isTheSameInAnyOrderOfKeysAndAnyLayout(@ForAll long seed) throws JsonProcessingException {
    JsonNode tree = Trees.tree(FLEET);
    JsonNode shuffled = shuffled(tree, new Random(seed));
    String laidOut = shuffled.toPrettyString();

    assertThat(hash(laidOut.replace('"', '\''))).isEqualTo(hash(FLEET));
  }

  private static JsonNode shuffled(JsonNode value, Random random) {
    if (value.isObject()) {
      List<String> keys = new ArrayList<>();
      value.fieldNames().forEachRemaining(keys::add);
      Collections.shuffle(keys, random);
      ObjectNode object = JsonNodeFactory.instance.objectNode();
      keys.forEach(key -> object.set(key, shuffled(value.get(key), random)));
      return object;
    }
    if (value.isArray()) {
      ArrayNode array = JsonNodeFactory.instance.arrayNode();
      value.forEach(each -> array.add(shuffled(each, random)));
      return array;
    }
    return value;
  }

  @Test
  void isTheSameWithADefaultWrittenOut() {
    assertThat(
            hash(FLEET.replace("'max_requests': 9", "'max_requests': 9, 'max_bytes': 1073741824")))
        .isEqualTo(hash(FLEET));
    assertThat(hash(FLEET.replace("'weight': 2", "'weight': 2.0"))).isEqualTo(hash(FLEET));
    assertThat(hash(FLEET.replace("'pools'", "'$schema': 'x', 'pools'"))).isEqualTo(hash(FLEET));
  }

  @Test
  void differsWithAnyValueAndWithTheOrderOfReplicas() {
    assertThat(
            List.of(
                hash(FLEET),
                hash(FLEET.replace("'weight': 2", "'weight': 3")),
                hash(FLEET.replace("9", "10")),
                hash(FLEET.replace("http://h:2", "http://h:3")),
                hash(
                    FLEET.replace(
                        "'fallback_model_id'", "'enable_fallback': false, 'fallback_model_id'")),
                hash(FLEET.replace("h:1", "h:9").replace("h:2", "h:1").replace("h:9", "h:2"))))
        .doesNotHaveDuplicates()
        .allMatch(hash -> hash.matches("[0-9a-f]{32}"));
  }

  @Test
  void isTheSameInlineAndInAFile(@TempDir Path directory) throws IOException {
    Files.writeString(directory.resolve("f.json"), FLEET.replace('\'', '"'));
    Path node =
        Files.writeString(directory.resolve("n.json"), "{\"fleet\": {\"file\": \"f.json\"}}");

    Loaded loaded = ConfigLoader.load(node, name -> Optional.empty());

    assertThat(Trees.ok(loaded).config().fleet().hash()).isEqualTo(hash(FLEET));
  }
}
