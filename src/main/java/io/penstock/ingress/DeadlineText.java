package io.penstock.ingress;

import io.penstock.fault.Fault;
import io.penstock.stream.StreamDeadlines;

/** What a client is told when a deadline has passed: which one, how long it was, what to change. */
final class DeadlineText {
  /** The connection's own timeout comes first and says more. */
  static final long CONNECT_MARGIN_MILLIS = 500;

  private DeadlineText() {}

  /**
   * @param receiving whether the body had not arrived yet
   * @param who the replica
   */
  static String of(Fault fault, StreamDeadlines limits, boolean receiving, String who) {
    return switch (fault) {
      case QUEUE_TIMEOUT -> "no slot became free within " + limits.queueMillis() + " ms (queue_ms)";
      case CONNECT_TIMEOUT ->
          who
              + " did not take the request within "
              + (limits.connectMillis() - CONNECT_MARGIN_MILLIS)
              + " ms (connect_ms)";
      case FIRST_TOKEN_TIMEOUT ->
          who + " sent no token within " + limits.firstTokenMillis() + " ms (first_token_ms)";
      case IDLE_TIMEOUT -> who + " sent nothing for " + limits.idleMillis() + " ms (idle_ms)";
      default ->
          receiving && limits.totalMillis() > limits.receiveMillis()
              ? "the body did not arrive within " + limits.receiveMillis() + " ms"
              : "the request was not done within "
                  + limits.totalMillis()
                  + " ms (total_ms, or x-penstock-timeout-ms)";
    };
  }
}
