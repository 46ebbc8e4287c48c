package io.penstock.load;

/**
 * One request of a trace.
 *
 * @param atNanos its arrival, from the trace's or its session's beginning
 * @param session its session; -1 without one
 * @param blocks its prompt as runs of prefix blocks, {@code first, count, first, count, …}; empty
 *     where the trace has none. Not copied: a trace has hundreds of thousands of them.
 */
@SuppressWarnings("ArrayRecordComponent")
record TracedRequest(long atNanos, long session, int inputTokens, int outputTokens, int[] blocks) {
  static final int[] NO_BLOCKS = {};
}
