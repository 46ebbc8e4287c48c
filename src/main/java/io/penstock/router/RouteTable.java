package io.penstock.router;

import io.penstock.bus.DrainState;
import io.penstock.fault.Fault;
import io.penstock.inference.Capability;
import io.penstock.inference.Fleet;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.Tier;
import io.penstock.inference.TierPolicy;
import io.penstock.message.ModelCard;
import io.penstock.message.Plan;
import io.penstock.message.Refusal;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.Route;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which pools serve a request: pure, changed only by reports on health and orders to drain.
 *
 * <p>A model's pools are tried in the order of the configuration. Of them are left out those that
 * can not do what the request needs, those whose context the request clearly passes, and, as long
 * as another has one, those without a usable replica, for which draining ones do not count. Where
 * none has one, the fallback model's pools follow if the fleet allows it.
 *
 * <p>Two things are known only roughly, and are then held against nobody. A pool that declares no
 * capabilities, on itself or on a listed replica, may be able to do anything: its engine will say.
 * And {@code promptTokens} is an estimate made without the model's tokenizer, so a request is only
 * refused for its length if half the estimate is still too long; {@code maxTokens} is the client's
 * own word and counts in full.
 */
final class RouteTable {
  /** Most models that an error lists. */
  static final int LISTED_MAX = 20;

  private static final int NAME_CHARS_MAX = 100;

  private final Fleet fleet;
  private final Map<ModelName, Model> models = new LinkedHashMap<>();
  private final Map<ModelName, Model> byName = new HashMap<>();
  private final Map<PoolName, PoolHealth> health = new HashMap<>();
  private DrainState drains = DrainState.NONE;

  /** A pool and what it can do; empty where it declares nothing. */
  private record Candidate(Pool pool, List<Set<Capability>> declared) {
    boolean can(Set<Capability> needs) {
      return declared.isEmpty() || declared.stream().anyMatch(set -> set.containsAll(needs));
    }

    boolean declares(Set<Capability> needs) {
      return !declared.isEmpty() && can(needs);
    }

    boolean holds(Route route) {
      return pool.contextTokens() == 0 || leastTokens(route) <= pool.contextTokens();
    }
  }

  private record Model(ModelName name, List<Candidate> candidates) {}

  RouteTable(Fleet fleet) {
    this(fleet, Map.of());
  }

  /** The table of another fleet, with what is known of the pools that it still has. */
  RouteTable with(Fleet next) {
    RouteTable table = new RouteTable(next, health);
    table.drains(drains);
    return table;
  }

  private RouteTable(Fleet fleet, Map<PoolName, PoolHealth> known) {
    this.fleet = fleet;
    for (Pool pool : fleet.pools()) {
      models
          .computeIfAbsent(pool.model(), name -> new Model(name, new ArrayList<>()))
          .candidates()
          .add(new Candidate(pool, declared(pool)));
      PoolHealth before = known.get(pool.name());
      health.put(pool.name(), before == null ? new PoolHealth(pool) : new PoolHealth(pool, before));
    }
    byName.putAll(models);
    for (Pool pool : fleet.pools()) {
      Model model = model(pool.model());
      pool.aliases().forEach(alias -> byName.putIfAbsent(alias, model));
    }
  }

  /** Takes one prober's word on one replica in. */
  void report(ReplicaStatus status) {
    PoolHealth pool = health.get(status.pool());
    if (pool != null) {
      pool.report(status);
    }
  }

  /** Takes in what gets no new work by an operator's order. */
  void drains(DrainState state) {
    drains = state;
    health.values().forEach(pool -> pool.draining(state.replicas()));
  }

  /** Decides what serves a request. */
  RouteDecision route(Route route) {
    Optional<TierPolicy> tiers = fleet.tiers().filter(t -> t.names().contains(route.model()));
    if (tiers.isPresent()) {
      return new TierRoutes(this, tiers.get()).route(route);
    }
    Model model = byName.get(route.model());
    if (model == null) {
      return notFound(route);
    }
    if (!route.allowed().isEmpty() && !route.allowed().contains(route.model())) {
      return notAllowed(route);
    }
    return route(route, model);
  }

  /** Decides for a model that the tenant may use. */
  private RouteDecision route(Route route, Model model) {
    Set<Capability> needs = needs(route);
    List<Candidate> able = matching(model.candidates(), each -> each.can(needs));
    if (able.isEmpty()) {
      return unsupported(route, model, needs);
    }
    List<Candidate> fitting = matching(able, each -> each.holds(route));
    if (fitting.isEmpty()) {
      return tooLong(route, model, able);
    }
    List<Candidate> usable = matching(fitting, each -> usable(each.pool()));
    return planned(route, model, usable.isEmpty() ? withFallback(route, fitting, needs) : usable);
  }

