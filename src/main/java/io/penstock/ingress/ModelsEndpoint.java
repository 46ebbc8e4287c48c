package io.penstock.ingress;

import io.penstock.fault.Fault;
import io.penstock.inference.Capability;
import io.penstock.inference.ModelName;
import io.penstock.inference.RequestId;
import io.penstock.inference.Tenant;
import io.penstock.message.ListModels;
import io.penstock.message.ModelCard;
import io.penstock.message.Models;
import io.penstock.openai.RequestHeaders;
import io.penstock.tenancy.Verdict;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * {@code GET /v1/models} and {@code /v1/models/{id}}: asks a router, and answers with its
 * catalogue.
 */
final class ModelsEndpoint {
  static final String PATH = "/v1/models";

  /** How long a router may take; after that there is none. */
  private static final long WAIT_MILLIS = 2_000;

  private record Open(
      HttpServerRequest request,
      Tenant tenant,
      String id,
      String clientRequestId,
      long askedMillis) {}

  private final LoopParts loop;
  private final Supplier<RequestId> ids;
  private final long createdSeconds;
  private final Map<RequestId, Open> open = new HashMap<>();

  ModelsEndpoint(LoopParts loop, Supplier<RequestId> ids) {
    this.loop = loop;
    this.ids = ids;
    this.createdSeconds = loop.clock().epochMillis() / 1_000;
  }

  void handle(HttpServerRequest request, String path) {
    RequestId id = ids.get();
    String clientRequestId =
        RequestHeaders.requestId(request.getHeader(Headers.REQUEST_ID)).orElse(id).value();
    Consumer<Verdict> then =
        verdict ->
            verdict.tell(
                known -> ask(request, path, known.identity().tenant(), id, clientRequestId),
                no ->
                    ErrorResponse.send(
                        request,
                        clientRequestId,
                        no.fault(),
                        no.message(),
                        "",
                        no.retryAfterMillis()));
    Verdict verdict = Entrance.identify(loop.door(), request, then);
    if (verdict != null) {
      then.accept(verdict);
    }
  }

  private void ask(
      HttpServerRequest request, String path, Tenant tenant, RequestId id, String clientRequestId) {
    String one = path.length() > PATH.length() + 1 ? decode(path.substring(PATH.length() + 1)) : "";
    long nowMillis = loop.clock().millis();
    open.put(id, new Open(request, tenant, one, clientRequestId, nowMillis));
    request.response().closeHandler(closed -> drop(id));
    loop.routes().ask(id, new ListModels(id, loop.self()), nowMillis);
  }

  private void drop(RequestId id) {
    open.remove(id);
    loop.routes().answered(id);
  }

  private static String decode(String text) {
    try {
      return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException malformed) {
      return text;
    }
  }

  void answered(Models models) {
    Open asked = open.remove(models.id());
    if (asked == null) {
      return;
    }
    List<JsonObject> rows = new ArrayList<>();
    List<String> known = new ArrayList<>();
    for (ModelCard card : models.cards()) {
      boolean byName = asked.tenant.mayUse(card.model());
      if (byName) {
        rows.add(row(card.model(), card));
        known.add(card.model().value());
      }
      for (ModelName alias : card.aliases()) {
        if (asked.tenant.mayUse(alias)) {
          rows.add(row(alias, card));
          if (!byName) {
            known.add(alias.value());
          }
        }
      }
    }
    if (asked.id.isEmpty()) {
      send(asked, new JsonObject().put("object", "list").put("data", new JsonArray(rows)));
      return;
    }
    for (JsonObject row : rows) {
      if (asked.id.equals(row.getString("id"))) {
        send(asked, row);
        return;
      }
    }
    boolean exists = models.cards().stream().anyMatch(card -> isNamed(card, asked.id));
    ErrorResponse.send(
        asked.request,
        asked.clientRequestId,
        exists ? Fault.MODEL_NOT_ALLOWED : Fault.MODEL_NOT_FOUND,
        (exists
                ? "Tenant '" + asked.tenant.id() + "' may not use the model '" + asked.id + "'."
                : "The model '" + asked.id + "' does not exist.")
            + " Available models: "
            + String.join(", ", known)
            + ".",
        "model",
        0);
  }

  private static boolean isNamed(ModelCard card, String id) {
    return card.model().value().equals(id)
        || card.aliases().stream().anyMatch(alias -> alias.value().equals(id));
  }

  private JsonObject row(ModelName name, ModelCard card) {
    JsonObject row =
        new JsonObject()
            .put("id", name.value())
            .put("object", "model")
            .put("created", createdSeconds)
            .put("owned_by", "penstock")
            .put("root", card.model().value())
            .put(
                "capabilities",
                new JsonArray(
                    card.capabilities().stream().map(Capability::label).sorted().toList()))
            .put("ready", card.ready());
    if (card.contextTokens() > 0) {
      row.put("context_length", card.contextTokens());
    }
    return row;
  }

  private static void send(Open asked, JsonObject body) {
    asked
        .request
        .response()
        .putHeader(HttpHeaders.CONTENT_TYPE, Headers.JSON)
        .putHeader(Headers.REQUEST_ID, asked.clientRequestId)
        .end(body.toBuffer());
  }

  boolean isIdle() {
    return open.isEmpty();
  }

  void tick(long nowMillis) {
    if (open.isEmpty()) {
      return;
    }
    for (Map.Entry<RequestId, Open> each : List.copyOf(open.entrySet())) {
      if (nowMillis - each.getValue().askedMillis >= WAIT_MILLIS) {
        drop(each.getKey());
        ErrorResponse.send(
            each.getValue().request,
            each.getValue().clientRequestId,
            Fault.NO_REPLICA,
            "no node with the role 'router' answered within " + WAIT_MILLIS + " ms",
            "",
            WAIT_MILLIS);
      }
    }
  }
}
