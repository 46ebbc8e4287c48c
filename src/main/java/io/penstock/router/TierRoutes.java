package io.penstock.router;

import io.penstock.fault.Fault;
import io.penstock.inference.Capability;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.Tier;
import io.penstock.inference.TierName;
import io.penstock.inference.TierPolicy;
import io.penstock.inference.TierWish;
import io.penstock.message.ModelCard;
import io.penstock.message.Plan;
import io.penstock.message.Refusal;
import io.penstock.message.Route;
import io.penstock.message.Stage;
import io.penstock.tiers.TierSelection;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Which tier serves a request that leaves the choice to the router. Of the tiers whose models the
 * tenant may use, those are left out that can not do what the request needs or do not hold it, and,
 * as long as another has one, those without a usable replica; then the policy chooses. So it is
 * with the tiers above. A tier that the client names is the one, and none above it follows.
 * Embeddings are refused: whoever compares vectors needs all of them from one model. Pure.
 */
final class TierRoutes {
  private final RouteTable table;
  private final TierPolicy policy;

  TierRoutes(RouteTable table, TierPolicy policy) {
    this.table = table;
    this.policy = policy;
  }

  RouteDecision route(Route route) {
    if (route.operation() == Operation.EMBEDDINGS) {
      return notForEmbeddings(route);
    }
    TierWish wish = route.wish().orElse(TierWish.NONE);
    Optional<TierName> named = wish.tier();
    if (named.isPresent() && policy.tier(named.get()).isEmpty()) {
      return RouteTable.refused(
          route,
          Fault.INVALID_VALUE,
          "x-penstock-tier: '"
              + named.get()
              + "' (expected: one of "
              + levels(policy.tiers())
              + ")",
          "x-penstock-tier");
    }
    List<Tier> asked = named.flatMap(policy::tier).map(List::of).orElse(policy.tiers());
    List<Tier> allowed = matching(asked, tier -> table.isAllowed(route, tier.model()));
    if (allowed.isEmpty()) {
      return notAllowed(route, asked);
    }
    List<Tier> able = matching(allowed, tier -> table.serves(route, tier.model()));
    if (able.isEmpty()) {
      return table.routeTo(route, mostAble(allowed).model()); // which says why it does not
    }
    List<Tier> usable = matching(able, tier -> table.servesNow(route, tier.model()));
    List<Tier> candidates = usable.isEmpty() ? able : usable;
    Tier chosen = TierSelection.choose(policy, candidates, wish);
    return planned(route, chosen, named.isPresent() ? List.of() : above(candidates, able, chosen));
  }

  /**
   * The tiers above that have a usable replica. Where none has, those that could serve it all the
   * same: an answer is judged whether there is a better one to be had just now or not, and its
   * client is told so.
   */
  private List<Tier> above(List<Tier> candidates, List<Tier> able, Tier chosen) {
    int most = policy.cascade().map(cascade -> cascade.maxCascades()).orElse(0);
    List<Tier> usable = TierSelection.above(policy, candidates, chosen, most);
    return usable.isEmpty() ? TierSelection.above(policy, able, chosen, most) : usable;
  }

  /** Of tiers that all can not serve a request, the one whose reason says most: the best. */
  private static Tier mostAble(List<Tier> tiers) {
    Tier best = tiers.get(0);
    for (Tier each : tiers) {
      best = each.qualityScore() > best.qualityScore() ? each : best;
    }
    return best;
  }

  private RouteDecision planned(Route route, Tier chosen, List<Tier> above) {
    List<Stage> higher = above.stream().flatMap(tier -> stage(route, tier).stream()).toList();
    return stage(route, chosen)
        .<RouteDecision>map(
            own ->
                new RouteDecision.Planned(
                    new Plan(
                        route.id(), own.model(), own.pools(), Optional.of(own.tier()), higher)))
        .orElseGet(() -> table.routeTo(route, chosen.model()));
  }

  private Optional<Stage> stage(Route route, Tier tier) {
    Found found = new Found();
    table.routeTo(route, tier.model()).tell(found);
    return found.plan.map(plan -> new Stage(tier.level(), plan.model(), plan.pools()));
  }

  /** Takes a plan out of a decision. */
  private static final class Found implements RouteDecision.Outlet {
    private Optional<Plan> plan = Optional.empty();

    @Override
    public void planned(Plan found) {
      plan = Optional.of(found);
    }

    @Override
    public void refused(Refusal refusal) {}
  }

  private RouteDecision notForEmbeddings(Route route) {
    String able = table.listedFor(route);
    return RouteTable.refused(
        route,
        Fault.UNSUPPORTED_CAPABILITY,
        "model: '"
            + route.model()
            + "' leaves the choice of a model to the router, and vectors of different models can"
            + " not be compared (expected: the name of a model that embeds"
            + (able.isEmpty() ? "; there is none)" : ": " + able + ")"),
        "model");
  }

  private static RouteDecision notAllowed(Route route, List<Tier> asked) {
    return RouteTable.refused(
        route,
        Fault.MODEL_NOT_ALLOWED,
        "Tenant '"
            + route.tenant()
            + "' may not use "
            + (asked.size() == 1 ? "the tier " : "any of the tiers ")
            + asked.stream()
                .map(tier -> tier.level() + " (" + tier.model() + ")")
                .collect(Collectors.joining(", "))
            + ".",
        "model");
  }

  private static String levels(List<Tier> tiers) {
    return tiers.stream().map(tier -> tier.level().value()).collect(Collectors.joining(", "));
  }

  private static List<Tier> matching(List<Tier> of, Predicate<Tier> keep) {
    return of.stream().filter(keep).toList();
  }

  /**
   * The row of the catalogue for the choice: it can what one of the tiers can, but for embeddings.
   *
   * @param cards of the models
   */
  static ModelCard card(TierPolicy policy, List<ModelCard> cards) {
    Set<ModelName> models = policy.tiers().stream().map(Tier::model).collect(Collectors.toSet());
    List<ModelName> among = new ArrayList<>();
    Set<Capability> capabilities = EnumSet.noneOf(Capability.class);
    int contextTokens = 0;
    boolean ready = false;
    for (ModelCard each : cards) {
      if (models.contains(each.model())) {
        among.add(each.model());
        among.addAll(each.aliases());
        capabilities.addAll(each.capabilities());
        contextTokens = Math.max(contextTokens, each.contextTokens());
        ready |= each.ready();
      }
    }
    capabilities.remove(Capability.EMBEDDINGS); // which it refuses
    return new ModelCard(
        policy.names().get(0),
        policy.names().subList(1, policy.names().size()),
        Optional.empty(),
        List.copyOf(among),
        Set.copyOf(capabilities),
        contextTokens,
        ready);
  }
}
