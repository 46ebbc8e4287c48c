package io.penstock.message;

import io.penstock.inference.PoolName;

/**
 * Asks a pool's owner how the pool stands; answered to {@code replyTo} by one {@link PoolReport}.
 *
 * @param question number that the asker knows the answer by
 */
public record AskPool(long question, Station replyTo, PoolName pool) implements Message {}
