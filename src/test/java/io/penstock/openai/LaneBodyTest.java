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
}
