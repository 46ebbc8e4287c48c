package io.penstock.tiers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.penstock.inference.ComplexityModel;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ComplexityTest {
  private static final int FEATURES = PromptFeatures.NAMES.size();

  static ComplexityModel model(List<Double> weights, List<Float> hashed, List<Double> quantiles) {
    return new ComplexityModel(
        PromptFeatures.NAMES,
        Collections.nCopies(FEATURES, 0.0),
        Collections.nCopies(FEATURES, 1.0),
        new ComplexityModel.Part(weights, 0, hashed, quantiles),
        Optional.empty(),
        "digest");
  }

  @Test
  void withoutAModelTheLengthStandsForIt() {
    Complexity complexity = Complexity.byLength();
    assertThat(complexity.of("")).isZero();
    assertThat(complexity.of("x".repeat(250))).isEqualTo(0.25);
    assertThat(complexity.of("x".repeat(1_000))).isEqualTo(1);
    assertThat(complexity.of("x".repeat(9_000))).isEqualTo(1);
    assertThat(complexity.of("\uD83D\uDE00".repeat(500)))
        .as("characters, not units")
        .isEqualTo(0.5);
  }

  @Test
  void aModelsScoreIsRankedAmongThoseOfItsTraining() {
    Double[] weights = Collections.nCopies(FEATURES, 0.0).toArray(new Double[0]);
    weights[PromptFeatures.NAMES.indexOf("question_marks")] = 1.0;
    Complexity complexity =
        Complexity.by(model(List.of(weights), List.of(), List.of(0.0, 1.0, 3.0, 3.0, 10.0)));
    assertThat(complexity.of("")).isZero();
    assertThat(complexity.of("?")).isEqualTo(0.25);
    assertThat(complexity.of("??")).isEqualTo(0.375);
    assertThat(complexity.of("???")).isEqualTo(0.75);
    assertThat(complexity.of("??????????????")).isEqualTo(1);
  }

  @Test
  void wordsCountByTheirHashes() {
    PromptFeatures river = PromptFeatures.of("river");
    Float[] weights = Collections.nCopies(64, 0f).toArray(new Float[0]);
    int hash = river.hashes()[0];
    weights[PromptFeatures.place(hash, 64)] = hash < 0 ? -4f : 4f;
    Complexity complexity =
        Complexity.by(
            model(Collections.nCopies(FEATURES, 0.0), List.of(weights), List.of(0.0, 4.0)));
    assertThat(complexity.of("River!")).isCloseTo(1, within(1e-9));
    assertThat(complexity.of("brook")).isLessThan(0.01);
  }

  @Test
  void aModelOfOtherFeaturesIsRefused() {
    ComplexityModel other =
        new ComplexityModel(
            List.of("x"),
            List.of(0.0),
            List.of(1.0),
            new ComplexityModel.Part(List.of(1.0), 0, List.of(), List.of(0.0, 1.0)),
            Optional.empty(),
            "");
    assertThatThrownBy(() -> Complexity.by(other))
        .hasMessageStartingWith("features: [x] (expected: [log_chars,");
  }

  @Test
  void seesNumbersOptionsAndWords() {
    double[] surface =
        PromptFeatures.of("How many of 12 are not 5.50?\nA. three\nB. four___").surface();
    assertThat(feature(surface, "options")).isEqualTo(2);
    assertThat(feature(surface, "log_numbers")).isEqualTo(Math.log1p(3));
    assertThat(feature(surface, "largest_number_digits")).isEqualTo(2);
    assertThat(feature(surface, "asks_by_exclusion")).isEqualTo(Math.log1p(1));
    assertThat(feature(surface, "asks_how_many")).isEqualTo(Math.log1p(1));
    assertThat(feature(surface, "log_lines")).isEqualTo(Math.log1p(3));
    assertThat(feature(surface, "question_marks")).isEqualTo(1);
    assertThat(feature(surface, "blanks")).isEqualTo(1);
  }

  private static double feature(double[] surface, String name) {
    return surface[PromptFeatures.NAMES.indexOf(name)];
  }

  @Property
  void anyTextHasFiniteFeaturesTheSameEachTime(@ForAll String text) {
    PromptFeatures once = PromptFeatures.of(text);
    assertThat(once.surface()).hasSize(FEATURES);
    for (double each : once.surface()) {
      assertThat(each).isFinite();
    }
    assertThat(PromptFeatures.of(text).surface()).isEqualTo(once.surface());
    assertThat(PromptFeatures.of(text).hashes()).isEqualTo(once.hashes());
    assertThat(Complexity.byLength().of(text)).isBetween(0.0, 1.0);
  }

  @Test
  void ofALongPromptTheEndIsLookedAt() {
    String end = "Why is the river blue? ".repeat(1_000);
    PromptFeatures of = PromptFeatures.of("x".repeat(1 << 20) + end);
    assertThat(of.hashes()).isEqualTo(PromptFeatures.of(end).hashes());
    assertThat(feature(of.surface(), "log_chars")).isEqualTo(Math.log1p((1 << 20) + end.length()));
  }
}
