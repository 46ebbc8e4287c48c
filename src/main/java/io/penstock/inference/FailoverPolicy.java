package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.time.Duration;

/**
 * Which replicas of a pool carry work, and when their number is an alarm. Names are the guide's
 * {@code HAConfig}.
 *
 * @param minHealthyReplicas fewer usable replicas are an alarm; >= 0
 * @param spreadAcrossZones whether of equally good replicas the one is chosen whose zone carries
 *     least of what it takes, and a failed request goes to another zone first
 * @param failback how long a primary must have been healthy before it takes over again
 */
public record FailoverPolicy(
    FailoverStrategy strategy,
    int minHealthyReplicas,
    boolean spreadAcrossZones,
    Duration failback) {
  /** All replicas work, one is enough, zones are spread over, failback after a minute. */
  public static final FailoverPolicy DEFAULT =
      new FailoverPolicy(FailoverStrategy.ACTIVE_ACTIVE, 1, true, Duration.ofSeconds(60));

  public FailoverPolicy {
    require(minHealthyReplicas >= 0, "minHealthyReplicas", minHealthyReplicas, ">= 0");
  }
}
