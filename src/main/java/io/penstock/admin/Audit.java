package io.penstock.admin;

import io.vertx.core.json.JsonObject;
import io.vertx.core.net.SocketAddress;
import io.vertx.ext.web.RoutingContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The trail of what operators order of keys, tenants and prefixes: a line for each order, carried
 * out or not, with who, what and with which result. No line has a secret or a prefix's text in it.
 */
final class Audit {
  /** Its level turns the trail on and off. */
  static final String LOGGER = "penstock.audit";

  /** Under this a request's context says who passed the {@link Gate}. */
  static final String WHO = "who";

  private static final int CHANGE_CHARS_MAX = 2_000;
  private static final Logger LOG = LoggerFactory.getLogger(LOGGER);

  /**
   * An order.
   *
   * @param who the fingerprint of the key that was shown, or {@code loopback}
   * @param client address that it came from
   * @param action {@code key.create}, {@code key.revoke}, {@code key.rotate}, {@code tenant.put},
   *     {@code tenant.remove}, {@code prefix.create}, {@code prefix.put} or {@code prefix.remove}
   * @param target key, tenant or prefix; empty where its id is not in the path
   */
  record Order(String who, String client, String action, String target) {
    /** It holds, and how its target is now. */
    void done(JsonObject now, boolean isStored) {
      String change = now.encode();
      LOG.atInfo()
          .addKeyValue("who", who)
          .addKeyValue("client", client)
          .addKeyValue("action", action)
          .addKeyValue("target", target.isEmpty() ? now.getString("id") : target)
          .addKeyValue("result", isStored ? "done" : "done_unwritten")
          .addKeyValue(
              "change",
              change.length() <= CHANGE_CHARS_MAX
                  ? change
                  : change.substring(0, CHANGE_CHARS_MAX) + "…")
          .log("audit");
    }

    /**
     * It was not carried out.
     *
     * @param code of the error
     */
    void refused(String code) {
      LOG.atInfo()
          .addKeyValue("who", who)
          .addKeyValue("client", client)
          .addKeyValue("action", action)
          .addKeyValue("target", target)
          .addKeyValue("result", code)
          .log("audit");
    }
  }

  private Audit() {}

  /** What a request orders. */
  static Order order(RoutingContext context, String action, String target) {
    SocketAddress client = context.request().remoteAddress();
    return new Order(
        String.valueOf((Object) context.get(WHO)),
        client == null ? "" : String.valueOf(client.hostAddress()),
        action,
        target);
  }
}
