package io.penstock.tiers;

import static io.penstock.tiers.Tiers.FAST;
import static io.penstock.tiers.Tiers.QUALITY;
import static io.penstock.tiers.Tiers.STANDARD;
import static io.penstock.tiers.Tiers.policy;
import static io.penstock.tiers.Tiers.tier;
import static io.penstock.tiers.Tiers.wish;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.Tier;
import io.penstock.inference.TierPolicy;
import io.penstock.inference.TierStrategy;
import io.penstock.inference.TierWish;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TierSelectionTest {
  private static final List<Tier> GUIDE = List.of(FAST, STANDARD, QUALITY);

  @ParameterizedTest
  @CsvSource({
    "0.29, 0, 0, 0, fast",
    "0.3, 0, 0, 0, standard",
    "0.5, 0, 0, 0, standard",
    "0.7, 0, 0, 0, standard",
    "0.71, 0, 0, 0, quality",
    "0.9, 4999, 0, 0, standard",
    "0.9, 1999, 0, 0, fast",
    "0.9, 499, 0, 0, standard", // none fits: the guide's fallback
    "0.9, 0, 0.0099, 0, fast",
    "0.9, 0, 0.01, 0, standard",
    "0.9, 0, 0.0001, 0, standard",
    "0.1, 0, 0, 0.8, standard",
    "0.1, 0, 0, 1, quality",
    "0.1, 4000, 0, 1, standard",
    "0.5, 0, 0.001, 0, fast", // standard is not among those that fit: the first
    "0.5, 0, 0, 0.95, quality",
  })
  void selectsAsTheGuideDoes(
      double complexity, int budget, double maxCost, double minQuality, String level) {
    Tier chosen =
        TierSelection.choose(
            policy(TierStrategy.SELECT_TIER, GUIDE),
            GUIDE,
            wish(complexity, budget, maxCost, minQuality));
    assertThat(chosen.level().value()).isEqualTo(level);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0, 0, 0, fast", // 0.7 * 1 >= 0.7
    "0.1, 0, 0, 0, standard", // 0.7 * 0.98 < 0.7
    "1, 0, 0, 0, standard", // 0.9 * 0.8 >= 0.7
    "1, 0, 0, 0.73, quality",
    "1, 0, 0, 0.81, quality", // none is enough: the best
    "1, 0, 0.01, 0.81, standard", // none that it may cost is enough: the best of those
    "0, 400, 0, 0, fast", // none is within its budget: as if there were none
  })
  void choosesTheCheapestAsTheGuideDoes(
      double complexity, int budget, double maxCost, double minQuality, String level) {
    List<Tier> dearestFirst = List.of(QUALITY, STANDARD, FAST);
    Tier chosen =
        TierSelection.choose(
            policy(TierStrategy.COST_OPTIMIZED, dearestFirst),
            dearestFirst,
            wish(complexity, budget, maxCost, minQuality));
    assertThat(chosen.level().value()).isEqualTo(level);
  }

  @Test
  void whereTheDefaultTierCanNotServeTheFirstDoes() {
    TierPolicy policy = policy(TierStrategy.SELECT_TIER, GUIDE);
    List<Tier> others = List.of(FAST, QUALITY);
    assertThat(TierSelection.choose(policy, others, wish(0.5, 0, 0, 0))).isEqualTo(FAST);
    assertThat(TierSelection.choose(policy, others, wish(0.5, 1, 0, 0))).isEqualTo(FAST);
  }

  @Test
  void aCascadeGoesUpTheChainAndLeavesOutWhatCanNotServe() {
    TierPolicy policy = policy(TierStrategy.SELECT_TIER, GUIDE);
    assertThat(TierSelection.above(policy, GUIDE, FAST, 2)).containsExactly(STANDARD, QUALITY);
    assertThat(TierSelection.above(policy, GUIDE, FAST, 1)).containsExactly(STANDARD);
    assertThat(TierSelection.above(policy, GUIDE, FAST, 0)).isEmpty();
    assertThat(TierSelection.above(policy, List.of(FAST, QUALITY), FAST, 1))
        .containsExactly(QUALITY);
    assertThat(TierSelection.above(policy, GUIDE, QUALITY, 2)).isEmpty();
  }

  @Test
  void aChainThatComesBackEnds() {
    Tier a = tier("a", 1, 1, 1, "b");
    Tier b = tier("b", 1, 1, 1, "a");
    TierPolicy policy = policy(TierStrategy.SELECT_TIER, List.of(a, b));
    assertThat(TierSelection.above(policy, List.of(a, b), a, 9)).hasSizeLessThanOrEqualTo(2);
  }

  @Property
  void neverBeyondWhatARequestMayTakeAndCostWhereATierIsWithin(
      @ForAll @Size(min = 1, max = 8) List<@IntRange(min = 1, max = 9_000) Integer> latencies,
      @ForAll @IntRange(max = 1_000_000) int seed,
      @ForAll @DoubleRange(max = 1) double complexity,
      @ForAll @IntRange(max = 9_000) int budget,
      @ForAll @DoubleRange(max = 0.1) double maxCost,
      @ForAll @DoubleRange(max = 1) double minQuality) {
    List<Tier> tiers = tiers(latencies, seed);
    TierPolicy policy = policy(TierStrategy.SELECT_TIER, tiers);
    TierWish wish = wish(complexity, budget, maxCost, minQuality);
    List<Tier> within =
        tiers.stream().filter(t -> affords(t, wish) && t.qualityScore() >= minQuality).toList();

    Tier chosen = TierSelection.choose(policy, tiers, wish);

    assertThat(tiers).contains(chosen);
    if (!within.isEmpty()) {
      assertThat(within).contains(chosen);
      if (complexity < 0.3) {
        assertThat(within)
            .allMatch(each -> each.latencyTargetMillis() >= chosen.latencyTargetMillis());
      } else if (complexity > 0.7) {
        assertThat(within).allMatch(each -> each.qualityScore() <= chosen.qualityScore());
      }
    } else {
      assertThat(chosen).isEqualTo(tiers.get(0)); // none of them is named standard
    }
  }

  @Property
  void theCheapestThatIsGoodEnough(
      @ForAll @Size(min = 1, max = 8) List<@IntRange(min = 1, max = 9_000) Integer> latencies,
      @ForAll @IntRange(max = 1_000_000) int seed,
      @ForAll @DoubleRange(max = 1) double complexity,
      @ForAll @IntRange(max = 9_000) int budget,
      @ForAll @DoubleRange(max = 0.1) double maxCost,
      @ForAll @DoubleRange(min = 0.01, max = 1) double minQuality) {
    List<Tier> tiers = tiers(latencies, seed);
    TierWish wish = wish(complexity, budget, maxCost, minQuality);

    Tier chosen = TierSelection.choose(policy(TierStrategy.COST_OPTIMIZED, tiers), tiers, wish);

    List<Tier> affordable = tiers.stream().filter(tier -> affords(tier, wish)).toList();
    List<Tier> of = affordable.isEmpty() ? tiers : affordable;
    List<Tier> enough =
        of.stream()
            .filter(tier -> tier.qualityScore() * (1 - complexity * 0.2) >= minQuality)
            .toList();
    if (enough.isEmpty()) {
      assertThat(of).contains(chosen);
      assertThat(of).allMatch(each -> each.qualityScore() <= chosen.qualityScore());
    } else {
      assertThat(enough).contains(chosen);
      assertThat(enough).allMatch(each -> each.costPer1kTokens() >= chosen.costPer1kTokens());
    }
  }

  private static boolean affords(Tier tier, TierWish wish) {
    int budget = wish.latencyBudgetMillis() == 0 ? 5_000 : wish.latencyBudgetMillis();
    return tier.latencyTargetMillis() <= budget
        && (wish.maxCost() == 0 || tier.costPer1kTokens() <= wish.maxCost());
  }

  private static List<Tier> tiers(List<Integer> latencies, int seed) {
    List<Tier> tiers = new ArrayList<>();
    for (int i = 0; i < latencies.size(); i++) {
      int mixed = Integer.rotateLeft((seed + i) * 0x9E3779B9, 7);
      double cost = Math.floorMod(mixed, 97) / 1_000.0;
      double quality = Math.floorMod(mixed >> 8, 101) / 100.0;
      tiers.add(tier("t" + i, latencies.get(i), cost, quality, ""));
    }
    return tiers;
  }
}
