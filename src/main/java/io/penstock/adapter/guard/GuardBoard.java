package io.penstock.adapter.guard;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.penstock.telemetry.Names;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Shows the states of a node's guards, one series for each system and target: where several event
 * loops have a guard each for the same one, the worst of theirs. Thread-safe.
 */
public final class GuardBoard {
  /** The states behind one series. */
  private record Shown(Gauge gauge, Set<AtomicInteger> states) {}

  private final MeterRegistry meters;
  private final Map<Tags, Shown> series = new ConcurrentHashMap<>();

  public GuardBoard(MeterRegistry meters) {
    this.meters = meters;
  }

  MeterRegistry meters() {
    return meters;
  }

  /** Shows one more. */
  void add(Tags tags, AtomicInteger state) {
    series.computeIfAbsent(tags, this::shown).states().add(state);
  }

  private Shown shown(Tags tags) {
    Set<AtomicInteger> states = ConcurrentHashMap.newKeySet();
    return new Shown(
        Gauge.builder(Names.GUARD_STATE, states, GuardBoard::worst).tags(tags).register(meters),
        states);
  }

  private static double worst(Set<AtomicInteger> states) {
    return states.stream().mapToInt(AtomicInteger::get).max().orElse(0);
  }

  /** Shows it no more; the series of the last one ends. */
  void remove(Tags tags, AtomicInteger state) {
    series.computeIfPresent(
        tags,
        (same, shown) -> {
          shown.states().remove(state);
          if (!shown.states().isEmpty()) {
            return shown;
          }
          meters.remove(shown.gauge());
          return null;
        });
  }
}
