package io.penstock.ingress;

import io.penstock.fault.Fault;
import io.penstock.inference.Outcome;
import io.penstock.inference.TokenUsage;
import io.penstock.openai.ErrorBody;
import io.penstock.openai.ResponseScan;

/**
 * What an engine's answer in one piece means, by the table of failure classes: its own 4xx is the
 * client's (but 401 and 403, which are about the gateway's key), 429 and 503 are back-pressure,
 * everything else that is not a JSON object of success is a fault. Pure.
 */
sealed interface EngineAnswer {
  /** The client gets it. */
  record Passed(byte[] body, Outcome outcome, TokenUsage usage) implements EngineAnswer {}

  /** The client gets an error of ours. */
  record Refused(Fault fault, String message, long retryAfterMillis, Outcome outcome)
      implements EngineAnswer {}

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
    String said =
        who + " answered " + status + EngineMessage.of(body).map(text -> ": " + text).orElse("");
    if (status >= 200 && status < 300) {
      ResponseScan scan = ResponseScan.of(body);
      return switch (scan.kind()) {
        case RESULT -> new Passed(body, Outcome.OK, scan.usage().orElse(TokenUsage.NONE));
        case ERROR -> new Refused(Fault.BAD_GATEWAY, said, 0, Outcome.FAULT);
        case MALFORMED ->
            new Refused(
                Fault.BAD_GATEWAY,
                who
                    + " answered "
                    + status
                    + " with "
                    + body.length
                    + " bytes that are not a JSON object",
                0,
                Outcome.FAULT);
      };
    }
    return switch (status) {
      case 429 ->
          new Refused(Fault.QUEUE_FULL, said, retryAfterMillis(retryAfter), Outcome.BACK_PRESSURE);
      case 503 ->
          new Refused(Fault.NO_REPLICA, said, retryAfterMillis(retryAfter), Outcome.BACK_PRESSURE);
      case 401, 403 ->
          new Refused(
              Fault.BAD_GATEWAY,
              who
                  + " refused the gateway's own key ("
                  + status
                  + "): see engine_api_key of its pool",
              0,
              Outcome.FAULT);
      case 408, 409 -> new Refused(Fault.BAD_GATEWAY, said, 0, Outcome.FAULT);
      default ->
          status >= 400 && status < 500
              ? new Passed(ErrorBody.reshape(status, body), Outcome.CLIENT_ERROR, TokenUsage.NONE)
              : new Refused(Fault.BAD_GATEWAY, said, 0, Outcome.FAULT);
    };
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