  /** Decides for a model of the fleet, whoever asks. */
  RouteDecision routeTo(Route route, ModelName model) {
    return route(route, model(model));
  }

  /** Whether the tenant may ask for a model of the fleet by one of its names. */
  boolean isAllowed(Route route, ModelName model) {
    return isAllowed(route, model(model));
  }

  /** Whether some pool of a model can do what a request needs, and holds it. */
  boolean serves(Route route, ModelName model) {
    Set<Capability> needs = needs(route);
    return model(model).candidates().stream().anyMatch(c -> c.can(needs) && c.holds(route));
  }

  /** The models that can do what a request needs, by the names that its tenant may use. */
  String listedFor(Route route) {
    Set<Capability> needs = needs(route);
    List<Model> able =
        models.values().stream()
            .filter(each -> isAllowed(route, each))
            .filter(each -> each.candidates().stream().anyMatch(pool -> pool.can(needs)))
            .toList();
    return listed(route, able);
  }

  /** Whether one of those pools has a replica that takes requests. */
  boolean servesNow(Route route, ModelName model) {
    Set<Capability> needs = needs(route);
    return model(model).candidates().stream()
        .anyMatch(c -> c.can(needs) && c.holds(route) && usable(c.pool()));
  }

  /** The catalogue, in the order of the configuration; what leaves the choice to us is the last. */
  List<ModelCard> cards() {
    List<ModelCard> cards = new ArrayList<>(models.values().stream().map(this::card).toList());
    fleet.tiers().ifPresent(tiers -> cards.add(TierRoutes.card(tiers, List.copyOf(cards))));
    return cards;
  }

  private List<Candidate> withFallback(Route route, List<Candidate> own, Set<Capability> needs) {
    Optional<ModelName> name = fleet.enableFallback() ? fleet.fallbackModel() : Optional.empty();
    Model fallback = name.map(byName::get).orElse(null);
    if (fallback == null || !isAllowed(route, fallback)) {
      return own;
    }
    Set<Candidate> all = new LinkedHashSet<>(own);
    List<Candidate> able =
        matching(fallback.candidates(), each -> each.can(needs) && each.holds(route));
    List<Candidate> usable = matching(able, each -> usable(each.pool()));
    all.addAll(usable.isEmpty() ? able : usable);
    return List.copyOf(all);
  }

  private boolean usable(Pool pool) {
    PoolHealth known = health.get(pool.name());
    return !drains.pools().contains(pool.name()) && (known == null || known.usable());
  }

  private static RouteDecision planned(Route route, Model model, List<Candidate> candidates) {
    return new RouteDecision.Planned(
        Plan.of(
            route.id(),
            model.name(),
            candidates.stream().map(each -> each.pool().name()).toList()));
  }

  private RouteDecision notFound(Route route) {
    String detail =
        "The model '"
            + shortened(route.model())
            + "' does not exist. Available models: "
            + listed(route, models.values())
            + ".";
    return refused(route, Fault.MODEL_NOT_FOUND, detail, "model");
  }

  private RouteDecision notAllowed(Route route) {
    String detail =
        "Tenant '"
            + route.tenant()
            + "' may not use the model '"
            + shortened(route.model())
            + "'. Available models: "
            + listed(route, models.values())
            + ".";
    return refused(route, Fault.MODEL_NOT_ALLOWED, detail, "model");
  }

  /** Whether the tenant may ask for the model by one of its names. */
  private boolean isAllowed(Route route, Model model) {
    return route.allowed().isEmpty() || name(route, model).isPresent();
  }

  /** The name under which the tenant may ask for it: its own, or an alias that it was given. */
  private Optional<ModelName> name(Route route, Model model) {
    if (route.allowed().isEmpty() || route.allowed().contains(model.name())) {
      return Optional.of(model.name());
    }
    return route.allowed().stream()
        .filter(name -> model.equals(byName.get(name)))
        .min(Comparator.naturalOrder());
  }

