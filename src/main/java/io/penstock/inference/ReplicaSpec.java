package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.util.Set;

/**
 * One replica as its pool lists it.
 *
 * @param id unique in the fleet
 * @param url scheme, host and port, without a trailing slash: {@code http://10.0.0.7:8000}
 * @param weight share of the work for weighted strategies; > 0
 * @param maxConcurrent requests that may run on it at a time, over the whole cluster; >= 1
 * @param capabilities what it can do; the pool's where it names none of its own
 * @param zone failure domain; empty when unknown
 */
public record ReplicaSpec(
    ReplicaId id,
    String url,
    double weight,
    int maxConcurrent,
    Set<Capability> capabilities,
    String zone) {
  public ReplicaSpec {
    require(weight > 0 && weight < Double.POSITIVE_INFINITY, "weight", weight, "> 0");
    require(maxConcurrent >= 1, "maxConcurrent", maxConcurrent, ">= 1");
    capabilities = Set.copyOf(capabilities);
  }
}
