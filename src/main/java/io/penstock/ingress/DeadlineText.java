package io.penstock.ingress;

import io.penstock.fault.Fault;
import io.penstock.stream.FailureClass;
import io.penstock.stream.StreamDeadlines;
import java.util.Optional;

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

  /** What a deadline says of the attempt that missed it; empty where it is nobody's. */
  static Optional<FailureClass> failure(Fault fault) {
    return switch (fault) {
      case CONNECT_TIMEOUT -> Optional.of(FailureClass.CONNECT_TIMEOUT);
      case FIRST_TOKEN_TIMEOUT -> Optional.of(FailureClass.FIRST_TOKEN_TIMEOUT);
      case IDLE_TIMEOUT -> Optional.of(FailureClass.IDLE_TIMEOUT);
      default -> Optional.empty();
    };
  }
}
