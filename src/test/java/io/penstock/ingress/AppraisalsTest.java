package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.Appraisal;
import io.penstock.inference.ComplexityEstimator;
import io.penstock.inference.ComplexityModel;
import io.penstock.inference.ModelName;
import io.penstock.inference.TierName;
import io.penstock.tiers.PromptFeatures;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class AppraisalsTest {
  private static final TierHeaders NONE =
      new TierHeaders(Optional.empty(), Optional.empty(), 0, 0, 0);

  /** By the surface all are 0.5 complex; by an embedding of (1, 0) 1, of (0, 1) 0. */
  private static ComplexityModel model(boolean embedded) {
    int n = PromptFeatures.NAMES.size();
    List<Double> zeros = Collections.nCopies(n, 0.0);
    ComplexityModel.Part part =
        new ComplexityModel.Part(zeros, 0, List.of(), List.of(-1.0, 0.0, 1.0));
    return new ComplexityModel(
        PromptFeatures.NAMES,
        zeros,
        Collections.nCopies(n, 1.0),
        part,
        embedded
            ? Optional.of(new ComplexityModel.Embedded("seer", 8, part, List.of(1f, -1f)))
            : Optional.empty(),
        "digest");
  }

  private static Appraisals appraisals(boolean trained, boolean asks, int cacheBytes) {
    return new Appraisals(
        Optional.of(
            new ComplexityEstimator(
                model(trained),
                asks
                    ? Optional.of(
                        new ComplexityEstimator.Embedder(
                            new ModelName("seer"), Duration.ofMillis(50), cacheBytes))
                    : Optional.empty())));
  }

  private static String text(Optional<Appraisal> of) {
    return of.map(each -> each.by() + " " + each.complexity() + " " + each.why()).orElse("ask");
  }

  @Test
  void whatNeedsNobodyIsKnownAtOnce() {
    assertThat(text(new Appraisals(Optional.empty()).atOnce(NONE, "x".repeat(250), 0)))
        .isEqualTo("length 0.25 ");
    assertThat(text(appraisals(false, false, 0).atOnce(NONE, "x", 0))).isEqualTo("surface 0.5 ");
    assertThat(text(appraisals(false, true, 0).atOnce(NONE, "x", 0))).isEqualTo("surface 0.5 ");
    assertThat(text(appraisals(true, false, 0).atOnce(NONE, "x", 0)))
        .isEqualTo("surface 0.5 not_configured");
    Appraisals all = appraisals(true, true, 1 << 20);
    assertThat(text(all.atOnce(NONE, "x", 0))).isEqualTo("ask");
    assertThat(text(all.atOnce(NONE, "x         ", 0))).isEqualTo("surface 0.5 no_text");
    assertThat(
            text(
                all.atOnce(new TierHeaders(Optional.empty(), Optional.of(0.125), 0, 0, 0), "x", 0)))
        .isEqualTo("header 0.125 ");
    assertThat(
            text(
                all.atOnce(
                    new TierHeaders(Optional.of(new TierName("fast")), Optional.empty(), 0, 0, 0),
                    "x",
                    0)))
        .isEqualTo("surface 0.5 tier_named");
  }

  @Test
  void anEmbeddingOfAnyLengthCountsAndIsRemembered() {
    Appraisals of = appraisals(true, true, 1 << 20);
    assertThat(of.textOf("0123456789")).isEqualTo("23456789");
    assertThat(text(Optional.of(of.embedded("x", new float[] {20, 0}, 0))))
        .isEqualTo("embedding 1.0 ");
    assertThat(text(of.atOnce(NONE, "x", 1))).isEqualTo("cache 1.0 ");
    assertThat(text(of.atOnce(NONE, "y", 1))).isEqualTo("ask");
    assertThat(text(Optional.of(of.embedded("y", new float[] {0, 0.1f}, 0))))
        .isEqualTo("embedding 0.0 ");
    Appraisals forgets = appraisals(true, true, 0);
    forgets.embedded("x", new float[] {1, 0}, 0);
    assertThat(text(forgets.atOnce(NONE, "x", 1))).isEqualTo("ask");
  }

  @Test
  void embeddingsThatCanNotBeUsedAreNot() {
    Appraisals of = appraisals(true, true, 1 << 20);
    assertThat(text(Optional.of(of.embedded("x", new float[] {1, 0, 0}, 0))))
        .isEqualTo("surface 0.5 wrong_dimension");
    assertThat(text(Optional.of(of.embedded("x", new float[] {0, 0}, 0))))
        .isEqualTo("surface 0.5 malformed");
    assertThat(text(of.atOnce(NONE, "x", 1))).as("not remembered").isEqualTo("ask");
    assertThat(text(Optional.of(of.embedded("x", new float[] {Float.NaN, 0}, 0))))
        .isEqualTo("surface 0.5 malformed");
    assertThat(text(of.atOnce(NONE, "x", 999))).isEqualTo("surface 0.5 resting");
    assertThat(text(of.atOnce(NONE, "x", 1_000))).isEqualTo("ask");
    assertThat(text(of.atOnce(NONE, "x", 1_000))).as("one tries").isEqualTo("surface 0.5 resting");
    of.dropped();
    assertThat(text(of.atOnce(NONE, "x", 1_000))).as("it left").isEqualTo("ask");
    of.notEmbedded("x", "timeout", 1_050);
    assertThat(text(of.atOnce(NONE, "x", 3_049))).as("twice as long").endsWith("resting");
    assertThat(text(of.atOnce(NONE, "x", 3_050))).isEqualTo("ask");
    of.embedded("x", new float[] {1, 0}, 3_060);
    assertThat(text(of.atOnce(NONE, "y", 3_060))).isEqualTo("ask");
    assertThat(text(of.atOnce(NONE, "z", 3_060))).isEqualTo("ask");
  }

  /** Whatever comes of what in whatever order: never two tries in a rest, and no rest for ever. */
  @Property
  void aRestEnds(@ForAll @Size(max = 60) List<@IntRange(min = 0, max = 4) Integer> events) {
    Rest rest = new Rest();
    long now = 0;
    for (int event : events) {
      switch (event) {
        case 0 -> rest.succeeded();
        case 1 -> rest.failed(now);
        case 2 -> rest.mayAsk(now);
        case 3 -> rest.dropped();
        default -> now += 700;
      }
    }
    rest.dropped(); // whoever tried is gone
    now += 30_000;
    assertThat(rest.mayAsk(now)).isTrue();
    rest.succeeded();
    assertThat(rest.mayAsk(now)).isTrue();
    assertThat(rest.mayAsk(now)).isTrue();
  }

  @Test
  void aBurstOfFailuresIsOneRest() {
    Rest rest = new Rest();
    for (int i = 0; i < 100; i++) {
      assertThat(rest.mayAsk(0)).isTrue();
    }
    for (int i = 0; i < 100; i++) {
      rest.failed(50);
    }
    assertThat(rest.mayAsk(1_049)).isFalse();
    assertThat(rest.mayAsk(1_050)).isTrue();
  }

  /** Against a list that is kept in order by hand. */
  @Property
  void theLatestAreKeptAndNoMore(
      @ForAll @IntRange(min = 0, max = 5) int max,
      @ForAll @Size(max = 80) List<@IntRange(min = -8, max = 8) Integer> events) {
    Estimates estimates = new Estimates(max * Estimates.BYTES_EACH + 1);
    Map<Long, Double> model = new LinkedHashMap<>();
    for (int event : events) {
      long hash = Math.abs(event);
      if (event < 0) {
        Double known = model.remove(hash);
        if (known != null) {
          model.put(hash, known);
        }
        assertThat(estimates.of(hash))
            .isEqualTo(known == null ? OptionalDouble.empty() : OptionalDouble.of(known));
      } else {
        model.remove(hash);
        model.put(hash, event / 8.0);
        estimates.put(hash, event / 8.0);
        if (model.size() > max) {
          model.remove(model.keySet().iterator().next());
        }
      }
      assertThat(estimates.size()).isEqualTo(model.size()).isLessThanOrEqualTo(max);
    }
  }

  @Test
  void aFullQueueSaysNothingOfTheModel() {
    Appraisals of = appraisals(true, true, 1 << 20);
    for (int i = 0; i < 10; i++) {
      assertThat(text(of.atOnce(NONE, "x", i))).isEqualTo("ask");
      assertThat(text(Optional.of(of.notEmbedded("x", EmbedCall.NO_SLOT, i))))
          .isEqualTo("surface 0.5 no_slot");
    }
    assertThat(text(of.atOnce(NONE, "x", 11))).isEqualTo("ask");
  }
}
