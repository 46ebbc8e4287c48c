package io.penstock.telemetry;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
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
  /** The kind of alarms about the node itself. */
  public static final String NODE = "node";

  private final AtomicReference<State> state =
      new AtomicReference<>(new State(Collections.emptyMap(), false, List.of()));

  /**
   * Something that an operator should look at, and that is no reason to send requests elsewhere.
   *
   * @param kind one of a closed list
   * @param subject what it is about: {@code pool llama}
   */
  public record Alarm(String kind, String subject, String detail) {}

  /**
   * The conditions at one moment.
   *
   * @param conditions by name: empty when met, else what is missing; sorted by name
   * @param draining whether the node is to take no new work
   * @param alarms sorted by kind and subject
   */
  public record State(Map<String, String> conditions, boolean draining, List<Alarm> alarms) {
    /** Whether the node should be sent requests. */
    public boolean ready() {
      return !draining && conditions.values().stream().allMatch(String::isEmpty);
    }

    private State with(String condition, String missing) {
      Map<String, String> next = new TreeMap<>(conditions);
      next.put(condition, missing);
      return new State(Collections.unmodifiableMap(next), draining, alarms);
    }

    private State withOfNode(String subject, String detail) {
      List<Alarm> ofNode = new ArrayList<>(alarms);
      ofNode.removeIf(alarm -> !alarm.kind().equals(NODE) || alarm.subject().equals(subject));
      if (!detail.isEmpty()) {
        ofNode.add(new Alarm(NODE, subject, detail));
      }
      return with(NODE, ofNode);
    }

    private State with(String kind, Collection<Alarm> all) {
      List<Alarm> next = new ArrayList<>(alarms);
      next.removeIf(alarm -> alarm.kind().equals(kind));
      next.addAll(all);
      next.sort(Comparator.comparing(Alarm::kind).thenComparing(Alarm::subject));
      return new State(conditions, draining, List.copyOf(next));
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
   * @param subject what of it
   * @param detail for the operator; empty when it is right again
   */
  public void alarm(String subject, String detail) {
    state.updateAndGet(now -> now.withOfNode(subject, detail));
  }

  /**
   * These are all alarms of a kind now. They change nothing about whether the node is ready.
   *
   * @param alarms all of this kind
   */
  public void alarms(String kind, Collection<Alarm> alarms) {
    state.updateAndGet(now -> now.with(kind, alarms));
  }

  /** The node takes no new work from now on. */
  public void drain() {
    state.updateAndGet(now -> new State(now.conditions(), true, now.alarms()));
  }

  /** The node takes new work again. */
  public void resume() {
    state.updateAndGet(now -> new State(now.conditions(), false, now.alarms()));
  }

  /** The conditions now. */
  public State state() {
    return Objects.requireNonNull(state.get());
  }
}
