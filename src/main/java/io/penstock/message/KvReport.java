package io.penstock.message;

import java.util.Optional;

/**
 * What the owner of a pool that follows the events of its engines' prefix caches makes of them, of
 * one replica.
 *
 * @param state the last word of its prober; empty before the first
 * @param silent whether the engine has worked and nothing was heard of that, so that what was
 *     learned from answers counts
 * @param holdsTokens tokens since whose use a prefix is expected to be there; -1 where all that was
 *     given is, and under a strategy that does not look
 * @param fromEvents whether that is what the events say
 */
public record KvReport(
    Optional<KvCacheState> state, boolean silent, long holdsTokens, boolean fromEvents) {}
