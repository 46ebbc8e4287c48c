package io.penstock.ingress;

import io.penstock.inference.RequestId;
import io.penstock.message.Batch;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The course of a batch at its host: whose inputs are awaited, which calls are made. Pure.
 *
 * <p>It begins when all lanes have come or left, or after {@link #GATHER_MILLIS}; who comes later
 * is left out. A call that the engine refuses for what it asks is made again in halves, so that in
 * the end the one that is at fault is alone with its refusal: 2 log n calls for one of n, and never
 * more than 2n - 1. One by one was rejected: it is n calls for the sake of one.
 */
final class Course {
  /** How long inputs may take over the bus, whose messages take a millisecond or two. */
  static final long GATHER_MILLIS = 250;

  private enum Lane {
    AWAITED,
    HERE,
    GONE
  }

  private final Map<RequestId, Lane> lanes = new LinkedHashMap<>();
  private final Deque<List<RequestId>> calls = new ArrayDeque<>();
  private final long gatherUntilMillis;
  private boolean begun;

  Course(List<Batch.Lane> all, long nowMillis) {
    all.forEach(each -> lanes.put(each.id(), Lane.AWAITED));
    gatherUntilMillis = nowMillis + GATHER_MILLIS;
  }

  /**
   * A lane has come.
   *
   * @return false where it is not awaited (any more)
   */
  boolean came(RequestId id) {
    return !begun && lanes.replace(id, Lane.AWAITED, Lane.HERE);
  }

  /** A lane has left, or has its answer. */
  void left(RequestId id) {
    lanes.replace(id, Lane.GONE);
  }

  /** Whether the first call is to be made now. */
  boolean isDue(long nowMillis) {
    return !begun && (nowMillis >= gatherUntilMillis || !lanes.containsValue(Lane.AWAITED));
  }

  /** Goes with those that are here. */
  void begin() {
    begun = true;
    List<RequestId> here = new ArrayList<>();
    lanes.forEach(
        (id, lane) -> {
          if (lane == Lane.HERE) {
            here.add(id);
          }
        });
    lanes.replaceAll((id, lane) -> lane == Lane.AWAITED ? Lane.GONE : lane);
    calls.add(here);
  }

  /** The lanes of the next call; empty when there is none. */
  List<RequestId> next() {
    while (!calls.isEmpty()) {
      List<RequestId> call = new ArrayList<>(calls.poll());
      call.removeIf(id -> lanes.get(id) != Lane.HERE);
      if (!call.isEmpty()) {
        return call;
      }
    }
    return List.of();
  }

  /** The engine has refused a call of several for what it asks. */
  void refused(List<RequestId> call) {
    int half = call.size() / 2;
    calls.addFirst(call.subList(half, call.size()));
    calls.addFirst(call.subList(0, half));
  }

  /** Whether nobody waits for an answer any more. */
  boolean isDeserted() {
    return lanes.values().stream().allMatch(lane -> lane == Lane.GONE);
  }
}
