package io.penstock.admin;

import io.penstock.bus.Directory;
import io.penstock.bus.Directory.Forgetting;
import io.penstock.bus.Drains;
import io.penstock.bus.Setting;
import io.penstock.bus.View;
import io.penstock.fault.Fault;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.message.Absent;
import io.penstock.message.DrainKind;
import io.penstock.message.NodeOrder;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The paths of the admin API; on one event loop. */
final class Routes {
  private static final String ROOT = "/admin/v1/";
  private static final Pattern DRAIN =
      Pattern.compile(ROOT + "(replicas|pools|nodes)/(.+)/drain/?");

  /** Requests served at a time, long polls included; further ones are refused. */
  static final int REQUESTS_MAX = 64;

  static final long WAIT_SECONDS_MAX = 300;

  /** Between two looks of a long poll. */
  private static final long LOOK_MILLIS = 250;

  private static final String WAIT = "wait_seconds";

  /** The methods of the paths that are no drain. */
  private static final Map<String, String> METHODS =
      Map.of(
          ROOT + "fleet",
          "GET",
          ROOT + "nodes",
          "GET",
          ROOT + "pools",
          "GET",
          ROOT + "decisions",
          "GET",
          ROOT + "reload",
          "POST");

  private static final String PATHS =
      "GET /admin/v1/fleet, GET /admin/v1/nodes, DELETE /admin/v1/nodes/NAME, GET /admin/v1/pools,"
          + " GET /admin/v1/pools/NAME, GET /admin/v1/pools/NAME/requests/ID, GET /admin/v1/decisions, POST /admin/v1/reload, "
          + KeyRoutes.PATHS
          + ", "
          + PrefixRoutes.PATHS
          + ", and POST, GET or DELETE /admin/v1/{replicas|pools|nodes}/NAME/drain";

  private final Vertx vertx;
  private final Fleets fleets;
  private final Directory directory;
  private final Drains drains;
  private final KeyRoutes keys;
  private final PrefixRoutes prefixes;
  private final NodeControl control;
  private final Setting<AdminConfig> config;
  private int requests;

  Routes(
      Vertx vertx,
      Fleets fleets,
      Directory directory,
      Drains drains,
      KeyRoutes keys,
      PrefixRoutes prefixes,
      NodeControl control,
      Setting<AdminConfig> config) {
    this.vertx = vertx;
    this.fleets = fleets;
    this.directory = directory;
    this.drains = drains;
    this.keys = keys;
    this.prefixes = prefixes;
    this.control = control;
    this.config = config;
  }

  Router router() {
    Router router = Router.router(vertx);
    router.route().handler(this::enter);
    router.get(ROOT + "fleet").handler(this::fleet);
    router
        .get(ROOT + "nodes")
        .handler(
            context -> Answers.send(context, 200, Json.nodes(directory.view(), fleets.self())));
    router.delete(ROOT + "nodes/:name").handler(this::forget);
    router.post(ROOT + "reload").handler(this::reload);
    router.routeWithRegex(KeyRoutes.PATH).handler(keys::handle);
    router.routeWithRegex(PrefixRoutes.PATH).handler(prefixes::handle);
    router.get(ROOT + "decisions").handler(new DecisionRoutes(fleets)::tell);
    new PoolRoutes(fleets).addTo(router, ROOT + "pools");
    router.route(ROOT + "*").handler(this::drain);
    router.errorHandler(400, Routes::malformed);
    router.errorHandler(404, this::unknownPath);
    router.errorHandler(500, context -> Answers.broken(context, context.failure()));
    return router;
  }

  private void enter(RoutingContext context) {
    HttpServerRequest request = context.request();
    Gate.Caller caller =
        new Gate.Caller(
            host(request),
            request.getHeader("origin"),
            request.getHeader("sec-fetch-site"),
            request.getHeader("authorization"),
            request.getHeader("x-api-key"));
    Optional<Gate.Denial> denial = Gate.check(config.now().key(), caller);
    if (denial.isPresent()) {
      if (denial.get().fault() == Fault.INVALID_API_KEY) {
        context.response().putHeader("www-authenticate", "Bearer");
      }
      Answers.refuse(context, denial.get().fault(), denial.get().message(), "");
      return;
    }
    if (requests >= REQUESTS_MAX) {
      context.response().putHeader("retry-after", "1");
      Answers.refuse(
          context,
          Fault.QUEUE_FULL,
          "the admin API serves " + REQUESTS_MAX + " requests already; ask again later",
          "");
      return;
    }
    context.put(Audit.WHO, Gate.who(config.now().key(), caller));
    requests++;
    context.addEndHandler(ended -> requests--);
    context.next();
  }

  /** HTTP/2 has a pseudo-header instead. */
  private static @Nullable String host(HttpServerRequest request) {
    String header = request.getHeader("host");
    return header == null && request.authority() != null ? request.authority().toString() : header;
  }

