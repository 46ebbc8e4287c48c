package io.penstock.admin;

import io.penstock.bus.View;
import io.penstock.fault.Fault;
import io.penstock.inference.Fleet;
import io.penstock.inference.LimitShare;
import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.message.CacheReport;
import io.penstock.message.KvReport;
import io.penstock.message.PoolReport;
import io.penstock.message.QueueDepth;
import io.penstock.message.ReplicaReport;
import io.penstock.message.RequestPlace;
import io.penstock.message.TenantDepth;
import io.penstock.openai.ErrorBody;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The answers of the admin API. */
final class Json {
  private Json() {}

  static JsonObject fleet(Fleet fleet, List<PoolLook> pools) {
    JsonArray rows = new JsonArray();
    pools.forEach(pool -> rows.add(pool(pool)));
    JsonArray silent = new JsonArray();
    pools.stream()
        .filter(pool -> pool.report().isEmpty())
        .forEach(
            pool ->
                silent.add(
                    new JsonObject()
                        .put("pool", pool.pool().name().value())
                        .put("owner", pool.owner().map(Json::owner).orElse(null))
                        .put("why", pool.why())));
    return new JsonObject()
        .put("fleet_hash", fleet.hash())
        .put("pools", rows)
        .put("silent", silent);
  }

  static JsonObject pools(List<PoolLook> pools) {
    JsonArray rows = new JsonArray();
    pools.forEach(pool -> rows.add(queue(pool)));
    return new JsonObject().put("pools", rows);
  }

  /** One pool with its queue, and with its replicas and tenants. */
  static JsonObject poolInFull(PoolLook look) {
    JsonObject row = queue(look);
    look.report()
        .ifPresent(
            report -> {
              JsonArray tenants = new JsonArray();
              report.tenants().forEach(tenant -> tenants.add(tenant(tenant)));
              JsonArray replicas = new JsonArray();
              report.replicas().forEach(replica -> replicas.add(replica(replica)));
              row.put("tenants", tenants)
                  .put(
                      "other_tenants",
                      new JsonObject()
                          .put("rows", report.otherRows())
                          .put("waiting", report.otherWaiting())
                          .put("live", report.otherLive()))
                  .put("replicas", replicas);
            });
    return row;
  }

  private static JsonObject queue(PoolLook look) {
    JsonObject row = head(look);
    look.report()
        .ifPresentOrElse(
            report -> {
              JsonObject queue = new JsonObject();
              report.waiting().forEach(d -> queue.put(d.priority().label(), depth(d)));
              row.put("draining", report.draining())
                  .put("healthy", report.healthy())
                  .put("slots", report.slots())
                  .put("live", report.liveSum())
                  .put("granted", report.grants())
                  .put("queue", queue)
                  .put("prefix_cache", caches(report));
            },
            () -> row.put("why", look.why()));
    return row;
  }

  private static JsonObject caches(PoolReport report) {
    CacheReport sum = CacheReport.NONE;
    JsonArray rows = new JsonArray();
    for (ReplicaReport each : report.replicas()) {
      if (each.cache().isPresent()) {
        sum = sum.plus(each.cache().get());
        JsonObject row = cache(each.cache().get()).put("id", each.replica().value());
        each.kvEvents().ifPresent(events -> row.put("kv_events", kvEvents(events)));
        rows.add(row);
      }
    }
    return cache(sum).put("replicas", rows);
  }

  private static JsonObject cache(CacheReport cache) {
    return new JsonObject()
        .put("answers", cache.answers())
        .put("prompt_tokens", cache.promptTokens())
        .put("cached_tokens", cache.cachedTokens())
        .put("predicted_tokens", cache.predictedTokens())
        .put("hit_share", share(cache.cachedTokens(), cache.promptTokens()))
        .put("predicted_share", share(cache.predictedTokens(), cache.promptTokens()))
        .put("index_hashes", cache.indexHashes())
        .put("index_bytes", cache.indexBytes())
        .put("index_bytes_max", cache.indexBytesMax());
  }

  private static JsonObject kvEvents(KvReport report) {
    JsonObject row =
        new JsonObject()
            .put("silent", report.silent())
            .put("holds_tokens", known(report.holdsTokens()))
            .put("from_events", report.fromEvents());
    report
        .state()
        .ifPresent(
            state ->
                row.put("following", state.following())
                    .put("whole", state.whole())
                    .put("blocks", state.blocks())
                    .put("tokens", state.tokens())
                    .put("keeps_tokens", known(state.keepsTokens()))
                    .put("stored_tokens", state.storedTokens())
                    .put("removed_tokens", state.removedTokens())
                    .put("emptied", state.empties())
                    .put("batches", state.batches())
                    .put("events", state.events())
                    .put("gaps", state.gaps())
                    .put("replays", state.replays())
                    .put("restarts", state.restarts())
                    .put("losses", state.losses())
                    .put("overflows", state.overflows())
                    .put("malformed", state.malformed())
                    .put("age_ms", known(state.ageMillis())));
    return row;
  }

  /** In thousandths; null of nothing. */
  private static @Nullable Double share(long part, long of) {
    return of == 0 ? null : Math.round(1_000.0 * part / of) / 1_000.0;
  }

