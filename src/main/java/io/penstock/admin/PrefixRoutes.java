package io.penstock.admin;

import io.penstock.inference.ModelName;
import io.penstock.inference.Pool;
import io.penstock.inference.PromptPrefix;
import io.penstock.inference.TenantId;
import io.penstock.message.PrefixUse;
import io.penstock.prefix.PrefixStore;
import io.penstock.tenancy.KeyStore;
import io.penstock.time.Clock;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Registered prefixes in the admin API; on one event loop. */
final class PrefixRoutes {
  /** What is handled here. */
  static final String PATH = "/admin/v1/prefixes(?:/.*)?";

  static final String PATHS =
      "GET or POST /admin/v1/prefixes, GET, PUT or DELETE /admin/v1/prefixes/ID";

  private static final Pattern PARTS = Pattern.compile("/admin/v1/prefixes(?:/([^/]+))?/?");

  /** A text of the greatest length with every byte of it escaped, and the rest. */
  private static final int BODY_BYTES_MAX = 1 << 20;

  private static final String ID_EXPECTED =
      "1 to " + PromptPrefix.ID_CHARS_MAX + " of A-Z a-z 0-9 . _ -";

  private final PrefixStore store;
  private final KeyStore tenants;
  private final Fleets fleets;
  private final Carried carried;
  private final Clock clock;

  PrefixRoutes(PrefixStore store, KeyStore tenants, Fleets fleets, Carried carried, Clock clock) {
    this.store = store;
    this.tenants = tenants;
    this.fleets = fleets;
    this.carried = carried;
    this.clock = clock;
  }

  void handle(RoutingContext context) {
    Matcher path = PARTS.matcher(context.request().path());
    if (!path.matches()) {
      Answers.unknownPath(context, PATHS);
      return;
    }
    String id = path.group(1);
    String method = context.request().method().name();
    if (id == null) {
      switch (method) {
        case "GET" -> list(context);
        case "POST" -> {
          Audit.Order order = Audit.order(context, "prefix.create", "");
          OrderBody.read(
              context,
              order,
              BODY_BYTES_MAX,
              body -> put(context, order, 201, Optional.empty(), body));
        }
        default -> Answers.refuseMethod(context, "GET, POST");
      }
      return;
    }
    switch (method) {
      case "GET" -> one(context, id);
      case "PUT" -> {
        Audit.Order order = Audit.order(context, "prefix.put", id);
        OrderBody.read(
            context,
            order,
            BODY_BYTES_MAX,
            body -> put(context, order, 200, Optional.of(id), body));
      }
      case "DELETE" -> {
        Audit.Order order = Audit.order(context, "prefix.remove", id);
        carried.answer(context, order, 200, store.remove(id), this::row);
      }
      default -> Answers.refuseMethod(context, "GET, PUT, DELETE");
    }
  }

  private void list(RoutingContext context) {
    List<String> silent = new ArrayList<>();
    fleets
        .prefixUses(silent)
        .onFailure(e -> Answers.broken(context, e))
        .onSuccess(
            uses -> {
              JsonArray rows = new JsonArray();
              store.now().all().forEach(prefix -> rows.add(row(prefix, uses.get(prefix.id()))));
              Answers.send(
                  context, 200, withSilent(new JsonObject().put("prefixes", rows), silent));
            });
  }

  private void one(RoutingContext context, String id) {
    List<String> silent = new ArrayList<>();
    Optional<PromptPrefix> found = store.now().of(id);
    if (found.isEmpty()) {
      Answers.unknown(context, "prefix", id, store.now().all().stream().map(PromptPrefix::id));
      return;
    }
    fleets
        .prefixUses(silent)
        .onFailure(e -> Answers.broken(context, e))
        .onSuccess(
            uses ->
                Answers.send(
                    context,
                    200,
                    withSilent(
                        row(found.get(), uses.get(id)).put("text", found.get().text()), silent)));
  }

  /** Nodes whose part of the counts is missing. */
  private static JsonObject withSilent(JsonObject body, List<String> silent) {
    return silent.isEmpty() ? body : body.put("silent_nodes", new JsonArray(silent));
  }

  /**
   * Registers what a body says.
   *
   * @param named the id of the path, under which it replaces what is there
   */
  private void put(
      RoutingContext context,
      Audit.Order order,
      int status,
      Optional<String> named,
      JsonObject body) {
    Fields fields =
        named.isPresent()
            ? Fields.of(body, "text", "tenant", "model")
            : Fields.of(body, "id", "text", "tenant", "model");
    String id = named.orElseGet(() -> fields.text("id", "", PromptPrefix::isValid, ID_EXPECTED));
    if (!PromptPrefix.isValid(id)) {
      throw fields.wrong("id", id, ID_EXPECTED);
    }
    String text =
        fields.text(
            "text",
            "",
            value -> !value.isEmpty() && isUnicode(value),
            "a text that is not empty, in valid Unicode");
    PromptPrefix prefix =
        new PromptPrefix(id, tenant(fields), model(fields), text, clock.epochMillis());
    carried.answer(context, order, status, store.put(prefix, named.isPresent()), this::row);
  }

  /** Half a surrogate pair is no text; engines would refuse it, or read something else. */
  private static boolean isUnicode(String text) {
    try {
      StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  private Optional<TenantId> tenant(Fields fields) {
    String id =
        fields.text(
            "tenant",
            "",
            value ->
                value.isEmpty()
                    || TenantId.isValid(value)
                        && (value.equals(TenantId.ANONYMOUS.value())
                            || tenants.now().tenant(new TenantId(value)).isPresent()),
            "the id of a tenant that GET /admin/v1/tenants lists; none for all");
    return id.isEmpty() ? Optional.empty() : Optional.of(new TenantId(id));
  }

  /** By its canonical name, whichever of its names was given. */
  private Optional<ModelName> model(Fields fields) {
    TreeMap<String, ModelName> names = new TreeMap<>();
    for (Pool pool : fleets.now().pools()) {
      names.put(pool.model().value(), pool.model());
      pool.aliases().forEach(alias -> names.put(alias.value(), pool.model()));
    }
    String name =
        fields.text(
            "model",
            "",
            value -> value.isEmpty() || names.containsKey(value),
            "a model or an alias of the fleet: " + String.join(", ", names.keySet()));
    return Optional.ofNullable(names.get(name));
  }

  private JsonObject row(PromptPrefix prefix) {
    JsonObject row =
        new JsonObject()
            .put("id", prefix.id())
            .put("bytes", prefix.bytes())
            .put("tokens_estimated", prefix.tokens())
            .put("created", Instant.ofEpochMilli(prefix.createdEpochMillis()).toString());
    prefix.tenant().ifPresent(tenant -> row.put("tenant", tenant.value()));
    prefix.model().ifPresent(model -> row.put("model", model.value()));
    return row;
  }

  private JsonObject row(PromptPrefix prefix, @Nullable PrefixUse use) {
    PrefixUse sum = use == null ? new PrefixUse(prefix.id(), 0, 0, 0) : use;
    return row(prefix)
        .put("requests", sum.requests())
        .put("hits", sum.hits())
        .put("tokens_saved", sum.tokensSaved());
  }
}
