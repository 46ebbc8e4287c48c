package io.penstock.load;

/**
 * One request of a trace.
 *
 * @param atNanos its arrival, from the trace's or its session's beginning
 * @param session its session; -1 without one
 * @param thinkNanos how long its client waited after the answer before, in the session; -1 where
 *     the trace does not say
 * @param blocks its prompt as runs of prefix blocks, {@code first, count, first, count, …}; empty
 *     where the trace has none. Not copied: a trace has hundreds of thousands of them.
 */
@SuppressWarnings("ArrayRecordComponent")
public record TracedRequest(
    long atNanos, long session, int inputTokens, int outputTokens, long thinkNanos, int[] blocks) {
  static final int[] NO_BLOCKS = {};

  /** One of which it is not known how long its client thought. */
  TracedRequest(long atNanos, long session, int inputTokens, int outputTokens, int[] blocks) {
    this(atNanos, session, inputTokens, outputTokens, -1, blocks);
  }
}
