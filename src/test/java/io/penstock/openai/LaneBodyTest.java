package io.penstock.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class LaneBodyTest {
  private static final ModelName MODEL = new ModelName("engine/m");

  private static LaneBody lane(String body) {
    return LaneBody.of(Operation.EMBEDDINGS, body.getBytes(UTF_8)).orElseThrow();
  }

  private static Optional<LaneBody> read(String body) {
    return LaneBody.of(Operation.EMBEDDINGS, body.getBytes(UTF_8));
  }

  private static String joined(LaneBody... lanes) {
    return new String(LaneBody.join(Arrays.asList(lanes), MODEL).toByteArray(), UTF_8);
  }

  @Test
  void inputsFollowEachOtherAndParametersStayAsTheyCame() {
    LaneBody one =
        lane("{\"model\":\"a\",\"input\":\"é \\u0041\", \"dimensions\" : 8,\"user\":\"x\"}");
    LaneBody two = lane("{\"dimensions\" : 8,\"input\":[ \"b\", \"c\" ],\"model\":\"alias\"}");
    assertThat(joined(one, two))
        .isEqualTo(
            "{\"model\":\"engine/m\",\"dimensions\" : 8,\"input\":[\"é \\u0041\", \"b\", \"c\" ]}");
    assertThat(one.inputs()).isEqualTo(1);
    assertThat(two.inputs()).isEqualTo(2);
    assertThat(one.weight()).isEqualTo(9);
    assertThat(two.weight()).isEqualTo(2);
  }

  @Test
  void tokenIdsOfOneInputAreOneInput() {
    LaneBody flat = lane("{\"model\":\"a\",\"input\":[1,2,3]}");
    LaneBody nested = lane("{\"model\":\"a\",\"input\":[[4],[5,6]]}");
    assertThat(joined(flat, nested))
        .isEqualTo("{\"model\":\"engine/m\",\"input\":[[1,2,3],[4],[5,6]]}");
    assertThat(List.of(flat.inputs(), nested.inputs())).containsExactly(1, 2);
    assertThat(List.of(flat.weight(), nested.weight())).containsExactly(3L, 3L);
  }

  @Test
  void theKeyIsThatOfAllParametersButModelUserAndInputs() {
    String key = lane("{\"model\":\"a\",\"input\":\"x\",\"dimensions\":8,\"t\":\"u\"}").key();
    assertThat(lane("{\"t\":\"u\",\"user\":\"z\",\"dimensions\":8,\"input\":[\"y\"]}").key())
        .isEqualTo(key);
    assertThat(lane("{\"t\":\"u\",\"dimensions\":9,\"input\":\"x\"}").key()).isNotEqualTo(key);
    assertThat(lane("{\"dimensions\":8,\"input\":\"x\"}").key()).isNotEqualTo(key);
    assertThat(lane("{\"t\":\"u\",\"dimensions\":8,\"input\":[1]}").key()).isNotEqualTo(key);
  }

  @Test
  void whatCanNotBeMergedForCertainIsNotMerged() {
    assertThat(read("{\"input\":\"a\",\"input\":\"b\"}")).isEmpty();
    assertThat(read("{\"input\":\"a\",\"x\":1,\"x\":2}")).isEmpty();
    assertThat(read("{\"input\":\"a\",\"dimension\\u0073\":2}")).isEmpty();
    assertThat(read("{\"input\":[]}")).isEmpty();
    assertThat(read("{\"model\":\"a\"}")).isEmpty();
    assertThat(read("{\"input\":\"" + "x".repeat(LaneBody.MAX_BYTES) + "\"}")).isEmpty();
    assertThat(LaneBody.of(Operation.CHAT, "{\"input\":\"a\"}".getBytes(UTF_8))).isEmpty();
  }

  @Test
  void bodiesOfDifferentKeysAreNeverJoined() {
    LaneBody one = lane("{\"input\":\"a\",\"dimensions\":1}");
    LaneBody two = lane("{\"input\":\"a\",\"dimensions\":2}");
    assertThatThrownBy(() -> joined(one, two))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected: " + one.key());
  }

  @Property(tries = 1000)
  void joinedBodiesHaveAllInputsInOrderAndEveryParameter(@ForAll long seed) throws Exception {
    RandomJson random = new RandomJson(seed);
    String parameters = "\"p\":" + random.value(random.below(3)) + ",\"q\":" + random.value(1);
    int count = 1 + random.below(8);
    LaneBody[] lanes = new LaneBody[count];
    StringBuilder inputs = new StringBuilder();
    for (int i = 0; i < count; i++) {
      int size = 1 + random.below(4);
      StringBuilder own = new StringBuilder();
      for (int j = 0; j < size; j++) {
        own.append(j == 0 ? "" : ",").append(random.space()).append(random.string());
      }
      inputs.append(i == 0 ? "" : ",").append(own);
      boolean bare = size == 1 && random.oneIn(2);
      String input = bare ? own.toString() : "[" + own + random.space() + "]";
      lanes[i] =
          lane(
              random.oneIn(2)
                  ? "{\"model\":\"m\",\"input\":" + input + "," + parameters + "}"
                  : "{" + parameters + ",\"user\":\"u" + i + "\",\"input\":" + input + "}");
      assertThat(lanes[i].inputs()).isEqualTo(size);
    }
    JsonNode joined = RandomJson.JACKSON.readTree(joined(lanes));
    JsonNode expected =
        RandomJson.JACKSON.readTree(
            "{\"model\":\"engine/m\"," + parameters + ",\"input\":[" + inputs + "]}");
    assertThat(joined).isEqualTo(expected);
  }

  private static Optional<LaneBody> completion(String body) {
    return LaneBody.of(Operation.COMPLETION, body.getBytes(UTF_8));
  }

  @Test
  void completionsBecomeOneStreamOfTheMostThatOneMayHave() {
    LaneBody one =
        completion(
                "{\"model\":\"a\",\"prompt\":\"é\",\"max_tokens\":7,\"stop\":[\"x\"],\"user\":\"u\"}")
            .orElseThrow();
    LaneBody two =
        completion(
                "{\"stop\":[\"x\"],\"stream\":true,\"stream_options\":{\"include_usage\":true},"
                    + "\"prompt\":[\"b\"],\"max_tokens\":9}")
            .orElseThrow();
    assertThat(two.key()).isEqualTo(one.key());
    assertThat(joined(one, two))
        .isEqualTo(
            "{\"model\":\"engine/m\",\"stop\":[\"x\"],\"max_tokens\":9,\"stream\":true,"
                + "\"stream_options\":{\"include_usage\":true},\"prompt\":[\"é\",\"b\"]}");
    assertThat(one.streams()).isFalse();
    assertThat(one.wantsUsage()).isTrue();
    assertThat(two.streams()).isTrue();
    assertThat(two.wantsUsage()).isTrue();
    assertThat(List.of(one.maxTokens(), two.maxTokens())).containsExactly(7, 9);
  }

  @Test
  void completionsOfOtherKindsHaveOtherKeys() {
    String key = completion("{\"prompt\":\"a\",\"max_tokens\":7}").orElseThrow().key();
    for (String other :
        List.of(
            "{\"prompt\":\"a\"}",
            "{\"prompt\":[1,2],\"max_tokens\":7}",
            "{\"prompt\":\"a\",\"max_tokens\":7,\"temperature\":0}",
            "{\"prompt\":\"a\",\"max_tokens\":7,\"n\":1}")) {
      assertThat(completion(other).orElseThrow().key()).as(other).isNotEqualTo(key);
    }
    assertThat(lane("{\"input\":\"a\"}").key())
        .isNotEqualTo(completion("{\"prompt\":\"a\"}").orElseThrow().key());
  }

  @Test
  void whatMayMeanTheCallAsAWholeGoesAlone() {
    for (String rest :
        List.of(
            "\"n\":2",
            "\"best_of\":2",
            "\"echo\":true",
            "\"logprobs\":1",
            "\"logprobs\":0",
            "\"seed\":1",
            "\"suffix\":\"x\"",
            "\"max_tokens\":0",
            "\"max_completion_tokens\":5",
            "\"stream_options\":{\"chunk\":1}",
            "\"stream_options\":{\"continuous_usage_stats\":true}",
            "\"prompt_embeds\":\"x\"",
            "\"whatever\":null")) {
      assertThat(completion("{\"prompt\":\"a\"," + rest + "}")).as(rest).isEmpty();
    }
    assertThat(completion("{\"prompt\":[\"a\",\"b\"]}")).isEmpty();
    assertThat(completion("{\"prompt\":[[1],[2]]}")).isEmpty();
    assertThat(
            completion(
                "{\"prompt\":\"a\",\"n\":1,\"best_of\":null,\"echo\":false,\"logprobs\":null,"
                    + "\"seed\":null,\"suffix\":null,\"max_tokens\":null,\"stream\":null,"
                    + "\"stream_options\":null}"))
        .isPresent();
    assertThat(LaneBody.of(Operation.CHAT, "{\"messages\":[]}".getBytes(UTF_8))).isEmpty();
  }
}
