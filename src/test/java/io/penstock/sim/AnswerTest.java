package io.penstock.sim;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerTest {
  @Property(tries = 300)
  void textGoesOnWhereverItWasCut(
      @ForAll long seed, @ForAll String prompt, @ForAll @IntRange(min = 0, max = 100) int cut) {
    TextCursor start = Prompt.ofText(seed, prompt).cursor();
    String whole = Answer.words(start.copy(), 100).rest();
    String head = Answer.words(start.copy(), cut).rest();
    TextCursor resumed = Prompt.ofText(seed, prompt + head).cursor();
    assertThat(head + Answer.words(resumed, 100 - cut).rest()).isEqualTo(whole);
  }

  @Property(tries = 300)
  void itsOwnEndDoesNotMoveWhenItIsContinued(@ForAll long seed, @ForAll String prompt) {
    TextCursor start = TextCursor.start(seed).read(prompt).read('\n');
    Answer whole = Answer.natural(start.copy(), 5000);
    int tokens = whole.tokens();
    assertThat(tokens).isPositive();
    if (tokens > 1) {
      TextCursor half = start.copy();
      for (int i = 0; i < tokens / 2; i++) {
        half.next();
      }
      assertThat(Answer.natural(half, 5000).tokens()).isEqualTo(tokens - tokens / 2);
    }
  }

  @Property(tries = 200)
  void aStopStringNeverShows(@ForAll long seed, @ForAll @IntRange(min = 1, max = 8) int length) {
    TextCursor start = TextCursor.start(seed);
    String whole = Answer.words(start.copy(), 60).rest();
    int at = Math.floorMod(seed, whole.length() - length);
    String stop = whole.substring(at, at + length);
    Assume.that(!Character.isLowSurrogate(stop.charAt(0)));
    Answer cut = Answer.cutAt(Answer.words(start.copy(), 60), List.of("never to be found", stop));
    assertThat(cut.finishReason()).isEqualTo("stop");
    assertThat(cut.rest()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
  }

  @Test
  void neverCutsACharacterInTwo() {
    Answer rocket = Answer.cutAt(Answer.fixed("a🚀b", 10), List.of("\ude80"));
    assertThat(rocket.rest()).isEqualTo("a");
  }

  @Property(tries = 200)
  void tokensAreTheSameInsideJson(@ForAll long seed) {
    TextCursor cursor = TextCursor.start(seed);
    for (int i = 0; i < 50; i++) {
      Token token = cursor.next();
      byte[] json =
          ("{\"t\":\"" + new String(token.json(), StandardCharsets.UTF_8) + "\"}")
              .getBytes(StandardCharsets.UTF_8);
      assertThat(Json.object(json).get("t").asText()).isEqualTo(token.text());
    }
  }

  @Property(tries = 300)
  void equalPrefixesHaveEqualBlocks(@ForAll String shared, @ForAll String one, @ForAll String two) {
    Prompt first = Prompt.ofText(1, shared + one);
    Prompt second = Prompt.ofText(1, shared + two);
    int blocks = shared.getBytes(StandardCharsets.UTF_8).length / 64;
    for (int i = 0; i < blocks; i++) {
      assertThat(first.hashes()[i]).isEqualTo(second.hashes()[i]);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{}|{}",
        "{\"type\":\"string\",\"minLength\":6}|\"wordxx\"",
        "{\"type\":\"string\",\"maxLength\":2}|\"wo\"",
        "{\"type\":\"string\",\"format\":\"date\"}|\"2026-01-01\"",
        "{\"type\":\"integer\",\"minimum\":3}|3",
        "{\"type\":\"integer\",\"exclusiveMinimum\":3}|4",
        "{\"type\":\"integer\",\"maximum\":-2}|-2",
        "{\"type\":\"integer\",\"exclusiveMaximum\":0}|-1",
        "{\"type\":[\"null\",\"string\"]}|null",
        "{\"const\":7}|7",
        "{\"enum\":[\"a\",\"b\"]}|\"a\"",
        "{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"null\"}]}|true",
        "{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"minItems\":2}|[null,null]",
        "{\"type\":\"object\",\"required\":[\"x\"]}|{\"x\":\"word\"}",
        "{\"allOf\":[{\"properties\":{\"a\":{\"const\":1}},\"required\":[\"a\"]},{\"required\":[\"b\"],\"properties\":{\"b\":{\"const\":2}}}]}|{\"a\":1,\"b\":2}",
      })
  void theLeastValueOfASchema(String schema, String value) {
    JsonNode parsed = Json.object(schema.getBytes(StandardCharsets.UTF_8));
    String wrapped = "{\"v\":" + value + "}";
    JsonNode found = MinimalJson.of(parsed);
    assertThat(found.toString())
        .isEqualTo(Json.object(wrapped.getBytes(StandardCharsets.UTF_8)).get("v").toString());
  }

  /** Wherever an answer is cut, and without the white space there, the rest is the same. */
  @Test
  void aTrimmedHalfIsGoneOnWithAsTheWholeWould() {
    StringBuilder text = new StringBuilder();
    TextCursor cursor = TextCursor.start(3);
    for (int i = 0; i < 2_000; i++) {
      String half = text.toString();
      TextCursor trimmed = TextCursor.start(3).read(half.stripTrailing());
      String next = cursor.copy().next().text();
      String again = trimmed.next().text();
      assertThat(half.stripTrailing() + again)
          .isEqualTo(half.equals(half.stripTrailing()) ? half + next : half);
      text.append(cursor.next().text());
    }
    assertThat(text).contains("\n");
  }
}
