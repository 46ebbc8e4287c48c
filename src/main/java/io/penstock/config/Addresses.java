package io.penstock.config;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the addresses of a configuration; resolves none of them. */
final class Addresses {
  static final String ENGINE_URL =
      "http:// or https://, a host and perhaps a port, without a path: http://10.0.0.7:8000";
  static final String ORIGIN = "* or scheme://host[:port] without a path: https://chat.example.com";
  static final String HOST_PORT = "host:port, such as 10.0.0.7:5701";

  private static final Pattern PAIR =
      Pattern.compile("([A-Za-z0-9][A-Za-z0-9._-]*|\\[[0-9A-Fa-f:.]+]):([0-9]{1,5})");

  private Addresses() {}

  /** The URL in its plain form, without a trailing slash; empty unless it is one of an engine. */
  static Optional<String> engineUrl(String text) {
    return baseOf(text);
  }

  /** Reports a text that is no URL of one of these schemes. */
  static void checkUrl(Section url, Set<String> schemes, String expected) {
    if (!url.tree().isTextual()) {
      return;
    }
    try {
      URI uri = new URI(url.tree().textValue());
      if (uri.getHost() == null
          || uri.getScheme() == null
          || !schemes.contains(uri.getScheme().toLowerCase(Locale.ROOT))) {
        url.expected(expected);
      }
    } catch (URISyntaxException e) {
      url.expected(expected);
    }
  }

  /** Whether it is what a browser sends as {@code Origin}. */
  static boolean isOrigin(String text) {
    return text.equals("*") || (!text.endsWith("/") && baseOf(text).isPresent());
  }

  private static Optional<String> baseOf(String text) {
    try {
      URI uri = new URI(text);
      boolean plain =
          uri.getHost() != null
              && uri.getRawQuery() == null
              && uri.getRawFragment() == null
              && uri.getRawUserInfo() == null
              && (uri.getRawPath().isEmpty() || uri.getRawPath().equals("/"))
              && uri.getPort() != 0
              && uri.getPort() <= 65_535
              && !uri.getRawAuthority().endsWith(":");
      String scheme = uri.getScheme();
      boolean web = "http".equals(scheme) || "https".equals(scheme);
      return plain && web ? Optional.of(scheme + "://" + uri.getRawAuthority()) : Optional.empty();
    } catch (URISyntaxException e) {
      return Optional.empty();
    }
  }

  static boolean isHostAndPort(String text) {
    Matcher pair = PAIR.matcher(text);
    if (!pair.matches()) {
      return false;
    }
    int port = Integer.parseInt(pair.group(2));
    return port >= 1 && port <= 65_535;
  }

  static boolean isWildcard(String host) {
    return host.equals("0.0.0.0") || host.equals("::");
  }

  static boolean isLoopback(String host) {
    return host.equals("localhost")
        || host.startsWith("127.")
        || host.equals("::1")
        || host.equals("[::1]");
  }

  /** The host of a URL that {@link #engineUrl} has accepted. */
  static String hostOf(String url) {
    return URI.create(url).getHost();
  }
}
