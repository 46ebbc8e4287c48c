package io.penstock.load;

import java.util.Locale;

/**
 * How a run stands.
 *
 * @param failed requests that ended neither {@code ok} nor shed
 * @param tokensPerSecond frames with content a second, since the last report
 * @param ttftP50Millis over the requests that ended {@code ok} so far; 0 without one
 */
public record LoadProgress(
    double elapsedSeconds,
    long sent,
    long inFlight,
    long ok,
    long failed,
    long shed,
    double tokensPerSecond,
    double ttftP50Millis,
    double ttftP99Millis) {

  /** One line for a terminal. */
  public String line() {
    return String.format(
        Locale.ROOT,
        "%7.1f s  sent %,d  in flight %,d  ok %,d  failed %,d  shed %,d  %,.0f tok/s  ttft p50 %,.0f ms"
            + " p99 %,.0f ms",
        elapsedSeconds,
        sent,
        inFlight,
        ok,
        failed,
        shed,
        tokensPerSecond,
        ttftP50Millis,
        ttftP99Millis);
  }
}
