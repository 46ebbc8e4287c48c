package io.penstock.admin;

import io.vertx.core.json.JsonObject;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The trail of what operators order of keys and tenants: a line for each order, carried out or not,
 * with who, what and with which result. No line has a secret in it.
 */
final class Audit {
  /** Its level turns the trail on and off. */
  static final String LOGGER = "penstock.audit";

  private static final int CHANGE_CHARS_MAX = 2_000;
  private static final Logger LOG = LoggerFactory.getLogger(LOGGER);

  /**
   * An order.
   *
   * @param who the fingerprint of the key that was shown, or {@code loopback}
   * @param client address that it came from
   * @param action {@code key.create}, {@code key.revoke}, {@code key.rotate}, {@code tenant.put} or
   *     {@code tenant.remove}
   * @param target key or tenant; empty where it is made
   */
  record Order(String who, String client, String action, String target) {
    /** It holds, and how the key or tenant is now. */
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
}