  private static JsonObject depth(QueueDepth depth) {
    return new JsonObject()
        .put("waiting", depth.requests())
        .put("bytes", depth.bytes())
        .put("oldest_ms", depth.oldestMillis())
        .put("predicted_wait_ms", known(depth.waitMillis()));
  }

  private static JsonObject tenant(TenantDepth tenant) {
    return new JsonObject()
        .put("tenant", tenant.tenant().value())
        .put("class", tenant.priority().label())
        .put("weight", tenant.weight())
        .put("waiting", tenant.waiting())
        .put("live", tenant.live())
        .put("predicted_wait_ms", known(tenant.waitMillis()));
  }

  static JsonObject request(PoolName pool, RequestPlace place) {
    JsonObject row =
        new JsonObject()
            .put("id", place.id().value())
            .put("pool", pool.value())
            .put("tenant", place.tenant().value())
            .put("class", place.priority().label());
    if (place.replica().isPresent()) {
      return row.put("state", "running")
          .put("replica", place.replica().get().value())
          .put("running_ms", place.sinceMillis());
    }
    return row.put("state", "waiting")
        .put("position", place.place())
        .put("waited_ms", place.sinceMillis())
        .put("predicted_wait_ms", known(place.waitMillis()))
        .put("refused_in_ms", place.leftMillis());
  }

  /** Null where nothing can be said. */
  private static @Nullable Long known(long millis) {
    return millis < 0 ? null : millis;
  }

  private static JsonObject pool(PoolLook look) {
    JsonObject row = head(look);
    look.report().ifPresent(report -> report(row, report));
    return row;
  }

  private static JsonObject head(PoolLook look) {
    return new JsonObject()
        .put("name", look.pool().name().value())
        .put("model", look.pool().model().value())
        .put("routing_strategy", look.pool().routingStrategy().label())
        .put("owner", look.owner().map(Json::owner).orElse(null));
  }

  private static void report(JsonObject row, PoolReport report) {
    JsonObject waiting = new JsonObject();
    report.waiting().forEach(depth -> waiting.put(depth.priority().label(), depth.requests()));
    JsonArray replicas = new JsonArray();
    report.replicas().forEach(replica -> replicas.add(replica(replica)));
    row.put("draining", report.draining())
        .put("healthy", report.healthy())
        .put("min_healthy_replicas", report.minHealthy())
        .put("below_min", report.belowMin())
        .put("waiting", waiting)
        .put("live", report.liveSum())
        .put("replicas", replicas);
  }

  private static JsonObject replica(ReplicaReport replica) {
    JsonObject row =
        new JsonObject()
            .put("id", replica.replica().value())
            .put("zone", replica.zone())
            .put(
                "state",
                replica.state().map(state -> state.name().toLowerCase(Locale.ROOT)).orElse(null))
            .put("usable", replica.usable())
            .put("draining", replica.draining())
            .put("live", replica.live())
            .put("limit", replica.limit())
            .put("max_concurrent", replica.maxConcurrent())
            .put("back_pressure_limit", replica.pressureLimit())
            .put("share", replica.share())
            .put("slow_start", replica.slowStart());
    if (!replica.why().isEmpty()) {
      row.put("why", replica.why());
    }
    if (!replica.breaker().isEmpty()) {
      row.put("breaker", replica.breaker());
    }
    return row;
  }

  private static JsonObject owner(View.Node node) {
    return new JsonObject().put("name", node.name()).put("id", node.id().value());
  }

  static JsonObject nodes(View view, NodeId self) {
    JsonArray rows = new JsonArray();
    for (View.Node node : view.nodes()) {
      rows.add(
          owner(node)
              .put("self", node.id().equals(self))
              .put("zone", node.zone())
              .put(
                  "roles",
                  new JsonArray(node.roles().stream().map(r -> r.label()).sorted().toList()))
              .put("draining", node.draining())
              .put("fleet_hash", node.fleetHash()));
    }
    JsonArray missing = new JsonArray();
    view.missing()
        .forEach(
            who ->
                missing.add(
                    new JsonObject().put("name", who.name()).put("id", who.node().value())));
    LimitShare share = view.share();
    return new JsonObject()
        .put("nodes", rows)
        .put("missing", missing)
        .put("share", share.present() + "/" + share.expected());
  }

  static JsonObject progress(Progress progress) {
    JsonObject row =
        new JsonObject()
            .put("target", progress.target())
            .put("draining", progress.draining())
            .put("live", progress.live())
            .put("waiting", progress.waiting())
            .put("drained", progress.drained());
    if (!progress.note().isEmpty()) {
      row.put("note", progress.note());
    }
    return row;
  }

  static JsonObject mistakes(Fault fault, List<String> mistakes) {
    String message =
        "nothing was changed: the configuration has "
            + (mistakes.size() == 1 ? "1 mistake" : mistakes.size() + " mistakes");
    return new JsonObject(Buffer.buffer(ErrorBody.of(fault, message, "")))
        .put("mistakes", new JsonArray(mistakes));
  }

  static JsonObject reload(NodeControl.Reload reload) {
    return new JsonObject()
        .put("applied", new JsonArray(reload.applied()))
        .put("needs_restart", new JsonArray(reload.needsRestart()))
        .put("advice", new JsonArray(reload.advice()))
        .put("fleet_hash", reload.fleetHash());
  }
}
