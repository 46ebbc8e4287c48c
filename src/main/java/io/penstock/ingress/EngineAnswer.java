package io.penstock.ingress;

import io.penstock.inference.Outcome;
import io.penstock.inference.TokenUsage;
import io.penstock.openai.ErrorBody;
import io.penstock.openai.ResponseScan;
import io.penstock.stream.FailureClass;

/**
 * What an engine's answer in one piece means, by the table of failure classes: its own 4xx is the
 * client's (but 401 and 403, which are about the gateway's key), 429 and 503 are back-pressure,
 * everything else that is not a JSON object of success is a fault. Pure.
 */
sealed interface EngineAnswer {
  /** The client gets it. */
  record Passed(byte[] body, Outcome outcome, TokenUsage usage) implements EngineAnswer {}

  /** The attempt has failed. */
  record Refused(Failure failure) implements EngineAnswer {}

  /** When an engine does not say how long to wait. */
  long RETRY_AFTER_MILLIS = 1_000;

  /** An engine may not send clients away for longer. */
  long RETRY_AFTER_MAX_SECONDS = 3_600;

  /**
   * Judges an answer.
   *
   * @param who the replica, for messages
   * @param retryAfter the engine's header; empty when it sent none
   * @param body the whole body, or its beginning where the status is not a success
   */
  static EngineAnswer judge(String who, int status, String retryAfter, byte[] body) {
    return status >= 200 && status < 300
        ? success(who, status, body)
        : other(who, status, retryAfter, body);
  }

  private static EngineAnswer success(String who, int status, byte[] body) {
    ResponseScan scan = ResponseScan.of(body);
    return switch (scan.kind()) {
      case RESULT -> new Passed(body, Outcome.OK, scan.usage().orElse(TokenUsage.NONE));
      case ERROR -> refused(FailureClass.ERROR_IN_ANSWER, words(who, status, body));
      case MALFORMED ->
          refused(
              FailureClass.MALFORMED,
              who
                  + " answered "
                  + status
                  + " with "
                  + body.length
                  + " bytes that are not a JSON object");
    };
  }

  private static EngineAnswer other(String who, int status, String retryAfter, byte[] body) {
    String said = words(who, status, body);
    return switch (status) {
      case 429 ->
          new Refused(
              new Failure(FailureClass.TOO_MANY_REQUESTS, said, retryAfterMillis(retryAfter)));
      case 503 ->
          new Refused(new Failure(FailureClass.UNAVAILABLE, said, retryAfterMillis(retryAfter)));
      case 401, 403 ->
          refused(
              FailureClass.KEY_REFUSED,
              who
                  + " refused the gateway's own key ("
                  + status
                  + "): see engine_api_key of its pool");
      case 408 -> refused(FailureClass.ENGINE_TIMEOUT, said);
      case 409 -> refused(FailureClass.UNFIT, said);
      default -> {
        if (status >= 500) {
          yield refused(FailureClass.ENGINE_FAILURE, said);
        }
        yield status >= 400
            ? new Passed(ErrorBody.reshape(status, body), Outcome.CLIENT_ERROR, TokenUsage.NONE)
            : refused(FailureClass.UNFIT, said);
      }
    };
  }

  /** Dear: only where something has failed. */
  private static String words(String who, int status, byte[] body) {
    return who + " answered " + status + EngineMessage.of(body).map(text -> ": " + text).orElse("");
  }

  private static Refused refused(FailureClass row, String message) {
    return new Refused(Failure.of(row, message));
  }

  private static long retryAfterMillis(String seconds) {
    try {
      return seconds.isBlank()
          ? RETRY_AFTER_MILLIS
          : Math.max(0, Math.min(RETRY_AFTER_MAX_SECONDS, Long.parseLong(seconds.strip()))) * 1_000;
    } catch (NumberFormatException date) {
      return RETRY_AFTER_MILLIS;
    }
  }
}
