package io.penstock.admin;

import io.penstock.fault.Fault;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Who may pass. With a key: who shows it. Without one, which is for the loopback only: who is not
 * the tool of a web page. A page can make the operator's browser call 127.0.0.1 in two ways: across
 * origins, which the browser says in {@code Origin} or {@code Sec-Fetch-Site}, or under a name of
 * the page's own that it has bent to 127.0.0.1 (DNS rebinding), which the browser says in {@code
 * Host}.
 */
final class Gate {
  private static final Pattern LOOPBACK =
      Pattern.compile(
          "(localhost|127\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}|\\[::1])(:[0-9]{1,5})?");

  /** Too little of a hash to find a key by. */
  private static final int FINGERPRINT_HEX = 8;

  /** Why somebody may not pass. */
  record Denial(Fault fault, String message) {}

  /** What a request says of itself; null where it does not. */
  record Caller(
      @Nullable String host,
      @Nullable String origin,
      @Nullable String fetchSite,
      @Nullable String authorization,
      @Nullable String apiKey) {}

  private Gate() {}

  static Optional<Denial> check(Optional<String> key, Caller caller) {
    return key.isPresent() ? checkKey(key.get(), caller) : checkBrowser(caller);
  }

  private static Optional<Denial> checkKey(String key, Caller caller) {
    @Nullable String shown = shown(caller);
    if (shown != null && MessageDigest.isEqual(digest(shown), digest(key))) {
      return Optional.empty();
    }
    return Optional.of(
        new Denial(
            Fault.INVALID_API_KEY,
            (shown == null ? "no key was sent" : "the key that was sent is not the node's")
                + " (expected: 'authorization: Bearer KEY' or 'x-api-key: KEY' with the admin.key"
                + " of the node's configuration)"));
  }

  /** Who passes, for people: the fingerprint of his key, or where he must be. */
  static String who(Optional<String> key, Caller caller) {
    @Nullable String shown = shown(caller);
    return key.isEmpty() || shown == null
        ? "loopback"
        : "key-" + HexFormat.of().formatHex(digest(shown)).substring(0, FINGERPRINT_HEX);
  }

  private static @Nullable String shown(Caller caller) {
    String authorization = caller.authorization();
    if (authorization != null && authorization.regionMatches(true, 0, "Bearer ", 0, 7)) {
      return authorization.substring(7).strip();
    }
    return caller.apiKey();
  }

  /** Of equal length for all keys, so that the comparison's time says nothing of theirs. */
  private static byte[] digest(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-256 is in every JDK", e);
    }
  }

  private static Optional<Denial> checkBrowser(Caller caller) {
    String site = caller.fetchSite();
    if (caller.origin() != null || (site != null && !site.equals("none"))) {
      return Optional.of(
          new Denial(
              Fault.ORIGIN_NOT_ALLOWED,
              "a web page may not call the admin API of a node that has no admin.key (found: "
                  + (caller.origin() != null
                      ? "origin: " + caller.origin()
                      : "sec-fetch-site: " + site)
                  + "; expected: a caller that is no browser)"));
    }
    String host = caller.host();
    if (host == null || !LOOPBACK.matcher(host.toLowerCase(Locale.ROOT)).matches()) {
      return Optional.of(
          new Denial(
              Fault.HOST_NOT_ALLOWED,
              "host: '"
                  + (host == null ? "" : host)
                  + "' (expected: localhost, 127.0.0.1 or [::1], because this node has no"
                  + " admin.key)"));
    }
    return Optional.empty();
  }
}
