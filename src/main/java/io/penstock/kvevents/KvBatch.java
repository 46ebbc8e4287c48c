package io.penstock.kvevents;

import java.util.List;

/**
 * What an engine published in one piece.
 *
 * @param epochMillis by the engine's clock; 0 where it does not say
 * @param events of the kinds that count, in their order
 * @param others events of unknown kinds, and of memory other than the GPU's
 */
record KvBatch(long epochMillis, List<KvEvent> events, int others) {}
