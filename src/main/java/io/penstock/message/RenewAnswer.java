package io.penstock.message;

import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import java.util.List;

/**
 * The owner's answer to {@link Renew}.
 *
 * @param unknownWaiting Admits that never arrived, or were lost with an owner: to be sent again
 */
public record RenewAnswer(PoolName pool, long epoch, List<RequestId> unknownWaiting)
    implements Message {}
