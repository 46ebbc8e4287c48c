package io.penstock.message;

import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;

/**
 * A pool's owner has seen requests fail on a replica and asks whoever probes it to check it now.
 * Published to all probers; who does not watch the replica ignores it.
 *
 * @param why what was seen
 */
public record Doubt(PoolName pool, ReplicaId replica, String why) implements Message {}
