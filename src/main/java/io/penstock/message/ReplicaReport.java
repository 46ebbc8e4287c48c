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
 * @param maxConcurrent most that it ever gets, by its pool's list
 * @param pressureLimit most that it gets by what its engine has refused (429, 503)
 * @param share of the work that it could carry that it gets now, over 0 and at most 1: less in its
 *     slow start, where it is slower than others, and after refusals
 * @param slowStart whether it is in its slow start
 * @param breaker state of its circuit breaker; empty when it has none
 * @param draining whether it gets no new grants by somebody's order
 * @param cache what is known of its prefix cache; empty from an older node
 * @param kvEvents what its engine's events say of that; empty where the pool follows none
 */
public record ReplicaReport(
    ReplicaId replica,
    String zone,
    Optional<ReplicaState> state,
    boolean usable,
    String why,
    int live,
    int limit,
    int maxConcurrent,
    int pressureLimit,
    double share,
    boolean slowStart,
    String breaker,
    boolean draining,
    Optional<CacheReport> cache,
    Optional<KvReport> kvEvents) {}