  private void fleet(RoutingContext context) {
    fleets
        .look(fleets.now().pools())
        .onSuccess(pools -> Answers.send(context, 200, Json.fleet(fleets.now(), pools)))
        .onFailure(e -> Answers.broken(context, e));
  }

  private void reload(RoutingContext context) {
    control
        .reload()
        .onSuccess(
            reload -> {
              if (reload.mistakes().isEmpty()) {
                Answers.send(context, 200, Json.reload(reload));
              } else {
                Fault fault = Fault.INVALID_CONFIGURATION;
                Answers.send(context, fault.status(), Json.mistakes(fault, reload.mistakes()));
              }
            })
        .onFailure(e -> Answers.broken(context, e));
  }

  /** Somebody says that a missing node will not come back. */
  private void forget(RoutingContext context) {
    String name = context.pathParam("name");
    directory
        .forget(name, "true".equals(context.request().getParam("force")))
        .onFailure(e -> Answers.broken(context, e))
        .onSuccess(
            outcome -> {
              View view = directory.view();
              if (outcome == Forgetting.ALIVE) {
                Answers.refuse(
                    context,
                    Fault.INVALID_VALUE,
                    "node '"
                        + name
                        + "' is missing, but its process still accepts connections, so it may be"
                        + " working (expected: that it is ended first; ?force=true if something"
                        + " else answers at its address)",
                    "");
              } else if (outcome == Forgetting.DONE) {
                Answers.send(context, 200, Json.nodes(view, fleets.self()));
              } else if (view.nodes().stream().anyMatch(node -> node.name().equals(name))) {
                Answers.refuse(
                    context,
                    Fault.INVALID_VALUE,
                    "node '"
                        + name
                        + "' is not missing (expected: one that is; POST /admin/v1/nodes/"
                        + name
                        + "/drain has it take no more work)",
                    "");
              } else {
                Answers.unknown(
                    context, "missing node", name, view.missing().stream().map(Absent::name));
              }
            });
  }