  private RouteDecision unsupported(Route route, Model model, Set<Capability> needs) {
    Set<Capability> missing = EnumSet.copyOf(needs);
    model.candidates().forEach(each -> each.declared().forEach(missing::removeAll));
    Set<Capability> named = missing.isEmpty() ? needs : missing;
    List<Model> able =
        models.values().stream()
            .filter(each -> isAllowed(route, each))
            .filter(each -> each.candidates().stream().anyMatch(pool -> pool.declares(needs)))
            .toList();
    String detail =
        "The model '"
            + model.name()
            + "' does not support "
            + named.stream().sorted().map(Capability::label).collect(Collectors.joining(", "))
            + (missing.isEmpty() ? " together" : "")
            + ". "
            + (able.isEmpty()
                ? "No model declares it."
                : "Models that do: " + listed(route, able) + ".");
    return refused(route, Fault.UNSUPPORTED_CAPABILITY, detail, "model");
  }

  private static RouteDecision tooLong(Route route, Model model, List<Candidate> able) {
    int longest = able.stream().mapToInt(each -> each.pool().contextTokens()).max().orElse(0);
    String detail =
        "The model '"
            + model.name()
            + "' takes at most "
            + longest
            + " tokens of prompt and completion together, but the prompt has about "
            + route.promptTokens()
            + " and max_tokens is "
            + route.maxTokens()
            + ". Shorten the prompt or lower max_tokens.";
    String param =
        switch (route.operation()) {
          case CHAT -> "messages";
          case COMPLETION -> "prompt";
          case EMBEDDINGS -> "input";
        };
    return refused(route, Fault.CONTEXT_LENGTH_EXCEEDED, detail, param);
  }

  static RouteDecision refused(Route route, Fault fault, String detail, String param) {
    return new RouteDecision.Refused(
        new Refusal(route.id(), Optional.empty(), fault, detail, param, 0));
  }

  private ModelCard card(Model model) {
    Set<ModelName> aliases = new LinkedHashSet<>();
    Set<Capability> capabilities = EnumSet.noneOf(Capability.class);
    int contextTokens = 0;
    boolean ready = false;
    for (Candidate each : model.candidates()) {
      each.pool().aliases().stream()
          .filter(alias -> model.equals(byName.get(alias)))
          .forEach(aliases::add);
      each.declared().forEach(capabilities::addAll);
      contextTokens = Math.max(contextTokens, each.pool().contextTokens());
      ready |= usable(each.pool());
    }
    return new ModelCard(
        model.name(),
        List.copyOf(aliases),
        fleet.tiers().flatMap(tiers -> tiers.tierOf(model.name())).map(Tier::level),
        List.of(),
        Set.copyOf(capabilities),
        contextTokens,
        ready);
  }

  /** What a request needs; an embeddings request needs a model that embeds. */
  private static Set<Capability> needs(Route route) {
    Set<Capability> needs = EnumSet.noneOf(Capability.class);
    needs.addAll(route.needs());
    if (route.operation() == Operation.EMBEDDINGS) {
      needs.add(Capability.EMBEDDINGS);
    }
    return needs;
  }

  /** What the pool's replicas declare, one set for each kind of them. */
  private static List<Set<Capability>> declared(Pool pool) {
    Set<Set<Capability>> sets = new LinkedHashSet<>();
    if (!pool.capabilities().isEmpty()) {
      sets.add(pool.capabilities());
    }
    if (pool.replicas() instanceof ReplicaSource.Listed listed) {
      boolean silent = false;
      for (ReplicaSpec replica : listed.replicas()) {
        silent |= replica.capabilities().isEmpty();
        if (!replica.capabilities().isEmpty()) {
          sets.add(replica.capabilities());
        }
      }
      if (silent && pool.capabilities().isEmpty()) {
        return List.of();
      }
    }
    return List.copyOf(sets);
  }

  private static long leastTokens(Route route) {
    return route.promptTokens() / 2L + route.maxTokens();
  }

  private static List<Candidate> matching(List<Candidate> from, Predicate<Candidate> keep) {
    return from.stream().filter(keep).toList();
  }

  /** Those that the tenant may use. */
  private String listed(Route route, Collection<Model> models) {
    List<String> all =
        models.stream().flatMap(each -> name(route, each).stream()).map(ModelName::value).toList();
    String names = all.stream().limit(LISTED_MAX).collect(Collectors.joining(", "));
    int more = all.size() - LISTED_MAX;
    return more > 0 ? names + " and " + more + " more" : names;
  }

  private static String shortened(ModelName name) {
    String value = name.value();
    return value.length() <= NAME_CHARS_MAX ? value : value.substring(0, NAME_CHARS_MAX) + "…";
  }

  private Model model(ModelName name) {
    @Nullable Model known = models.get(name);
    if (known == null) {
      throw new IllegalStateException("model " + name + ": unknown (expected: of the fleet)");
    }
    return known;
  }
}
