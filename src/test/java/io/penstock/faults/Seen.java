package io.penstock.faults;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * All that a client saw of one answer.
 *
 * @param status 0 when not even a status line came
 * @param headers by lower-case name
 * @param body without its chunks' lengths
 * @param frameNanos when each blank line of the body came
 */
record Seen(
    long beganNanos,
    long endedNanos,
    int status,
    Map<String, String> headers,
    byte[] body,
    List<Long> frameNanos,
    End end) {

  /** How the answer ended, as HTTP has it. */
  enum End {
    /** By its own framing. */
    COMPLETE,
    /** The connection was closed in the middle. */
    CUT,
    /** The connection was reset in the middle. */
    RESET,
    /** Nobody listened. */
    REFUSED,
    /** The client lost its patience: a request that hangs. */
    HANGS,
    /** The client left on purpose. */
    LEFT
  }

  String text() {
    return new String(body, StandardCharsets.UTF_8);
  }

  String header(String name) {
    return headers.getOrDefault(name.toLowerCase(Locale.ROOT), "");
  }

  double millis() {
    return (endedNanos - beganNanos) / 1e6;
  }

  /** The longest silence: from frame to frame in a stream, else from the request to its end. */
  double longestGapMillis() {
    long last = beganNanos;
    long longest = 0;
    for (long at : frameNanos) {
      longest = Math.max(longest, at - last);
      last = at;
    }
    return Math.max(longest, endedNanos - last) / 1e6;
  }

  /** The longest silence after the first frame. */
  double longestGapInStreamMillis() {
    long longest = 0;
    for (int i = 1; i < frameNanos.size(); i++) {
      longest = Math.max(longest, frameNanos.get(i) - frameNanos.get(i - 1));
    }
    return longest / 1e6;
  }
}