  private void drain(RoutingContext context) {
    Matcher path = DRAIN.matcher(context.request().path());
    HttpMethod method = context.request().method();
    if (!path.matches()) {
      noDrain(context);
      return;
    }
    if (!List.of(HttpMethod.GET, HttpMethod.POST, HttpMethod.DELETE).contains(method)) {
      Answers.refuseMethod(context, "POST, GET, DELETE");
      return;
    }
    Optional<Long> waitMillis = waitMillis(context);
    if (waitMillis.isEmpty()) {
      return;
    }
    String name;
    try {
      name = URLDecoder.decode(path.group(2).replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException malformed) {
      malformed(context);
      return;
    }
    long waits = method == HttpMethod.DELETE ? 0 : waitMillis.get();
    switch (path.group(1)) {
      case "replicas" -> drainReplica(context, method, name, waits);
      case "pools" -> drainPool(context, method, name, waits);
      default -> drainNode(context, method, name, waits);
    }
  }

  /** Not the path of a drain, and no other path with its own method. */
  private void noDrain(RoutingContext context) {
    String allowed = METHODS.get(context.request().path().replaceAll("/+$", ""));
    if (allowed == null) {
      unknownPath(context);
    } else {
      Answers.refuseMethod(context, allowed);
    }
  }

  static void malformed(RoutingContext context) {
    Answers.refuse(
        context,
        Fault.INVALID_VALUE,
        "the path " + context.request().path() + " is not encoded as a URL's is",
        "");
  }

  private Optional<Long> waitMillis(RoutingContext context) {
    for (String name : context.request().params().names()) {
      if (!name.equals(WAIT)) {
        Answers.refuse(
            context,
            Fault.INVALID_VALUE,
            name + ": unknown parameter (expected: " + WAIT + ", or none)",
            name);
        return Optional.empty();
      }
    }
    String text = context.request().getParam(WAIT);
    if (text == null) {
      return Optional.of(0L);
    }
    if (text.matches("[0-9]{1,3}") && Long.parseLong(text) <= WAIT_SECONDS_MAX) {
      return Optional.of(Long.parseLong(text) * 1_000);
    }
    Answers.refuse(
        context,
        Fault.INVALID_VALUE,
        WAIT + ": '" + text + "' (expected: 0.." + WAIT_SECONDS_MAX + ")",
        WAIT);
    return Optional.empty();
  }

  private void drainReplica(RoutingContext context, HttpMethod method, String name, long waits) {
    if (name.isBlank()) {
      unknownPath(context);
      return;
    }
    ReplicaId id = new ReplicaId(name);
    fleets
        .look(fleets.now().pools())
        .onFailure(e -> Answers.broken(context, e))
        .onSuccess(
            pools -> {
              boolean ordered = drains.now().replicas().contains(id);
              if (Progress.ofReplica(id, ordered, pools).isPresent()) {
                order(method, DrainKind.REPLICA, name)
                    .onFailure(e -> Answers.broken(context, e))
                    .onSuccess(done -> tell(context, method, waits, () -> replica(id)));
              } else if (!Progress.silent(pools).isEmpty()) {
                Answers.refuse(
                    context,
                    Fault.NO_ANSWER,
                    "whether there is a replica '"
                        + name
                        + "' is not known now: "
                        + Progress.silent(pools),
                    "");
              } else {
                Answers.unknown(context, "replica", name, replicas(pools));
              }
            });
  }

  private static Stream<String> replicas(List<PoolLook> pools) {
    return pools.stream()
        .flatMap(pool -> pool.report().stream())
        .flatMap(report -> report.replicas().stream())
        .map(replica -> replica.replica().value());
  }

  private Future<Progress> replica(ReplicaId id) {
    return fleets
        .look(fleets.now().pools())
        .map(
            pools -> {
              boolean ordered = drains.now().replicas().contains(id);
              return Progress.ofReplica(id, ordered, pools)
                  .orElseGet(
                      () ->
                          new Progress(
                              "replica " + id, ordered, 0, 0, false, Progress.silent(pools)));
            });
  }

  private void drainPool(RoutingContext context, HttpMethod method, String name, long waits) {
    List<Pool> all = fleets.now().pools();
    Optional<Pool> found = all.stream().filter(p -> p.name().value().equals(name)).findFirst();
    if (found.isEmpty()) {
      Answers.unknown(context, "pool", name, all.stream().map(pool -> pool.name().value()));
      return;
    }
    order(method, DrainKind.POOL, name)
        .onFailure(e -> Answers.broken(context, e))
        .onSuccess(done -> tell(context, method, waits, () -> pool(found.get())));
  }

  private Future<Progress> pool(Pool pool) {
    return fleets
        .look(List.of(pool))
        .map(looks -> Progress.ofPool(looks.get(0), drains.now().pools().contains(pool.name())));
  }

  /**
   * Marks what is to be, also where this node takes it to be so already: another's order to the
   * contrary may be on its way here, and is older.
   */
  private Future<Void> order(HttpMethod method, DrainKind kind, String name) {
    return method == HttpMethod.GET
        ? Future.succeededFuture()
        : drains.mark(kind, name, method == HttpMethod.POST);
  }

  private void drainNode(RoutingContext context, HttpMethod method, String name, long waits) {
    List<View.Node> all = directory.view().nodes();
    Optional<View.Node> found =
        all.stream()
            .filter(
                node ->
                    node.id().value().equals(name)
                        || node.name().equals(name)
                        || (name.equals("self") && node.id().equals(fleets.self())))
            .findFirst();
    if (found.isEmpty()) {
      Answers.unknown(context, "node", name, all.stream().map(View.Node::name));
      return;
    }
    View.Node node = found.get();
    NodeOrder order =
        method == HttpMethod.POST
            ? NodeOrder.DRAIN
            : method == HttpMethod.DELETE ? NodeOrder.RESUME : NodeOrder.REPORT;
    fleets
        .node(node.id(), order)
        .onFailure(
            e ->
                Answers.refuse(
                    context,
                    Fault.NO_ANSWER,
                    "node '"
                        + node.name()
                        + "' did not answer: "
                        + e.getMessage()
                        + (order == NodeOrder.REPORT
                            ? ""
                            : "; if it hangs, it may still carry the order out when it goes on"),
                    ""))
        .onSuccess(done -> tell(context, method, waits, () -> node(node)));
  }

  private Future<Progress> node(View.Node node) {
    return fleets
        .node(node.id(), NodeOrder.REPORT)
        .map(report -> Progress.ofNode(node.name(), report));
  }

  /** Answers with the progress: now, or once it is drained, or when the time is over. */
  private void tell(
      RoutingContext context, HttpMethod method, long waitMillis, Supplier<Future<Progress>> look) {
    Patience patience = new Patience();
    if (waitMillis <= 0) {
      patience.over = true;
    } else {
      long timer = vertx.setTimer(waitMillis, late -> patience.over = true);
      context.addEndHandler(ended -> vertx.cancelTimer(timer));
    }
    tell(context, method, patience, look);
  }

  /** Of one long poll. */
  private static final class Patience {
    private boolean over;
  }

  private void tell(
      RoutingContext context,
      HttpMethod method,
      Patience patience,
      Supplier<Future<Progress>> look) {
    look.get()
        .onFailure(
            e -> Answers.refuse(context, Fault.NO_ANSWER, String.valueOf(e.getMessage()), ""))
        .onSuccess(
            progress -> {
              if (progress.drained() || patience.over || !progress.draining()) {
                Answers.send(
                    context, method == HttpMethod.POST ? 202 : 200, Json.progress(progress));
              } else if (!context.response().closed()) {
                vertx.setTimer(LOOK_MILLIS, later -> tell(context, method, patience, look));
              }
            });
  }

  private void unknownPath(RoutingContext context) {
    Answers.unknownPath(context, PATHS);
  }
}
