package io.penstock.admin;

import io.penstock.fault.Fault;
import io.penstock.inference.Fleet;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import io.penstock.inference.Tier;
import io.penstock.inference.TierName;
import io.penstock.message.AskDecisions;
import io.penstock.message.Decision;
import io.penstock.message.Decisions;
import io.penstock.message.Term;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Why requests went where they went: {@code decisions?request=ID}, {@code decisions?pool=NAME} and
 * both together, each with {@code last=N}.
 */
final class DecisionRoutes {
  private static final int LAST = 10;
  private static final Set<String> PARAMETERS = Set.of("request", "pool", "last");

  private final Fleets fleets;

  DecisionRoutes(Fleets fleets) {
    this.fleets = fleets;
  }

  void tell(RoutingContext context) {
    for (String name : context.request().params().names()) {
      if (!PARAMETERS.contains(name)) {
        refuse(context, name, name + ": unknown parameter (expected: request, pool or last)");
        return;
      }
    }
    String request = context.request().getParam("request");
    String pool = context.request().getParam("pool");
    if ((request == null || request.isBlank()) && pool == null) {
      refuse(
          context,
          "request",
          "neither request nor pool is named (expected: ?request=ID, the x-request-id of a request,"
              + " or ?pool=NAME)");
      return;
    }
    String last = context.request().getParam("last");
    if (last != null
        && !(last.matches("[0-9]{1,3}")
            && Integer.parseInt(last) >= 1
            && Integer.parseInt(last) <= AskDecisions.LAST_MAX)) {
      refuse(context, "last", "last: '" + last + "' (expected: 1.." + AskDecisions.LAST_MAX + ")");
      return;
    }
    List<Pool> all = fleets.now().pools();
    List<Pool> asked =
        pool == null ? all : all.stream().filter(p -> p.name().value().equals(pool)).toList();
    if (pool != null && asked.isEmpty()) {
      Answers.unknown(context, "pool", pool, all.stream().map(each -> each.name().value()));
      return;
    }
    ask(context, asked, request, last == null ? LAST : Integer.parseInt(last));
  }

  private static void refuse(RoutingContext context, String parameter, String message) {
    Answers.refuse(context, Fault.INVALID_VALUE, message, parameter);
  }

  private void ask(RoutingContext context, List<Pool> pools, @Nullable String request, int last) {
    Optional<RequestId> id =
        Optional.ofNullable(request).filter(text -> !text.isBlank()).map(RequestId::new);
    List<Future<Decisions>> told = new ArrayList<>();
    pools.forEach(pool -> told.add(fleets.decisions(pool, id, last)));
    Future.join(told)
        .onComplete(
            done -> {
              JsonArray decisions = new JsonArray();
              JsonArray silent = new JsonArray();
              for (int i = 0; i < told.size(); i++) {
                Future<Decisions> each = told.get(i);
                if (each.succeeded()) {
                  each.result().decisions().forEach(d -> decisions.add(json(each.result(), d)));
                } else {
                  silent.add(
                      new JsonObject()
                          .put("pool", pools.get(i).name().value())
                          .put("why", String.valueOf(each.cause().getMessage())));
                }
              }
              Answers.send(
                  context, 200, new JsonObject().put("decisions", decisions).put("silent", silent));
            });
  }

  private JsonObject json(Decisions by, Decision decision) {
    JsonArray rows = new JsonArray();
    decision
        .rows()
        .forEach(
            row ->
                rows.add(
                    new JsonObject()
                        .put("replica", row.replica().value())
                        .put("score", row.score())
                        .put("inputs", terms(row.inputs()))));
    JsonObject json =
        new JsonObject().put("request", decision.request().value()).put("pool", by.pool().value());
    tier(by.pool()).ifPresent(tier -> json.put("tier", tier.value()));
    decision
        .appraisal()
        .ifPresent(
            task ->
                json.put(
                    "complexity",
                    new JsonObject()
                        .put("value", task.complexity())
                        .put("by", task.by())
                        .put("why", task.why().isEmpty() ? null : task.why())));
    decision.remark().ifPresent(text -> json.put("remark", text));
    return json.put("owner", by.node().value())
        .put("grant", decision.ordinal())
        .put("age_ms", decision.ageMillis())
        .put("strategy", decision.strategy())
        .put("chosen", decision.chosen().value())
        .put("reason", decision.reason())
        .put("terms", terms(decision.terms()))
        .put("candidates", decision.candidates())
        .put("rows", rows);
  }

  /** The tier that a pool's model stands for. */
  private Optional<TierName> tier(PoolName of) {
    Fleet fleet = fleets.now();
    return fleet.pools().stream()
        .filter(pool -> pool.name().equals(of))
        .findFirst()
        .flatMap(pool -> fleet.tiers().flatMap(tiers -> tiers.tierOf(pool.model())))
        .map(Tier::level);
  }

  private static JsonObject terms(List<Term> terms) {
    JsonObject all = new JsonObject();
    terms.forEach(term -> all.put(term.name(), term.value()));
    return all;
  }
}
