package io.penstock.telemetry;

import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Whether this node should be sent requests, and why not. It is ready when every named condition is
 * met and it is not draining. Set by the composition root, read by the health endpoint.
 * Thread-safe.
 */
public final class Readiness {
  private final AtomicReference<State> state =
      new AtomicReference<>(new State(Collections.emptyMap(), Collections.emptyMap(), false));

  /**
   * The conditions at one moment.
   *
   * @param conditions by name: empty when met, else what is missing; sorted by name
   * @param remarks by name: what is wrong and does not keep requests from being served; sorted
   * @param draining whether the node is to take no new work
   */
  public record State(
      Map<String, String> conditions, Map<String, String> remarks, boolean draining) {
    /** Whether the node should be sent requests. */
    public boolean ready() {
      return !draining && conditions.values().stream().allMatch(String::isEmpty);
    }

    private State with(String condition, String missing) {
      Map<String, String> next = new TreeMap<>(conditions);
      next.put(condition, missing);
      return new State(Collections.unmodifiableMap(next), remarks, draining);
    }

    private State remarking(String name, String detail) {
      Map<String, String> next = new TreeMap<>(remarks);
      if (detail.isEmpty()) {
        next.remove(name);
      } else {
        next.put(name, detail);
      }
      return new State(conditions, Collections.unmodifiableMap(next), draining);
    }
  }

  /** The condition holds. */
  public void met(String condition) {
    state.updateAndGet(now -> now.with(condition, ""));
  }

  /**
   * The condition does not hold.
   *
   * @param missing what is missing, for the operator; not empty
   */
  public void unmet(String condition, String missing) {
    if (missing.isEmpty()) {
      throw new IllegalArgumentException("missing: '' (expected: what " + condition + " lacks)");
    }
    state.updateAndGet(now -> now.with(condition, missing));
  }

  /**
   * Something is wrong with the node that does not keep requests from being served, or not any
   * more.
   *
   * @param detail for the operator; empty when it is right again
   */
  public void remark(String name, String detail) {
    state.updateAndGet(now -> now.remarking(name, detail));
  }

  /** The node takes no new work from now on. */
  public void drain() {
    state.updateAndGet(now -> new State(now.conditions(), now.remarks(), true));
  }

  /** The node takes new work again. */
  public void resume() {
    state.updateAndGet(now -> new State(now.conditions(), now.remarks(), false));
  }

  /** The conditions now. */
  public State state() {
    return Objects.requireNonNull(state.get());
  }
}
