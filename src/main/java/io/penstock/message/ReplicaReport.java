package io.penstock.message;

import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaState;
import java.util.Optional;

/**
 * How one replica stands, by its pool's owner.
 *
 * @param state by the probers; empty before their first word
 * @param usable whether it may get new grants
 * @param why it is not usable; empty when it is
 * @param live grants on it now
 * @param limit most grants that it gets at a time now
 * @param breaker state of its circuit breaker; empty when it has none
 * @param draining whether it gets no new grants by somebody's order
 */
public record ReplicaReport(
    ReplicaId replica,
    String zone,
    Optional<ReplicaState> state,
    boolean usable,
    String why,
    int live,
    int limit,
    String breaker,
    boolean draining) {}
