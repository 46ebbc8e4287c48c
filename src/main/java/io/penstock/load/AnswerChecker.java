package io.penstock.load;

/** Judges answers that do not stream, and reads the code of error bodies. */
final class AnswerChecker {
  private AnswerChecker() {}

  /** The verdict on the whole body of a 200. */
  static Verdict check(byte[] body, boolean usageWanted) {
    ChunkReader answer = new ChunkReader();
    if (!answer.read(body, body.length)) {
      return Verdict.of(Ending.MALFORMED, "body is not a JSON object");
    }
    if (answer.error != null) {
      return Verdict.of(Ending.ERROR_FRAME, answer.error);
    }
    Verdict seen =
        new Verdict(
            Ending.OK,
            "",
            answer.content ? 1 : 0,
            answer.usage ? answer.promptTokens : -1,
            answer.usage ? answer.completionTokens : -1);
    if (!answer.content) {
      return seen.as(Ending.MALFORMED, "no content");
    }
    if (!answer.finished) {
      return seen.as(Ending.MALFORMED, "no finish_reason");
    }
    if (!answer.usage) {
      return usageWanted ? seen.as(Ending.MALFORMED, "no usage") : seen;
    }
    boolean adds =
        answer.promptTokens >= 0
            && answer.completionTokens > 0
            && answer.totalTokens == answer.promptTokens + answer.completionTokens;
    return adds ? seen : seen.as(Ending.MALFORMED, "usage does not add up");
  }

  /**
   * {@code 429 queue_full}: the status and, where the body is an error object, its code or type.
   */
  static String describe(int status, byte[] body) {
    ChunkReader answer = new ChunkReader();
    boolean read = body.length > 0 && answer.read(body, body.length);
    return read && answer.error != null ? status + " " + answer.error : String.valueOf(status);
  }
}
