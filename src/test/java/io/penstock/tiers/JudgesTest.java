package io.penstock.tiers;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JudgesTest {
  private static Optional<String> fault(Draft draft, double minMeanLogprob) {
    return RuleJudge.fault(draft, minMeanLogprob, text -> text.startsWith("{"));
  }

  private static Draft draft(String text, String finish) {
    return new Draft("q", false, text, finish, false, OptionalDouble.empty());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "I'm sorry, but I can't help with that.",
        "I\u2019m sorry, I cannot do this",
        "Sorry, I am not able to answer.",
        "As an AI language model, I cannot give opinions.",
        "I don't know.",
        "  Unfortunately, I am unable to look that up.",
        "I do not know the answer to this question.",
      })
  void refusals(String text) {
    assertThat(RuleJudge.isRefusal(text)).isTrue();
    assertThat(fault(draft(text, "stop"), 0)).contains("refusal");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "The river is 12 km long.",
        "I can help with that: first, open the lid.",
        "Sorry is a word of five letters.",
        "I cannonball into the pool.",
        "She said: I can't come.",
      })
  void answers(String text) {
    assertThat(RuleJudge.isRefusal(text)).isFalse();
    assertThat(fault(draft(text, "stop"), 0)).isEmpty();
  }

  @Test
  void whatElseIsSeen() {
    assertThat(fault(draft("half of", "length"), 0)).contains("truncated");
    assertThat(fault(draft(" \n", "stop"), 0)).contains("empty");
    assertThat(fault(new Draft("", true, "no", "stop", false, OptionalDouble.empty()), 0))
        .contains("invalid_json");
    assertThat(fault(new Draft("", true, "{}", "stop", false, OptionalDouble.empty()), 0))
        .isEmpty();
    assertThat(fault(new Draft("", true, "", "tool_calls", true, OptionalDouble.empty()), 0))
        .as("a call is an answer")
        .isEmpty();
    Draft unsure = new Draft("", false, "x", "stop", false, OptionalDouble.of(-2));
    assertThat(fault(unsure, -1.5)).contains("low_logprob");
    assertThat(fault(unsure, -2.5)).isEmpty();
    assertThat(fault(unsure, 0)).as("does not count").isEmpty();
    assertThat(fault(draft("x", "stop"), -1.5)).as("none asked for").isEmpty();
  }

  private static boolean servable(Draft draft, boolean isLimited) {
    return RuleJudge.isServable(draft, isLimited, text -> text.startsWith("{"));
  }

  @Test
  void whatIsWholeMayBeServedThoughItIsNotGood() {
    assertThat(servable(draft("I don't know.", "stop"), false)).isTrue();
    assertThat(servable(draft(" \n", "stop"), false)).isFalse();
    assertThat(servable(draft("half of", "content_filter"), true)).isFalse();
    assertThat(servable(draft("half of", "length"), false)).isFalse();
    assertThat(servable(draft("as long as it may be", "length"), true)).isTrue();
    assertThat(servable(new Draft("", true, "no", "stop", false, OptionalDouble.empty()), false))
        .isFalse();
    assertThat(servable(new Draft("", true, "{}", "stop", false, OptionalDouble.empty()), false))
        .isTrue();
    assertThat(servable(new Draft("", false, "", "tool_calls", true, OptionalDouble.empty()), true))
        .isTrue();
    assertThat(servable(new Draft("", false, "", "length", true, OptionalDouble.empty()), true))
        .as("half a tool call")
        .isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "1", "0.5", " 0.83\n", ".7", "1.0", "0.000"})
  void qualities(String text) {
    assertThat(JudgeAnswer.quality(text)).isPresent();
    assertThat(JudgeAnswer.quality(text).getAsDouble()).isBetween(0.0, 1.0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "good",
        "1.1",
        "2",
        "-0.5",
        "0.5 because",
        "8/10",
        "0,5",
        "NaN",
        "1e-3",
        "0.5%"
      })
  void noQualities(String text) {
    assertThat(JudgeAnswer.quality(text)).isEmpty();
  }
}
