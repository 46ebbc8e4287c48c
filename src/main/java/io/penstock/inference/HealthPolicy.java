package io.penstock.inference;

import java.time.Duration;

/**
 * When a replica counts as healthy. Names are the guide's {@code HAConfig}.
 *
 * @param checkInterval time between two health checks of a healthy replica
 * @param checkTimeout time after which a check has failed
 * @param consecutiveFailuresForUnhealthy failed checks in a row that make it unhealthy
 * @param recoveryProbeInterval time between two checks of an unhealthy or starting replica
 * @param signalInterval time between two scrapes of its load signals, and between two reports
 */
public record HealthPolicy(
    Duration checkInterval,
    Duration checkTimeout,
    int consecutiveFailuresForUnhealthy,
    Duration recoveryProbeInterval,
    Duration signalInterval) {
  /**
   * The guide's values, but a recovery probe every 5 s so that a replica that is back is used soon.
   */
  public static final HealthPolicy DEFAULT =
      new HealthPolicy(
          Duration.ofSeconds(10),
          Duration.ofSeconds(5),
          3,
          Duration.ofSeconds(5),
          Duration.ofSeconds(1));
}
