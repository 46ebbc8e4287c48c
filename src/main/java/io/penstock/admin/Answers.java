package io.penstock.admin;

import io.penstock.fault.Fault;
import io.penstock.openai.ErrorBody;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How the admin API answers. */
final class Answers {
  private static final Logger LOG = LoggerFactory.getLogger(Answers.class);

  /** Most names that an error lists. */
  private static final int LISTED_MAX = 50;

  private Answers() {}

  static void send(RoutingContext context, int status, JsonObject body) {
    answer(context, status, Buffer.buffer(body.encodePrettily()).appendString("\n"));
  }

  static void refuse(RoutingContext context, Fault fault, String message, String param) {
    Buffer body = Buffer.buffer(ErrorBody.of(fault, message, param));
    answer(context, fault.status(), body.appendString("\n"));
  }

  /**
   * The path is there, the method is not.
   *
   * @param allowed methods, with commas between
   */
  static void refuseMethod(RoutingContext context, String allowed) {
    context.response().putHeader("allow", allowed);
    refuse(
        context,
        Fault.METHOD_NOT_ALLOWED,
        context.request().method()
            + " "
            + context.request().path()
            + " (expected: "
            + allowed.replaceAll(", (\\w+)$", " or $1")
            + ")",
        "");
  }

  /** There is nothing of this name; there are those. */
  static void unknown(RoutingContext context, String kind, String name, Stream<String> names) {
    List<String> all = names.distinct().sorted().toList();
    String listed = all.stream().limit(LISTED_MAX).collect(Collectors.joining(", "));
    int more = all.size() - LISTED_MAX;
    refuse(
        context,
        Fault.UNKNOWN_TARGET,
        "there is no "
            + kind
            + " '"
            + name
            + "' (expected: "
            + (all.isEmpty() ? "nothing, none is there" : "one of " + listed)
            + (more > 0 ? " and " + more + " more" : "")
            + ")",
        "");
  }

  /** A bug of ours. */
  static void broken(RoutingContext context, Throwable bug) {
    LOG.error("{} {} failed", context.request().method(), context.request().path(), bug);
    refuse(context, Fault.INTERNAL, "something went wrong inside this node; its log has it", "");
  }

  private static void answer(RoutingContext context, int status, Buffer body) {
    if (context.response().ended() || context.response().closed()) {
      return;
    }
    context
        .response()
        .setStatusCode(status)
        .putHeader("content-type", "application/json")
        .putHeader("cache-control", "no-store")
        .end(body);
  }

  /**
   * A path that nothing is at.
   *
   * @param paths those that there are
   */
  static void unknownPath(RoutingContext context, String paths) {
    refuse(
        context,
        Fault.UNKNOWN_PATH,
        context.request().method()
            + " "
            + context.request().path()
            + " is not of the admin API (expected: "
            + paths
            + ")",
        "");
  }
}
