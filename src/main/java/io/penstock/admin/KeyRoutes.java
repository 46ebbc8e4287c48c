package io.penstock.admin;

import io.penstock.bus.Setting;
import io.penstock.fault.Fault;
import io.penstock.inference.ApiKey;
import io.penstock.inference.Fleet;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.tenancy.KeyStore;
import io.penstock.time.Clock;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Keys and tenants in the admin API; on one event loop. */
final class KeyRoutes {
  /** What is handled here. */
  static final String PATH = "/admin/v1/(?:keys|tenants)(?:/.*)?";

  static final String PATHS =
      "GET or POST /admin/v1/keys, GET or DELETE /admin/v1/keys/ID, POST /admin/v1/keys/ID/rotate,"
          + " GET /admin/v1/tenants, GET, PUT or DELETE /admin/v1/tenants/ID";

  private static final Pattern PARTS =
      Pattern.compile("/admin/v1/(keys|tenants)(?:/([^/]+))?(/rotate)?/?");
  static final int BODY_BYTES_MAX = 1 << 18;
  private static final long SECONDS_MAX = 10L * 365 * 86_400;

  private final KeyStore store;
  private final Setting<Fleet> fleet;
  private final Carried carried;
  private final Clock clock;

  KeyRoutes(KeyStore store, Setting<Fleet> fleet, Carried carried, Clock clock) {
    this.store = store;
    this.fleet = fleet;
    this.carried = carried;
    this.clock = clock;
  }

  void handle(RoutingContext context) {
    Matcher path = PARTS.matcher(context.request().path());
    if (!path.matches() || (path.group(3) != null && !path.group(1).equals("keys"))) {
      Answers.unknownPath(context, PATHS);
      return;
    }
    String id = path.group(2);
    if (path.group(3) != null) {
      on(context, "POST", () -> rotate(context, id));
    } else if (path.group(1).equals("keys")) {
      keys(context, Optional.ofNullable(id));
    } else {
      tenants(context, Optional.ofNullable(id));
    }
  }

  private void on(RoutingContext context, String method, Runnable then) {
    if (context.request().method().name().equals(method)) {
      then.run();
    } else {
      Answers.refuseMethod(context, method);
    }
  }

  private void keys(RoutingContext context, Optional<String> id) {
    switch (context.request().method().name()) {
      case "GET" -> {
        if (id.isPresent()) {
          key(context, id.get());
        } else {
          listKeys(context);
        }
      }
      case "POST" -> {
        if (id.isPresent()) {
          Answers.refuseMethod(context, "GET, DELETE");
        } else {
          Audit.Order order = Audit.order(context, "key.create", "");
          OrderBody.read(context, order, BODY_BYTES_MAX, body -> create(context, order, body));
        }
      }
      case "DELETE" -> {
        if (id.isEmpty()) {
          Answers.refuseMethod(context, "GET, POST");
        } else {
          Audit.Order order = Audit.order(context, "key.revoke", id.get());
          carried.answer(context, order, 200, store.revoke(id.get()), this::key);
        }
      }
      default -> Answers.refuseMethod(context, id.isPresent() ? "GET, DELETE" : "GET, POST");
    }
  }

  private void key(RoutingContext context, String id) {
    store
        .now()
        .key(id)
        .ifPresentOrElse(
            key -> Answers.send(context, 200, key(key)),
            () -> Answers.unknown(context, "key", id, store.now().keys().stream().map(ApiKey::id)));
  }

  private void listKeys(RoutingContext context) {
    String tenant = context.request().getParam("tenant");
    JsonArray rows = new JsonArray();
    for (ApiKey key : store.now().keys()) {
      if (tenant == null || key.tenant().value().equals(tenant)) {
        rows.add(TenantJson.of(key, clock.epochMillis()));
      }
    }
    Answers.send(context, 200, new JsonObject().put("keys", rows));
  }

  private JsonObject key(ApiKey key) {
    return TenantJson.of(key, clock.epochMillis());
  }

  private void create(RoutingContext context, Audit.Order order, JsonObject body) {
    Fields fields = Fields.of(body, "tenant", "name", "expires_seconds", "limits");
    TenantId tenant =
        new TenantId(fields.text("tenant", "", TenantId::isValid, "the id of a tenant"));
    Duration life = Duration.ofSeconds(fields.number("expires_seconds", 0, 1, SECONDS_MAX));
    carried.answer(
        context,
        order,
        201,
        store.create(
            tenant,
            TenantJson.name(fields),
            life,
            TenantJson.limits(fields.object("limits", TenantJson.LIMITS))),
        created -> key(created.key()),
        KeyStore.Created::secret);
  }

  private void rotate(RoutingContext context, String id) {
    Audit.Order order = Audit.order(context, "key.rotate", id);
    OrderBody.read(
        context,
        order,
        BODY_BYTES_MAX,
        body -> {
          Fields fields = Fields.of(body, "overlap_seconds");
          Duration overlap =
              Duration.ofSeconds(fields.number("overlap_seconds", 0, 0, SECONDS_MAX));
          carried.answer(
              context,
              order,
              201,
              store.rotate(id, overlap),
              created -> key(created.key()),
              KeyStore.Created::secret);
        });
  }

  private void tenants(RoutingContext context, Optional<String> id) {
    String method = context.request().method().name();
    if (id.isEmpty()) {
      on(context, "GET", () -> listTenants(context));
      return;
    }
    if (!List.of("GET", "PUT", "DELETE").contains(method)) {
      Answers.refuseMethod(context, "GET, PUT, DELETE");
      return;
    }
    if (!TenantId.isValid(id.get())) {
      Answers.refuse(
          context,
          Fault.INVALID_VALUE,
          "id: '" + id.get() + "' (expected: 1 to 64 of A-Z a-z 0-9 . _ -)",
          "id");
      return;
    }
    TenantId tenant = new TenantId(id.get());
    switch (method) {
      case "PUT" -> {
        Audit.Order order = Audit.order(context, "tenant.put", id.get());
        OrderBody.read(
            context,
            order,
            BODY_BYTES_MAX,
            body ->
                carried.answer(
                    context,
                    order,
                    200,
                    store.put(TenantJson.tenant(tenant, body, fleet.now())),
                    this::tenant));
      }
      case "DELETE" ->
          carried.answer(
              context,
              Audit.order(context, "tenant.remove", id.get()),
              200,
              store.remove(tenant),
              this::tenant);
      default ->
          store
              .now()
              .tenant(tenant)
              .ifPresentOrElse(
                  found -> Answers.send(context, 200, tenant(found)),
                  () ->
                      Answers.unknown(
                          context,
                          "tenant",
                          id.get(),
                          store.now().tenants().stream().map(each -> each.id().value())));
    }
  }

  private void listTenants(RoutingContext context) {
    JsonArray rows = new JsonArray();
    store.now().tenants().forEach(tenant -> rows.add(tenant(tenant)));
    Answers.send(context, 200, new JsonObject().put("tenants", rows));
  }

  private JsonObject tenant(Tenant tenant) {
    return TenantJson.of(tenant, store.isConfigured(tenant.id()));
  }
}
