package io.penstock.message;

/**
 * An engine's word on its own load.
 *
 * @param waiting requests in its queue; -1 when it does not say
 * @param running requests in its batch; -1 when it does not say
 * @param kvCacheUsage share of the KV cache in use, 0..1; NaN when it does not say
 * @param prefixCacheHitRatio share of prompt tokens found in the prefix cache since the last
 *     scrape, 0..1; NaN when unknown
 * @param ageMillis time since it was scraped, when the report was sent
 */
public record Signals(
    int waiting, int running, double kvCacheUsage, double prefixCacheHitRatio, long ageMillis) {}
