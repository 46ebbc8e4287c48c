package io.penstock.message;

import io.penstock.inference.PoolName;

/** A new owner asks every ingress loop for its live grants of the pool, and announces its epoch. */
public record Census(PoolName pool, long epoch, Station owner) implements Message {}
