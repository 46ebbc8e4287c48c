package io.penstock.load;

import java.util.List;
import java.util.function.IntUnaryOperator;

/**
 * A trace in memory.
 *
 * @param name the file's name, for messages
 * @param perSession whether times count from each session's own start
 * @param blockTokens tokens of a block, by its id
 */
public record Trace(
    String name, List<TracedRequest> requests, boolean perSession, IntUnaryOperator blockTokens) {}
