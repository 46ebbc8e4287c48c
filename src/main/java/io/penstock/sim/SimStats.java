package io.penstock.sim;

/**
 * What one simulated engine saw, for checks from the far side of a gateway.
 *
 * @param received generation and embedding requests accepted, faulted ones included
 * @param finished answered to the end
 * @param cancelled whose client left first
 * @param faulted that a fault ended or kept from an answer
 * @param rejected answered with an error of the engine's own
 * @param inFlight being answered now
 * @param peakInFlight the most at one time
 * @param runningSequences in the batch now
 * @param waitingSequences in the engine's queue now
 * @param peakRunningSequences the most in one step
 * @param promptTokens prefilled, cached ones included
 * @param generatedTokens generated, read or not
 * @param wastedTokens generated for sequences that were cancelled
 * @param prefixQueryTokens prompt tokens looked up in the prefix cache
 * @param prefixHitTokens prompt tokens found there
 * @param preemptions sequences pushed out of the batch for want of memory
 * @param kvUsage share of the memory in use, 0..1
 * @param lastCancelEpochMillis when a client left last, by the wall clock; 0 if none did
 * @param lastCancelNanos the same by {@code System.nanoTime()} of this process; 0 if none did
 */
public record SimStats(
    long received,
    long finished,
    long cancelled,
    long faulted,
    long rejected,
    int inFlight,
    int peakInFlight,
    int runningSequences,
    int waitingSequences,
    int peakRunningSequences,
    long promptTokens,
    long generatedTokens,
    long wastedTokens,
    long prefixQueryTokens,
    long prefixHitTokens,
    long preemptions,
    double kvUsage,
    long lastCancelEpochMillis,
    long lastCancelNanos) {
  byte[] json() {
    return Json.bytes(
        Json.newObject()
            .put("received", received)
            .put("finished", finished)
            .put("cancelled", cancelled)
            .put("faulted", faulted)
            .put("rejected", rejected)
            .put("in_flight", inFlight)
            .put("peak_in_flight", peakInFlight)
            .put("running", runningSequences)
            .put("waiting", waitingSequences)
            .put("peak_running", peakRunningSequences)
            .put("prompt_tokens", promptTokens)
            .put("tokens_generated", generatedTokens)
            .put("tokens_wasted", wastedTokens)
            .put("prefix_query_tokens", prefixQueryTokens)
            .put("prefix_hit_tokens", prefixHitTokens)
            .put("preemptions", preemptions)
            .put("kv_usage", kvUsage)
            .put("last_cancel_epoch_millis", lastCancelEpochMillis)
            .put("last_cancel_nanos", lastCancelNanos));
  }
}
