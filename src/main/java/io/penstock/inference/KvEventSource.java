package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.net.URI;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where the engines of a pool publish what their prefix caches hold (vLLM's {@code
 * --kv-events-config}).
 *
 * @param endpoint {@code tcp://HOST:PORT} of the events, where {@code {host}} stands for the
 *     replica's host and {@code {port}}, {@code {port+N}} or {@code {port-N}} for its port
 * @param replayEndpoint the same of the replays; empty where there are none
 * @param topic what the engines' topics begin with; empty for all
 * @param ranks of data parallelism, each of which publishes on the port after that of the one
 *     before
 */
public record KvEventSource(
    String endpoint, Optional<String> replayEndpoint, String topic, int ranks) {
  /** Most ranks of one replica. */
  public static final int RANKS_MAX = 64;

  /** What an endpoint looks like. */
  public static final String FORM =
      "tcp://HOST:PORT, where HOST may be {host} and PORT {port}, {port+N} or {port-N}, of the"
          + " replica's url";

  private static final Pattern TEMPLATE =
      Pattern.compile(
          "tcp://(\\{host}|[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+]):(?:(\\d{1,5})|\\{port([+-]\\d{1,5})?})");

  private static final int PORT_MAX = 65_535;

  public KvEventSource {
    require(isTemplate(endpoint), "endpoint", "'" + endpoint + "'", FORM);
    replayEndpoint.ifPresent(
        each -> require(isTemplate(each), "replayEndpoint", "'" + each + "'", FORM));
    require(ranks >= 1 && ranks <= RANKS_MAX, "ranks", ranks, "1.." + RANKS_MAX);
  }

  /** Whether a text is an endpoint of the {@link #FORM}, with a port that can be. */
  public static boolean isTemplate(String text) {
    Matcher parts = TEMPLATE.matcher(text);
    return parts.matches() && (parts.group(2) == null || isPort(Integer.parseInt(parts.group(2))));
  }

  private static boolean isPort(int port) {
    return port >= 1 && port <= PORT_MAX;
  }

  /**
   * The address that an endpoint comes to.
   *
   * @param url of the replica
   * @param rank from 0
   * @return empty where its port would be none
   */
  public static Optional<String> address(String endpoint, String url, int rank) {
    Matcher parts = TEMPLATE.matcher(endpoint);
    URI base = URI.create(url);
    String ownHost = base.getHost();
    if (!parts.matches() || ownHost == null) {
      return Optional.empty();
    }
    String host = parts.group(1).equals("{host}") ? ownHost : parts.group(1);
    int port =
        (parts.group(2) == null ? ofUrl(base, parts.group(3)) : whole(parts.group(2))) + rank;
    return isPort(port) ? Optional.of("tcp://" + host + ":" + port) : Optional.empty();
  }

  private static int ofUrl(URI url, @Nullable String offset) {
    int standard = "https".equals(url.getScheme()) ? 443 : 80;
    int port = url.getPort() < 0 ? standard : url.getPort();
    return port + (offset == null ? 0 : whole(offset));
  }

  private static int whole(String digits) {
    return Integer.parseInt(digits);
  }
}
