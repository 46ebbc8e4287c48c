package io.penstock.ingress;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What the ingress allows.
 *
 * @param maxBodyBytes larger request bodies are refused without reading on
 * @param deadlines how long each phase of a request may take
 * @param retries what follows when a replica fails before the client has seen any of its answer
 * @param pingAfter silence before the first token after which a stream is committed and pinged, and
 *     the time between pings
 * @param drain how long live streams may go on after SIGTERM
 */
public record IngressConfig(
    String host,
    int port,
    int maxBodyBytes,
    Deadlines deadlines,
    Retries retries,
    Duration pingAfter,
    Duration drain,
    Optional<Tls> tls,
    Optional<Cors> cors) {

  private static final Duration QUIET_MIN = Duration.ofHours(1);

  /**
   * How long nothing may move on a client's connection before it is closed, as the server is
   * started with: longer than any request takes, and longer by some than any takes now, so that
   * {@link Deadlines#total} can be raised while it runs.
   */
  public Duration quietMax() {
    return deadlines.total().compareTo(QUIET_MIN) > 0 ? deadlines.total() : QUIET_MIN;
  }

  /**
   * How long each phase may take. The fifth deadline, waiting for a slot, belongs to the pool.
   *
   * @param connect opening a connection to the engine
   * @param firstToken from the request sent to the engine to the first frame with content; a
   *     request that does not stream has the total one alone
   * @param idle between two frames
   * @param total the whole request
   */
  public record Deadlines(Duration connect, Duration firstToken, Duration idle, Duration total) {}

  /**
   * Attempts at other replicas.
   *
   * @param maxAttempts of one request, the first included
   * @param budgetPercent of the requests of the last 10 s that may be retried; failed connections
   *     are free
   * @param budgetMin retries of the node in 10 s that are allowed in any case
   * @param backoff before the second attempt; half as much again before each later one
   */
  public record Retries(int maxAttempts, int budgetPercent, int budgetMin, Duration backoff) {
    /** 3 attempts, 20 %, at least 10, 50 ms. */
    public static final Retries DEFAULT = new Retries(3, 20, 10, Duration.ofMillis(50));
  }

  /** PEM files; read again when they change. */
  public record Tls(Path certificate, Path key) {}

  /** Which browsers' pages may call. */
  public record Cors(List<String> origins, boolean credentials) {
    public Cors {
      origins = List.copyOf(origins);
    }
  }
}
