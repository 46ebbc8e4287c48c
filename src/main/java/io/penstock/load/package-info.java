/**
 * The load driver behind {@code penstock load}: replays a trace, a Poisson process or a closed loop
 * against any OpenAI-compatible address, and checks that each stream is whole.
 *
 * <p>It owns its own HTTP client and nothing of a node; it neither hears nor says anything on the
 * bus, so it measures Penstock and a bare engine alike. Pure and tested without sockets: the trace
 * ({@code TraceReader}), the arrivals ({@code Plan}), the prompts ({@code Prompts}), the judgement
 * of a stream by its bytes ({@code StreamChecker}) and the figures ({@code Tally}). The shell is
 * {@code LoadRun}, which keeps the pace, and {@code Exchange}, one request on the wire; both live
 * on one event loop.
 *
 * <p>Decisions. Open loop: a slow server never delays the next arrival, and every latency counts
 * from the <em>planned</em> arrival, so that a stall is seen by all that would have met it
 * (coordinated omission). How late the driver itself sent is reported beside the latencies. What
 * cannot be sent for want of room is counted as {@code shed}, never left out. Each planned request
 * has exactly one {@link io.penstock.load.Ending}. A stream is {@code ok} only when its bytes and
 * its HTTP body both ended as they should; the checks are strict, since the driver is also the
 * judge of the gateway's promises.
 */
@NullMarked
package io.penstock.load;

import org.jspecify.annotations.NullMarked;
