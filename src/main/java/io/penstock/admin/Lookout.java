package io.penstock.admin;

import io.penstock.message.KvReport;
import io.penstock.message.PoolReport;
import io.penstock.message.ReplicaReport;
import io.penstock.telemetry.Readiness.Alarm;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How the pools stand by their owners' words, over the time: who does not answer is believed to
 * stand as it did before. Pure.
 */
final class Lookout {
  private final Map<String, PoolReport> last = new HashMap<>();

  /** All pools have been asked. */
  FleetHealth look(List<PoolLook> pools) {
    Set<String> named = new HashSet<>();
    for (PoolLook look : pools) {
      String name = look.pool().name().value();
      named.add(name);
      look.report().ifPresent(report -> last.put(name, report));
    }
    last.keySet().retainAll(named);
    boolean anyHealthy = false;
    List<Alarm> alarms = new ArrayList<>();
    List<Alarm> silent = new ArrayList<>();
    for (PoolReport report : last.values()) {
      anyHealthy |= report.healthy() > 0;
      silentEvents(report, silent);
      if (report.belowMin()) {
        alarms.add(
            new Alarm(
                FleetHealth.BELOW_MIN,
                "pool " + report.pool(),
                report.healthy()
                    + (report.healthy() == 1 ? " healthy replica" : " healthy replicas")
                    + " (expected: at least "
                    + report.minHealthy()
                    + ", min_healthy_replicas)"));
      }
    }
    boolean eachHealthy =
        last.size() == named.size()
            && last.values().stream().allMatch(report -> report.healthy() > 0);
    return new FleetHealth(anyHealthy, eachHealthy, alarms, silent);
  }

  private static void silentEvents(PoolReport report, List<Alarm> alarms) {
    List<ReplicaReport> silent =
        report.replicas().stream()
            .filter(each -> each.kvEvents().filter(KvReport::silent).isPresent())
            .toList();
    if (!silent.isEmpty()) {
      alarms.add(
          new Alarm(
              FleetHealth.SILENT_EVENTS,
              "pool " + report.pool(),
              "no events of the prefix cache of "
                  + silent.get(0).replica()
                  + (silent.size() == 1 ? "" : " and " + (silent.size() - 1) + " more")
                  + " although requests were answered (expected: what kv_events names; is vLLM"
                  + " started with --kv-events-config?); what caches hold is learned from answers"
                  + " meanwhile"));
    }
  }
}
