package io.penstock.message;

import io.penstock.inference.Priority;

/**
 * What waits of one class.
 *
 * @param bytes of the waiting requests' bodies
 * @param oldestMillis how long the one that came first has waited
 * @param waitMillis how long it takes until all of them have been granted; -1 when unknown
 */
public record QueueDepth(
    Priority priority, int requests, long bytes, long oldestMillis, long waitMillis) {}
