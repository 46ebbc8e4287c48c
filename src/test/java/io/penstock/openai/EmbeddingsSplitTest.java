package io.penstock.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class EmbeddingsSplitTest {
  private static List<String> split(String answer, int[] inputs, long... weights) {
    List<String> lanes = new ArrayList<>();
    EmbeddingsSplit.split(answer.getBytes(UTF_8), inputs, weights)
        .orElseThrow()
        .forEach(lane -> lanes.add(new String(lane.toByteArray(), UTF_8)));
    return lanes;
  }

  @Test
  void eachGetsItsOwnFromZeroAndItsShareOfTheUsage() {
    String answer =
        "{\"id\":\"e1\", \"data\":[{\"index\":2,\"embedding\":[3]} , {\"embedding\":[1],\"index\":0},"
            + "{\"index\":1,\"embedding\":[2]}],\"model\":\"m\","
            + "\"usage\":{\"prompt_tokens\":10,\"total_tokens\":10,\"d\":{\"cached\":1},\"x\":null}}";
    assertThat(split(answer, new int[] {1, 2}, 1, 2))
        .containsExactly(
            "{\"id\":\"e1\", \"data\":[{\"embedding\":[1],\"index\":0}],\"model\":\"m\","
                + "\"usage\":{\"prompt_tokens\":3,\"total_tokens\":3,\"d\":{\"cached\":0},\"x\":null}}",
            "{\"id\":\"e1\", \"data\":[{\"index\":0,\"embedding\":[2]},{\"index\":1,\"embedding\":[3]}],"
                + "\"model\":\"m\",\"usage\":{\"prompt_tokens\":7,\"total_tokens\":7,\"d\":{\"cached\":1},\"x\":null}}");
  }

  @Test
  void usageMayStandBeforeTheData() {
    assertThat(
            split(
                "{\"usage\":{\"total_tokens\":3},\"data\":[{\"index\":0},{\"index\":1}]}",
                new int[] {1, 1},
                1,
                1))
        .containsExactly(
            "{\"usage\":{\"total_tokens\":2},\"data\":[{\"index\":0}]}",
            "{\"usage\":{\"total_tokens\":1},\"data\":[{\"index\":0}]}");
  }

  @Test
  void answersThatAreNoneToSoManyInputsAreTold() {
    for (String answer :
        List.of(
            "",
            "[]",
            "{}",
            "{\"data\":{}}",
            "{\"data\":[{\"index\":0}]}",
            "{\"data\":[{\"index\":0},{\"index\":0}]}",
            "{\"data\":[{\"index\":0},{\"index\":2}]}",
            "{\"data\":[{\"index\":0},{\"index\":-1}]}",
            "{\"data\":[{\"index\":0},{\"index\":1.5}]}",
            "{\"data\":[{\"index\":0},7]}",
            "{\"data\":[{\"index\":0},{\"index\":1}],\"data\":[]}",
            "{\"data\":[{\"index\":0},{\"index\":1}]",
            "{\"data\":[{\"index\":0,\"embedding\":[1},{\"index\":1}]}")) {
      Optional<List<Spliced>> lanes =
          EmbeddingsSplit.split(answer.getBytes(UTF_8), new int[] {1, 1}, new long[] {1, 1});
      assertThat(lanes).as(answer).isEmpty();
    }
  }

  /** The lanes put together again are the answer; counts add up to the engine's. */
  @Property(tries = 500)
  void nothingIsLostAndNothingIsTwice(@ForAll long seed) throws Exception {
    Random random = new Random(seed);
    int lanes = 1 + random.nextInt(10);
    int[] inputs = random.ints(lanes, 1, 5).toArray();
    long[] weights = random.longs(lanes, 1, 200).toArray();
    List<ObjectNode> elements = new ArrayList<>();
    for (int lane = 0; lane < lanes; lane++) {
      for (int i = 0; i < inputs[lane]; i++) {
        ObjectNode element = RandomJson.JACKSON.createObjectNode();
        element.put("object", "embedding").put("index", elements.size());
        switch (random.nextInt(3)) {
          case 0 -> element.put("embedding", "AbC[]/" + random.nextLong());
          case 1 -> {
            ArrayNode numbers = element.putArray("embedding");
            random.doubles(5).forEach(numbers::add);
          }
          default -> element.putArray("embedding").addArray().add(random.nextInt()).add(1.5);
        }
        elements.add(element);
      }
    }
    List<ObjectNode> shuffled = new ArrayList<>(elements);
    Collections.shuffle(shuffled, random);
    int tokens = random.nextInt(10_000);
    ObjectNode answer = RandomJson.JACKSON.createObjectNode().put("id", "e").put("object", "list");
    ObjectNode usage = RandomJson.JACKSON.createObjectNode();
    usage.put("prompt_tokens", tokens).put("total_tokens", tokens);
    if (random.nextBoolean()) {
      answer.set("usage", usage);
    }
    answer.putArray("data").addAll(shuffled);
    if (!answer.has("usage")) {
      answer.set("usage", usage);
    }
    List<Spliced> out =
        EmbeddingsSplit.split(RandomJson.JACKSON.writeValueAsBytes(answer), inputs, weights)
            .orElseThrow();
    int first = 0;
    long sum = 0;
    for (int lane = 0; lane < lanes; lane++) {
      JsonNode own = RandomJson.JACKSON.readTree(out.get(lane).toByteArray());
      assertThat(own.path("data")).hasSize(inputs[lane]);
      for (int i = 0; i < inputs[lane]; i++) {
        ObjectNode expected = elements.get(first + i).deepCopy().put("index", i);
        assertThat(own.path("data").path(i)).isEqualTo(expected);
      }
      first += inputs[lane];
      long share = own.path("usage").path("prompt_tokens").asLong();
      assertThat(own.path("usage").path("total_tokens").asLong()).isEqualTo(share);
      assertThat(own.path("id").asText()).isEqualTo("e");
      sum += share;
    }
    assertThat(sum).isEqualTo(tokens);
  }

  @Test
  void sharesAreNeverMoreThanOneFromWhatIsDue() {
    Random random = new Random(7);
    for (int round = 0; round < 1_000; round++) {
      long total = random.nextInt(100_000);
      long[] weights = random.longs(1 + random.nextInt(64), 1, 100_000).toArray();
      long[] shares = Shares.of(total, weights);
      long all = 0;
      long weight = 0;
      for (int i = 0; i < weights.length; i++) {
        all += shares[i];
        weight += weights[i];
      }
      assertThat(all).isEqualTo(total);
      for (int i = 0; i < weights.length; i++) {
        assertThat((double) shares[i])
            .isBetween(
                total * (double) weights[i] / weight - 1, total * (double) weights[i] / weight + 1);
      }
    }
  }
}
