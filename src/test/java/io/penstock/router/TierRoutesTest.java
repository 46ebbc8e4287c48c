package io.penstock.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.Capability;
import io.penstock.inference.CascadePolicy;
import io.penstock.inference.Fleet;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.Tier;
import io.penstock.inference.TierName;
import io.penstock.inference.TierPolicy;
import io.penstock.inference.TierStrategy;
import io.penstock.inference.TierWish;
import io.penstock.inference.TokenPrice;
import io.penstock.message.ModelCard;
import io.penstock.message.Plan;
import io.penstock.message.Refusal;
import io.penstock.message.Route;
import io.penstock.message.Stage;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class TierRoutesTest {
  private static final Pool SMALL =
      RouteTableTest.pool("small", "small-8b", List.of("s"), Set.of(), 1_000);
  private static final Pool MIDDLE =
      RouteTableTest.pool("middle", "middle-70b", List.of(), Set.of(Capability.TOOLS), 8_000);
  private static final Pool LARGE =
      RouteTableTest.pool("large", "large-405b", List.of(), Set.of(), 64_000);

  private static Tier tier(String level, Pool pool, int latency, double quality, String above) {
    return new Tier(
        new TierName(level),
        pool.model(),
        latency,
        quality,
        new TokenPrice(1, 1),
        quality,
        above.isEmpty() ? Optional.empty() : Optional.of(new TierName(above)));
  }

  private static RouteTable table(boolean cascades) {
    TierPolicy tiers =
        new TierPolicy(
            List.of(new ModelName("auto"), new ModelName("any")),
            List.of(
                tier("fast", SMALL, 500, 0.7, "standard"),
                tier("standard", MIDDLE, 2_000, 0.9, "quality"),
                tier("quality", LARGE, 5_000, 1, "")),
            new TierName("standard"),
            TierStrategy.SELECT_TIER,
            0.8,
            5_000,
            0.7,
            Optional.empty(),
            cascades
                ? Optional.of(
                    new CascadePolicy(
                        2, 1_024, 1_024, 0, true, true, Optional.empty(), Optional.empty()))
                : Optional.empty());
    return new RouteTable(
        new Fleet(
            List.of(SMALL, MIDDLE, LARGE), true, Optional.empty(), Optional.of(tiers), "hash"));
  }

  private static Route route(
      TierWish wish, int promptTokens, Set<Capability> needs, String... allowed) {
    Route plain = RouteTableTest.route("auto", Operation.CHAT, promptTokens, 0);
    return new Route(
        plain.id(),
        plain.replyTo(),
        plain.tenant(),
        plain.model(),
        plain.operation(),
        needs,
        promptTokens,
        0,
        Arrays.stream(allowed).map(ModelName::new).collect(Collectors.toSet()),
        Optional.of(wish));
  }

  private static TierWish complexity(double complexity) {
    return new TierWish(Optional.empty(), complexity, 0, 0, 0);
  }

  private static TierWish named(String tier) {
    return new TierWish(Optional.of(new TierName(tier)), 0, 0, 0, 0);
  }

  private static String decided(RouteDecision decision) {
    StringBuilder text = new StringBuilder();
    decision.tell(
        new RouteDecision.Outlet() {
          @Override
          public void planned(Plan plan) {
            text.append(plan.tier().map(TierName::value).orElse("no tier"))
                .append(' ')
                .append(plan.model())
                .append(' ')
                .append(plan.pools());
            for (Stage each : plan.higher()) {
              text.append(" > ").append(each.tier()).append(' ').append(each.pools());
            }
          }

          @Override
          public void refused(Refusal refusal) {
            text.append(refusal.fault().code()).append(": ").append(refusal.detail());
          }
        });
    return text.toString();
  }

  @Test
  void aTierIsChosenByComplexity() {
    RouteTable table = table(false);
    assertThat(decided(table.route(route(complexity(0.1), 10, Set.of()))))
        .isEqualTo("fast small-8b [small]");
    assertThat(decided(table.route(route(complexity(0.5), 10, Set.of()))))
        .isEqualTo("standard middle-70b [middle]");
    assertThat(decided(table.route(route(complexity(0.9), 10, Set.of()))))
        .isEqualTo("quality large-405b [large]");
  }

  @Test
  void aCascadeHasTheTiersAbove() {
    assertThat(decided(table(true).route(route(complexity(0.1), 10, Set.of()))))
        .isEqualTo("fast small-8b [small] > standard [middle] > quality [large]");
    assertThat(decided(table(true).route(route(complexity(0.9), 10, Set.of()))))
        .isEqualTo("quality large-405b [large]");
  }

  @Test
  void whatATenantMayNotUseIsNotChosen() {
    RouteTable table = table(true);
    assertThat(decided(table.route(route(complexity(0.1), 10, Set.of(), "large-405b"))))
        .isEqualTo("quality large-405b [large]");
    assertThat(decided(table.route(route(complexity(0.9), 10, Set.of(), "s"))))
        .as("by an alias")
        .isEqualTo("fast small-8b [small]");
    assertThat(decided(table.route(route(complexity(0.1), 10, Set.of(), "s", "large-405b"))))
        .isEqualTo("fast small-8b [small] > quality [large]");
    assertThat(decided(table.route(route(complexity(0.1), 10, Set.of(), "other"))))
        .isEqualTo(
            "model_not_allowed: Tenant 't' may not use any of the tiers fast (small-8b), standard"
                + " (middle-70b), quality (large-405b).");
  }

  @Test
  void aTierThatIsNamedIsTheOne() {
    RouteTable table = table(true);
    assertThat(decided(table.route(route(named("standard"), 10, Set.of()))))
        .isEqualTo("standard middle-70b [middle]");
    assertThat(decided(table.route(route(named("best"), 10, Set.of()))))
        .isEqualTo(
            "invalid_value: x-penstock-tier: 'best' (expected: one of fast, standard, quality)");
    assertThat(decided(table.route(route(named("quality"), 10, Set.of(), "s"))))
        .isEqualTo("model_not_allowed: Tenant 't' may not use the tier quality (large-405b).");
  }

  @Test
  void whatCanNotServeItIsLeftOut() {
    RouteTable table = table(true);
    assertThat(decided(table.route(route(complexity(0.1), 4_000, Set.of()))))
        .as("too long for the fast one")
        .isEqualTo("standard middle-70b [middle] > quality [large]");
    assertThat(decided(table.route(route(complexity(0.1), 1_000_000, Set.of()))))
        .startsWith("context_length_exceeded: The model 'large-405b' takes at most 64000 tokens");
    RouteTableTest.health(table, "small", ReplicaState.UNHEALTHY);
    assertThat(decided(table.route(route(complexity(0.1), 10, Set.of()))))
        .as("fast is down: of those that are left and fit, the fastest")
        .isEqualTo("standard middle-70b [middle] > quality [large]");
    RouteTableTest.health(table, "middle", ReplicaState.UNHEALTHY);
    RouteTableTest.health(table, "large", ReplicaState.UNHEALTHY);
    assertThat(decided(table.route(route(complexity(0.1), 10, Set.of()))))
        .as("all are down: their owners know better")
        .startsWith("fast small-8b [small]");
  }

  @Test
  void withoutAWishItIsNeitherSimpleNorComplex() {
    assertThat(decided(table(false).route(RouteTableTest.route("any", Operation.CHAT, 10, 0))))
        .isEqualTo("standard middle-70b [middle]");
  }

  @Test
  void whereNoTierAboveIsUsableTheyAreThereAllTheSame() {
    RouteTable table = table(true);
    RouteTableTest.health(table, "middle", ReplicaState.UNHEALTHY);
    assertThat(decided(table.route(route(complexity(0.1), 10, Set.of()))))
        .isEqualTo("fast small-8b [small] > quality [large]");
    RouteTableTest.health(table, "large", ReplicaState.UNHEALTHY);
    assertThat(decided(table.route(route(complexity(0.1), 10, Set.of()))))
        .as("a draft is judged, and its client told that there was nobody above")
        .isEqualTo("fast small-8b [small] > standard [middle] > quality [large]");
  }

  @Test
  void embeddingsWantOneModel() {
    assertThat(decided(table(true).route(RouteTableTest.route("any", Operation.EMBEDDINGS, 10, 0))))
        .isEqualTo(
            "unsupported_capability: model: 'any' leaves the choice of a model to the router, and"
                + " vectors of different models can not be compared (expected: the name of a model"
                + " that embeds: small-8b, large-405b)");
  }

  @Test
  void aModelByItsNameIsNoTier() {
    assertThat(decided(table(true).route(RouteTableTest.route("s", Operation.CHAT, 10, 0))))
        .isEqualTo("no tier small-8b [small]");
  }

  @Test
  void theCatalogueNamesTiersAndTheChoice() {
    List<ModelCard> cards = table(false).cards();
    assertThat(cards)
        .extracting(card -> card.tier().map(TierName::value).orElse(""))
        .containsExactly("fast", "standard", "quality", "");
    ModelCard choice = cards.get(3);
    assertThat(choice.model()).hasToString("auto");
    assertThat(choice.aliases()).hasToString("[any]");
    assertThat(choice.chosenAmong()).hasToString("[small-8b, s, middle-70b, large-405b]");
    assertThat(choice.contextTokens()).isEqualTo(64_000);
    assertThat(choice.ready()).isTrue();
  }
}
