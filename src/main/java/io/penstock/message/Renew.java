package io.penstock.message;

import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import java.util.List;

/**
 * What one ingress loop holds and waits for at one pool's owner; sent every few seconds, keeps its
 * leases alive.
 *
 * @param waiting Admits that have no answer yet
 */
public record Renew(
    PoolName pool, Station holder, long epoch, List<Lease> leases, List<RequestId> waiting)
    implements Message {}
