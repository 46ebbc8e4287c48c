package io.penstock.message;

import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;

/**
 * The client has left while its request waited: drop it. A grant that crossed it on the way is
 * released by its receiver.
 */
public record Withdraw(RequestId id, PoolName pool) implements Message {}
