package io.penstock.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** Whatever a file holds, loading it ends in a configuration or in mistakes that can be read. */
class MutationTest {
  private static final List<String> VALUES =
      List.of(
          "null",
          "true",
          "0",
          "-1",
          "1.5",
          "1e400",
          "1e-999999999",
          "1e999999999",
          "'${B:-1e999999999}'",
          "99999999999999999999",
          "''",
          "' '",
          "'x'",
          "'${A}'",
          "'${'",
          "'${A:-7}'",
          "[]",
          "[1]",
          "['x', 'x']",
          "[[]]",
          "[{}]",
          "{}",
          "'\\u0000'",
          "{'file': '\\u0000'}",
          "{'x': 1}",
          "{'file': 'x'}",
          "{'url': {}}",
          "{'simulated': 1}",
          "{'dns': []}");

  @Property(tries = 500)
  void neverThrows(@ForAll long seed) throws IOException {
    Random random = new Random(seed);
    JsonNode tree = JsonFile.MAPPER.readTree(Path.of("conf/production.json").toFile());
    for (int i = random.nextInt(4); i >= 0; i--) {
      mutate(tree, random);
    }

    Loaded loaded = Trees.load(tree, Map.of("A", "a"));

    List<Mistake> mistakes = loaded.fold(ok -> List.of(), Loaded.Failed::mistakes);
    assertThat(mistakes)
        .allSatisfy(
            m -> {
              assertThat(m.found()).as(m.path()).isNotBlank();
              assertThat(m.remedy()).as(m.path()).matches("(?s)(expected: |did you mean ).+");
            });
    assertThat(mistakes).extracting(m -> m.file() + ":" + m.path()).doesNotHaveDuplicates();
  }

  private static void mutate(JsonNode tree, Random random) {
    List<JsonNode> containers = new ArrayList<>();
    collect(tree, containers);
    JsonNode victim = containers.get(random.nextInt(containers.size()));
    JsonNode value = Trees.tree(VALUES.get(random.nextInt(VALUES.size())));
    if (victim instanceof ObjectNode object) {
      List<String> keys = new ArrayList<>();
      object.fieldNames().forEachRemaining(keys::add);
      String key = keys.isEmpty() ? "x" : keys.get(random.nextInt(keys.size()));
      switch (random.nextInt(3)) {
        case 0 -> object.remove(key);
        case 1 -> object.set(key, value);
        default -> object.set(key + "x", value);
      }
    } else if (victim instanceof ArrayNode array) {
      if (array.isEmpty() || random.nextBoolean()) {
        array.add(value);
      } else {
        array.set(random.nextInt(array.size()), value);
      }
    }
  }

  private static void collect(JsonNode node, List<JsonNode> containers) {
    if (node.isContainerNode()) {
      containers.add(node);
      node.forEach(each -> collect(each, containers));
    }
  }
}
