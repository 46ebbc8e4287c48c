package io.penstock.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.bus.DrainState;
import io.penstock.fake.Pools;
import io.penstock.fault.Fault;
import io.penstock.inference.Capability;
import io.penstock.inference.Fleet;
import io.penstock.inference.ModelName;
import io.penstock.inference.NodeId;
import io.penstock.inference.Operation;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import io.penstock.message.ModelCard;
import io.penstock.message.Plan;
import io.penstock.message.Refusal;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.Room;
import io.penstock.message.Route;
import io.penstock.message.Station;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RouteTableTest {
  private static final Station INGRESS = new Station(new NodeId("i"), Room.INGRESS, 0);

  static ReplicaSpec spec(String id, Capability... can) {
    return new ReplicaSpec(new ReplicaId(id), "http://" + id, 1, 8, Set.of(can), "");
  }

  /** A pool of one replica named after it. */
  static Pool pool(
      String name, String model, List<String> aliases, Set<Capability> can, int context) {
    return pool(name, model, aliases, can, context, spec(name + "-0"));
  }

  private static Pool pool(
      String name,
      String model,
      List<String> aliases,
      Set<Capability> can,
      int context,
      ReplicaSpec replica) {
    return Pools.of(name, model)
        .aliases(aliases.stream().map(ModelName::new).toList())
        .replicas(List.of(replica))
        .capabilities(can)
        .contextTokens(context)
        .make();
  }

  static Fleet fleet(String fallback, Pool... pools) {
    return new Fleet(
        List.of(pools),
        !fallback.isEmpty(),
        fallback.isEmpty() ? Optional.empty() : Optional.of(new ModelName(fallback)),
        "");
  }

  static Route route(String model, Operation operation, int prompt, int max, Capability... needs) {
    return new Route(
        new RequestId("q"),
        INGRESS,
        new TenantId("t"),
        new ModelName(model),
        operation,
        Set.of(needs),
        prompt,
        max,
        Set.of(),
        Optional.empty());
  }

  private static Route allowedTo(Route of, String... names) {
    return new Route(
        of.id(),
        of.replyTo(),
        of.tenant(),
        of.model(),
        of.operation(),
        of.needs(),
        of.promptTokens(),
        of.maxTokens(),
        java.util.Arrays.stream(names)
            .map(ModelName::new)
            .collect(java.util.stream.Collectors.toSet()),
        of.wish());
  }

  static Route chat(String model, Capability... needs) {
    return route(model, Operation.CHAT, 10, 0, needs);
  }

  @Test
  void aTenantIsServedOnlyByWhatItMayAskFor() {
    RouteTable table =
        new RouteTable(
            fleet(
                "small",
                pool("large", "large", List.of(), Set.of(), 0),
                pool("small", "small", List.of(), Set.of(), 0)));

    RouteDecision no = table.route(allowedTo(chat("large"), "small"));
    assertThat(no)
        .isInstanceOfSatisfying(
            RouteDecision.Refused.class,
            refused -> {
              assertThat(refused.refusal().fault()).isEqualTo(Fault.MODEL_NOT_ALLOWED);
              assertThat(refused.refusal().detail())
                  .isEqualTo("Tenant 't' may not use the model 'large'. Available models: small.");
            });
    health(table, "large", ReplicaState.UNHEALTHY);
    assertThat(pools(table.route(allowedTo(chat("large"), "large"))))
        .as("no fallback to a model that it may not use")
        .containsExactly("large");
    assertThat(pools(table.route(allowedTo(chat("large"), "large", "small"))))
        .containsExactly("large", "small");
  }

  static void health(RouteTable table, String pool, ReplicaState state) {
    table.report(
        new ReplicaStatus(
            new PoolName(pool),
            spec(pool + "-0"),
            state,
            Optional.empty(),
            "",
            Optional.empty(),
            0,
            Optional.empty()));
  }

  private static Plan plan(RouteDecision decision) {
    assertThat(decision).isInstanceOf(RouteDecision.Planned.class);
    return ((RouteDecision.Planned) decision).plan();
  }

  private static List<String> pools(RouteDecision decision) {
    return plan(decision).pools().stream().map(PoolName::value).toList();
  }

  private static Refusal refusal(RouteDecision decision) {
    assertThat(decision).isInstanceOf(RouteDecision.Refused.class);
    return ((RouteDecision.Refused) decision).refusal();
  }

  @Test
  void plansTheModelsPoolsInConfiguredOrderByNameOrAlias() {
    RouteTable table =
        new RouteTable(
            fleet(
                "",
                pool("a1", "alpha", List.of("gpt-4o"), Set.of(), 0),
                pool("b", "beta", List.of("alpha"), Set.of(), 0),
                pool("a2", "alpha", List.of(), Set.of(), 0)));
    assertThat(pools(table.route(chat("alpha")))).containsExactly("a1", "a2");
    assertThat(plan(table.route(chat("gpt-4o"))).model()).isEqualTo(new ModelName("alpha"));
    assertThat(pools(table.route(chat("gpt-4o")))).containsExactly("a1", "a2");
  }

  @Test
  void anotherFleetKeepsWhatIsKnownOfPoolsThatStay() {
    RouteTable table =
        new RouteTable(
            fleet(
                "",
                pool("a1", "alpha", List.of(), Set.of(), 0),
                pool("a2", "alpha", List.of(), Set.of(), 0),
                pool("a3", "alpha", List.of(), Set.of(), 0)));
    health(table, "a1", ReplicaState.UNHEALTHY);
    table.drains(new DrainState(Set.of(), Set.of(new PoolName("a3"))));

    RouteTable next =
        table.with(
            fleet(
                "",
                pool("a1", "alpha", List.of("first"), Set.of(), 0),
                pool("a3", "alpha", List.of(), Set.of(), 0),
                pool("a4", "alpha", List.of(), Set.of(), 0),
                pool("b1", "beta", List.of(), Set.of(), 0)));

    assertThat(pools(next.route(chat("first")))).containsExactly("a4");
    assertThat(pools(next.route(chat("beta")))).containsExactly("b1");
    health(next, "a1", ReplicaState.HEALTHY);
    assertThat(pools(next.route(chat("alpha")))).containsExactly("a1", "a4");
    assertThat(refusal(next.with(fleet("")).route(chat("alpha"))).fault())
        .isEqualTo(Fault.MODEL_NOT_FOUND);
  }

  @Test
  void whatIsKnownOfAReplicaIsOfTheEngineAtItsAddress() {
    Pool here = pool("a1", "alpha", List.of(), Set.of(), 0);
    Pool other = pool("a2", "alpha", List.of(), Set.of(), 0);
    RouteTable table = new RouteTable(fleet("", here, other));
    health(table, "a1", ReplicaState.UNHEALTHY);
    Pool moved =
        pool(
            "a1",
            "alpha",
            List.of(),
            Set.of(),
            0,
            new ReplicaSpec(new ReplicaId("a1-0"), "http://elsewhere", 1, 8, Set.of(), ""));
    RouteTable next = table.with(fleet("", moved, other));
    assertThat(pools(next.route(chat("alpha")))).containsExactly("a1", "a2");
    health(next, "a1", ReplicaState.UNHEALTHY);
    assertThat(pools(next.route(chat("alpha"))))
        .as("of the engine before, by a prober that still goes by the old list")
        .containsExactly("a1", "a2");
  }

  @Test
  void skipsAPoolWithoutAUsableReplicaOnlyWhileAnotherHasOne() {
    RouteTable table =
        new RouteTable(
            fleet(
                "",
                pool("a1", "alpha", List.of(), Set.of(), 0),
                pool("a2", "alpha", List.of(), Set.of(), 0)));
    health(table, "a1", ReplicaState.UNHEALTHY);
    assertThat(pools(table.route(chat("alpha")))).containsExactly("a2");
    health(table, "a2", ReplicaState.STARTING);
    assertThat(pools(table.route(chat("alpha")))).containsExactly("a1", "a2");
    health(table, "a1", ReplicaState.HEALTHY);
    assertThat(pools(table.route(chat("alpha")))).containsExactly("a1");
    health(table, "a1", ReplicaState.REMOVED);
    assertThat(pools(table.route(chat("alpha"))))
        .as("a prober that does not list it has no say on a written list")
        .containsExactly("a1");
    health(table, "a1", ReplicaState.UNHEALTHY);
    health(table, "a2", ReplicaState.HEALTHY);
    assertThat(pools(table.route(chat("alpha")))).containsExactly("a2");
  }

  @Test
  void fallsBackOnlyWhenNothingOfItsOwnIsUsable() {
    RouteTable table =
        new RouteTable(
            fleet(
                "small",
                pool("a", "alpha", List.of(), Set.of(), 0),
                pool("s1", "small", List.of(), Set.of(), 0),
                pool("s2", "small", List.of(), Set.of(Capability.TOOLS), 0)));
    assertThat(pools(table.route(chat("alpha")))).containsExactly("a");
    health(table, "a", ReplicaState.UNHEALTHY);
    assertThat(pools(table.route(chat("alpha")))).containsExactly("a", "s1", "s2");
    assertThat(plan(table.route(chat("alpha"))).model()).isEqualTo(new ModelName("alpha"));
    assertThat(pools(table.route(chat("alpha", Capability.VISION)))).containsExactly("a", "s1");
    health(table, "s1", ReplicaState.UNHEALTHY);
    assertThat(pools(table.route(chat("alpha")))).containsExactly("a", "s2");
    health(table, "s2", ReplicaState.UNHEALTHY);
    assertThat(pools(table.route(chat("small")))).containsExactly("s1", "s2");
  }

  @Test
  void anUnknownModelIsToldWhichThereAre() {
    RouteTable table =
        new RouteTable(
            fleet(
                "beta",
                pool("a", "alpha", List.of(), Set.of(), 0),
                pool("b", "beta", List.of(), Set.of(), 0)));
    Refusal refusal = refusal(table.route(chat("gamma")));
    assertThat(refusal.fault()).isEqualTo(Fault.MODEL_NOT_FOUND);
    assertThat(refusal.detail())
        .isEqualTo("The model 'gamma' does not exist. Available models: alpha, beta.");
    assertThat(refusal.param()).isEqualTo("model");
    assertThat(refusal.pool()).isEmpty();
  }

  @Test
  void whatItListsIsBounded() {
    List<Pool> many = new ArrayList<>();
    for (int i = 0; i < 25; i++) {
      many.add(pool("p" + i, "m" + i, List.of(), Set.of(), 0));
    }
    RouteTable table = new RouteTable(fleet("", many.toArray(new Pool[0])));
    String detail = refusal(table.route(chat("x".repeat(5_000)))).detail();
    assertThat(detail).contains("m19 and 5 more.").doesNotContain("m20").hasSizeLessThan(500);
  }

  @Test
  void namesTheCapabilityThatIsMissingAndWhoHasIt() {
    RouteTable table =
        new RouteTable(
            fleet(
                "",
                pool("a", "alpha", List.of(), Set.of(Capability.TOOLS), 0),
                pool("b", "beta", List.of(), Set.of(Capability.TOOLS, Capability.VISION), 0),
                pool("c", "gamma", List.of(), Set.of(), 0)));
    Refusal refusal = refusal(table.route(chat("alpha", Capability.VISION, Capability.TOOLS)));
    assertThat(refusal.fault()).isEqualTo(Fault.UNSUPPORTED_CAPABILITY);
    assertThat(refusal.detail())
        .isEqualTo("The model 'alpha' does not support vision. Models that do: beta.");
    assertThat(refusal(table.route(chat("alpha", Capability.AUDIO))).detail())
        .isEqualTo("The model 'alpha' does not support audio. No model declares it.");
    assertThat(pools(table.route(chat("gamma", Capability.AUDIO)))).containsExactly("c");
  }

  @Test
  void anEmbeddingsRequestNeedsAModelThatDoesNotDeclareOtherwise() {
    RouteTable table =
        new RouteTable(
            fleet(
                "",
                pool("a", "alpha", List.of(), Set.of(Capability.TOOLS), 0),
                pool("e", "embed", List.of(), Set.of(Capability.EMBEDDINGS), 0),
                pool("u", "undeclared", List.of(), Set.of(), 0)));
    assertThat(refusal(table.route(route("alpha", Operation.EMBEDDINGS, 1, 0))).detail())
        .isEqualTo("The model 'alpha' does not support embeddings. Models that do: embed.");
    assertThat(pools(table.route(route("embed", Operation.EMBEDDINGS, 1, 0)))).containsExactly("e");
    assertThat(pools(table.route(route("undeclared", Operation.EMBEDDINGS, 1, 0))))
        .containsExactly("u");
  }

  @Test
  void refusesForLengthOnlyWhatIsClearlyTooLong() {
    RouteTable table =
        new RouteTable(
            fleet(
                "",
                pool("short", "alpha", List.of(), Set.of(), 1_000),
                pool("long", "alpha", List.of(), Set.of(), 4_000),
                pool("free", "beta", List.of(), Set.of(), 0)));
    assertThat(pools(table.route(route("alpha", Operation.CHAT, 1_800, 100))))
        .containsExactly("short", "long");
    assertThat(pools(table.route(route("alpha", Operation.CHAT, 1_800, 101))))
        .containsExactly("long");
    Refusal refusal = refusal(table.route(route("alpha", Operation.COMPLETION, 8_000, 1)));
    assertThat(refusal.fault()).isEqualTo(Fault.CONTEXT_LENGTH_EXCEEDED);
    assertThat(refusal.detail())
        .isEqualTo(
            "The model 'alpha' takes at most 4000 tokens of prompt and completion together, but the"
                + " prompt has about 8000 and max_tokens is 1. Shorten the prompt or lower"
                + " max_tokens.");
    assertThat(refusal.param()).isEqualTo("prompt");
    assertThat(
            pools(table.route(route("beta", Operation.CHAT, Integer.MAX_VALUE, Integer.MAX_VALUE))))
        .containsExactly("free");
  }

  @Test
  void theCatalogueMergesPoolsOfAModel() {
    RouteTable table =
        new RouteTable(
            fleet(
                "",
                pool("a1", "alpha", List.of("x"), Set.of(Capability.TOOLS), 1_000),
                pool("b", "beta", List.of("x", "y"), Set.of(), 0),
                pool("a2", "alpha", List.of("z"), Set.of(Capability.VISION), 4_000)));
    health(table, "b", ReplicaState.UNHEALTHY);
    assertThat(table.cards())
        .containsExactly(
            new ModelCard(
                new ModelName("alpha"),
                List.of(new ModelName("x"), new ModelName("z")),
                Optional.empty(),
                List.of(),
                Set.of(Capability.TOOLS, Capability.VISION),
                4_000,
                true),
            new ModelCard(
                new ModelName("beta"),
                List.of(new ModelName("y")),
                Optional.empty(),
                List.of(),
                Set.of(),
                0,
                false));
  }
}
