package io.penstock.adapter.guard;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.penstock.telemetry.Names;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * The meters of guards. Each event loop that calls a system has a guard of its own, and they have
 * one label: what they count is added up, and the state that is shown is the worst of theirs. One
 * for all guards that share a registry and labels; any thread.
 */
public final class GuardMeters {
  private final MeterRegistry registry;
  private final Map<Tags, Shown> shown = new ConcurrentHashMap<>();

  public GuardMeters(MeterRegistry registry) {
    this.registry = registry;
  }

  /** One more guard, with the best state; its {@link Row} is to be closed. */
  Row open(String system, String target) {
    Tags tags = Tags.of("system", system, "target", target);
    return new Row(
        tags,
        shown.compute(
            tags,
            (same, before) -> {
              Shown now = before == null ? new Shown(registry, tags) : before;
              now.guards++;
              now.inState.incrementAndGet(0);
              return now;
            }));
  }

  /** What all guards of one label come to. */
  private static final class Shown {
    private final AtomicIntegerArray inState = new AtomicIntegerArray(Guard.STATES);
    private final Gauge gauge;
    private int guards; // touched within compute

    Shown(MeterRegistry registry, Tags tags) {
      gauge = Gauge.builder(Names.GUARD_STATE, this, Shown::worst).tags(tags).register(registry);
    }

    private double worst() {
      int state = Guard.STATES - 1;
      while (state > 0 && inState.get(state) == 0) {
        state--;
      }
      return state;
    }
  }

  /** What one guard adds. Of its event loop. */
  final class Row {
    private final Tags tags;
    private final Shown all;
    private final Counter answered;
    private final Counter failed;
    private final Counter refused;
    private int state;
    private boolean isClosed;

    private Row(Tags tags, Shown all) {
      this.tags = tags;
      this.all = all;
      this.answered = registry.counter(Names.GUARD_CALLS, tags.and("outcome", "ok"));
      this.failed = registry.counter(Names.GUARD_CALLS, tags.and("outcome", "failed"));
      this.refused = registry.counter(Names.GUARD_CALLS, tags.and("outcome", "refused"));
    }

    void answered() {
      answered.increment();
    }

    void failed() {
      failed.increment();
    }

    void refused() {
      refused.increment();
    }

    /** The guard is in another state. */
    void state(int next) {
      if (!isClosed) {
        all.inState.incrementAndGet(next);
        all.inState.decrementAndGet(state);
        state = next;
      }
    }

    /** The guard is no more; the gauge goes with the last one. */
    void close() {
      if (isClosed) {
        return;
      }
      isClosed = true;
      all.inState.decrementAndGet(state);
      shown.computeIfPresent(
          tags,
          (same, now) -> {
            if (--now.guards > 0) {
              return now;
            }
            registry.remove(now.gauge);
            return null;
          });
    }
  }
}
