package io.penstock.admin;

import io.penstock.fault.Fault;
import io.penstock.inference.Pool;
import io.penstock.inference.RequestId;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What waits in the pools and for how long: {@code pools}, {@code pools/NAME} and {@code
 * pools/NAME/requests/ID}. Orders to drain a pool are for {@link Routes}.
 */
final class PoolRoutes {
  private static final Pattern DRAIN = Pattern.compile(".+/drain/?");
  private static final Pattern REQUEST = Pattern.compile("(.+)/requests/([^/]+)/?");

  private final Fleets fleets;

  PoolRoutes(Fleets fleets) {
    this.fleets = fleets;
  }

  void addTo(Router router, String path) {
    router.get(path).handler(this::all);
    router
        .route(path + "/*")
        .handler(
            context -> {
              String rest = context.request().path().substring(path.length());
              if (DRAIN.matcher(rest).matches() || rest.replace("/", "").isEmpty()) {
                context.next();
              } else if (context.request().method() != HttpMethod.GET) {
                Answers.refuseMethod(context, "GET");
              } else {
                one(context, rest.substring(1));
              }
            });
  }

  private void all(RoutingContext context) {
    fleets
        .look(fleets.now().pools())
        .onSuccess(pools -> Answers.send(context, 200, Json.pools(pools)))
        .onFailure(e -> Answers.broken(context, e));
  }

  private void one(RoutingContext context, String rest) {
    Matcher request = REQUEST.matcher(rest);
    boolean ofRequest = request.matches();
    String name;
    String id;
    try {
      name = decoded(ofRequest ? request.group(1) : rest.replaceAll("/+$", ""));
      id = ofRequest ? decoded(request.group(2)) : "";
    } catch (IllegalArgumentException notEncoded) {
      Routes.malformed(context);
      return;
    }
    List<Pool> all = fleets.now().pools();
    Optional<Pool> pool = all.stream().filter(p -> p.name().value().equals(name)).findFirst();
    if (pool.isEmpty()) {
      Answers.unknown(context, "pool", name, all.stream().map(each -> each.name().value()));
    } else if (ofRequest && id.isBlank()) {
      Answers.refuse(context, Fault.INVALID_VALUE, "request: '" + id + "' (expected: an id)", "");
    } else if (ofRequest) {
      request(context, pool.get(), new RequestId(id));
    } else {
      fleets
          .lookAtTenants(pool.get())
          .onSuccess(
              look -> {
                if (!refuseSilent(context, look)) {
                  Answers.send(context, 200, Json.poolInFull(look));
                }
              })
          .onFailure(e -> Answers.broken(context, e));
    }
  }

  private void request(RoutingContext context, Pool pool, RequestId id) {
    fleets
        .lookFor(id, pool)
        .onSuccess(
            look -> {
              if (refuseSilent(context, look)) {
                return;
              }
              look.report()
                  .flatMap(report -> report.request())
                  .ifPresentOrElse(
                      place -> Answers.send(context, 200, Json.request(pool.name(), place)),
                      () ->
                          Answers.refuse(
                              context,
                              Fault.UNKNOWN_TARGET,
                              "pool '"
                                  + pool.name()
                                  + "' has no request '"
                                  + id
                                  + "' (expected: the x-request-id of one that waits or runs)",
                              ""));
            })
        .onFailure(e -> Answers.broken(context, e));
  }

  /** Whether the owner has said nothing, which the caller is told. */
  private static boolean refuseSilent(RoutingContext context, PoolLook look) {
    if (look.report().isPresent()) {
      return false;
    }
    Answers.refuse(
        context,
        Fault.NO_ANSWER,
        "how pool '" + look.pool().name() + "' stands is not known now: " + look.why(),
        "");
    return true;
  }

  private static String decoded(String part) {
    return URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8);
  }
}
