package io.penstock.message;

import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import java.util.Optional;

/**
 * What the prober knows of one replica.
 *
 * @param signals the engine's own word on its load; empty when it gives none
 * @param lastError why the last failed check failed; empty when none did
 * @param continuesMessages whether its API says that it can go on with a message that another has
 *     begun; empty when it is not known
 * @param checks finished checks of it by this prober; grows, so that a reader can tell a word that
 *     is newer than its own doubt
 * @param kvCache what its engine's events say of its prefix cache; empty where there are none, or
 *     none yet
 */
public record ReplicaStatus(
    PoolName pool,
    ReplicaSpec spec,
    ReplicaState state,
    Optional<Signals> signals,
    String lastError,
    Optional<Boolean> continuesMessages,
    long checks,
    Optional<KvCacheState> kvCache) {}
