package io.penstock.load;

import org.jspecify.annotations.Nullable;

/**
 * One request that has ended, with its times.
 *
 * @param requestId the {@code x-request-id} that was sent
 * @param address where it was sent
 * @param replica the {@code x-penstock-replica} of the answer
 * @param ttftNanos from the planned arrival to the first content; meaningless without content
 * @param contentNanos from the first content to the last
 * @param e2eNanos from the planned arrival to the end
 * @param askedTokens length of the answer that was asked for
 */
record Ended(
    Verdict verdict,
    String requestId,
    String address,
    @Nullable String replica,
    long ttftNanos,
    long contentNanos,
    long e2eNanos,
    int askedTokens) {

  /** Tokens generated: the server's word, or one for each content where it gave none. */
  long completionTokens() {
    return verdict.completionTokens() >= 0 ? verdict.completionTokens() : verdict.contents();
  }

  /** Mean time between the tokens of this answer; 0 for fewer than two. */
  long perTokenNanos() {
    return completionTokens() < 2 ? 0 : contentNanos / (completionTokens() - 1);
  }
}
