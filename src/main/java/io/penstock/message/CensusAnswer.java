package io.penstock.message;

import io.penstock.inference.PoolName;
import java.util.List;

/**
 * The live grants of one ingress loop.
 *
 * @param highestEpoch the highest epoch of the pool that it has seen before this census; the owner
 *     passes it
 */
public record CensusAnswer(
    PoolName pool, long epoch, Station holder, long highestEpoch, List<Lease> leases)
    implements Message {}
