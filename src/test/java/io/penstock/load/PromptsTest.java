package io.penstock.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class PromptsTest {
  private static final int BLOCK = 16;
  private final Prompts prompts = new Prompts(1, id -> BLOCK);

  private static Planned planned(long index, int input, int lap, int... blocks) {
    return new Planned(index, 0, new TracedRequest(0, -1, input, 8, blocks), lap);
  }

  private static String text(Prompts prompts, Planned planned, int max) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    prompts.write(planned, max, out);
    return out.toString(StandardCharsets.US_ASCII);
  }

  private static String firstWords(String text, int n) {
    return String.join(" ", Arrays.copyOf(text.split(" "), n));
  }

  @Property(tries = 100)
  void asManyWordsAsTokensWhateverTheBlocks(
      @ForAll @IntRange(min = 1, max = 500) int input,
      @ForAll @IntRange(min = 0, max = 40) int blocks) {
    String text = text(prompts, planned(3, input, 0, 100, blocks), Integer.MAX_VALUE);

    assertThat(text.split(" ")).hasSize(input);
  }

  @Test
  void fourCharactersATokenOnAverage() {
    String text = text(prompts, planned(0, 100_000, 0), Integer.MAX_VALUE);

    assertThat(text.length() / 100_000.0).isCloseTo(4.0, within(0.02));
    assertThat(Arrays.stream(text.split(" ")).distinct().count()).isEqualTo(256);
  }

  @Test
  void equalBlocksAreEqualTextWhereverTheyStand() {
    String a = text(prompts, planned(0, 5 * BLOCK, 0, 7, 2, 30, 1), Integer.MAX_VALUE);
    String b = text(prompts, planned(1, 5 * BLOCK, 0, 7, 2, 90, 1), Integer.MAX_VALUE);

    assertThat(firstWords(a, 2 * BLOCK)).isEqualTo(firstWords(b, 2 * BLOCK));
    assertThat(firstWords(a, 2 * BLOCK + 4)).isNotEqualTo(firstWords(b, 2 * BLOCK + 4));
    String alone = text(prompts, planned(2, BLOCK, 0, 30, 1), Integer.MAX_VALUE);
    assertThat(a).contains(alone);
  }

  @Test
  void aPartialBlockIsTheBeginningOfTheWholeOne() {
    String whole = text(prompts, planned(0, BLOCK, 0, 7, 1), Integer.MAX_VALUE);

    assertThat(whole).startsWith(text(prompts, planned(1, BLOCK - 5, 0, 7, 1), Integer.MAX_VALUE));
    assertThat(text(prompts, planned(1, BLOCK, 0, 7, 1), 3)).isEqualTo(firstWords(whole, 3) + " ");
  }

  @Test
  void whatNoBlockCoversIsDifferentForEachRequest() {
    assertThat(text(prompts, planned(0, 20, 0), 100))
        .isNotEqualTo(text(prompts, planned(1, 20, 0), 100));
  }

  @Test
  void aSecondLapAndAnotherSeedShareNothing() {
    Planned first = planned(0, BLOCK, 0, 7, 1);

    assertThat(text(prompts, first, 100)).isEqualTo(text(new Prompts(1, id -> BLOCK), first, 100));
    assertThat(text(prompts, first, 100))
        .isNotEqualTo(text(prompts, planned(0, BLOCK, 1, 7, 1), 100));
    assertThat(text(prompts, first, 100))
        .isNotEqualTo(text(new Prompts(2, id -> BLOCK), first, 100));
  }

  private static LoadConfig.Workload workload(
      boolean stream, boolean exact, OptionalInt maxInput, OptionalInt maxOutput) {
    return new LoadConfig.Workload(
        Optional.empty(),
        Duration.ZERO,
        OptionalInt.empty(),
        1,
        1,
        maxInput,
        maxOutput,
        stream,
        exact,
        true);
  }

  private JsonObject body(Endpoint endpoint, LoadConfig.Workload workload, Planned planned) {
    return new JsonObject(
        Buffer.buffer(new Bodies("a \"model\"", endpoint, workload, prompts).of(planned)));
  }

  @Test
  void theBodyOfAChat() {
    Planned planned = planned(0, 10, 0);
    JsonObject body =
        body(
            Endpoint.CHAT, workload(true, true, OptionalInt.empty(), OptionalInt.empty()), planned);

    assertThat(body.getString("model")).isEqualTo("a \"model\"");
    JsonObject message = body.getJsonArray("messages").getJsonObject(0);
    assertThat(message.getString("role")).isEqualTo("user");
    assertThat(message.getString("content")).isEqualTo(text(prompts, planned, 100));
    body.remove("messages");
    assertThat(body)
        .isEqualTo(
            new JsonObject(
                "{\"model\":\"a \\\"model\\\"\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"max_tokens\":8,\"min_tokens\":8,\"ignore_eos\":true}"));
  }

  @Test
  void theBodyOfACompletionWithCaps() {
    JsonObject body =
        body(
            Endpoint.COMPLETIONS,
            workload(false, false, OptionalInt.of(4), OptionalInt.of(3)),
            planned(0, 10, 0));

    assertThat(body.getString("prompt").split(" ")).hasSize(4);
    body.remove("prompt");
    assertThat(body)
        .isEqualTo(
            new JsonObject("{\"model\":\"a \\\"model\\\"\",\"stream\":false,\"max_tokens\":3}"));
  }
}
