package io.penstock.admin;

import io.penstock.telemetry.Readiness.Alarm;
import java.util.List;

/**
 * How the fleet stands by the words of the pools' owners, as far as one node has heard them.
 *
 * @param anyHealthy whether a replica of some pool is healthy
 * @param eachHealthy whether one of each pool is
 * @param belowMin one alarm for each pool with fewer healthy replicas than it should have
 * @param silentEvents one for each pool whose engines work and tell nothing of their prefix caches,
 *     although they are to
 */
public record FleetHealth(
    boolean anyHealthy, boolean eachHealthy, List<Alarm> belowMin, List<Alarm> silentEvents) {
  /** The kind of {@link #belowMin}. */
  public static final String BELOW_MIN = "min_healthy_replicas";

  /** The kind of {@link #silentEvents}. */
  public static final String SILENT_EVENTS = "kv_events_silent";

  public FleetHealth {
    belowMin = List.copyOf(belowMin);
    silentEvents = List.copyOf(silentEvents);
  }

  /** Hears it again and again; on the event loop of the admin API. */
  public interface Listener {
    /**
     * After a look at all pools.
     *
     * @return whether the next one is wanted soon
     */
    boolean heard(FleetHealth health);
  }
}
