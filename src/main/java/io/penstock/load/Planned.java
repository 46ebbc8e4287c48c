package io.penstock.load;

/**
 * A request that is to be sent.
 *
 * @param index counts from 0
 * @param atNanos its planned arrival, from the run's beginning; 0 in a closed loop
 * @param request what to ask
 * @param lap how often the trace has been used up before it
 */
record Planned(long index, long atNanos, TracedRequest request, int lap) {}
