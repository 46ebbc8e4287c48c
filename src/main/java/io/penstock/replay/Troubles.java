package io.penstock.replay;

import io.penstock.replay.SimFleet.Event;
import io.penstock.replay.SimFleet.What;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/**
 * What a fleet's file says will happen to its replicas, as a list of changes. Where troubles of one
 * kind overlap at a replica, it is in the one that began last, and in the earlier one again when
 * that is over before it: the end of a trouble is no end of another. Pure.
 */
final class Troubles {
  private final List<Trouble> all = new ArrayList<>();

  /**
   * One of them.
   *
   * @param untilNanos when it is over; {@link Long#MAX_VALUE} for never
   * @param factor of {@link What#SLOW}
   */
  private record Trouble(int replica, What what, long atNanos, long untilNanos, double factor) {
    boolean lastsAt(long nanos) {
      return atNanos <= nanos && nanos < untilNanos;
    }
  }

  /** A replica is gone. */
  void down(int replica, long atNanos, long untilNanos) {
    all.add(new Trouble(replica, What.DOWN, atNanos, untilNanos, 1));
  }

  /** A replica is slow. */
  void slow(int replica, long atNanos, long untilNanos, double factor) {
    all.add(new Trouble(replica, What.SLOW, atNanos, untilNanos, factor));
  }

  /** In order of time, and as in the file where that is the same. */
  List<Event> events() {
    List<Event> events = new ArrayList<>();
    all.stream()
        .map(each -> List.of(each.replica, each.what))
        .distinct()
        .forEach(key -> changes((int) key.get(0), (What) key.get(1), events));
    events.sort(Comparator.comparingLong(Event::atNanos)); // stable
    return events;
  }

  private void changes(int replica, What what, List<Event> into) {
    List<Trouble> its =
        all.stream().filter(each -> each.replica == replica && each.what == what).toList();
    TreeSet<Long> moments = new TreeSet<>();
    for (Trouble each : its) {
      moments.add(each.atNanos);
      moments.add(each.untilNanos);
    }
    moments.remove(Long.MAX_VALUE);
    double before = what == What.DOWN ? 0 : 1;
    for (long nanos : moments) {
      double now = valueAt(its, what, nanos);
      if (now != before) {
        into.add(change(replica, what, nanos, now));
        before = now;
      }
    }
  }

  private static Event change(int replica, What what, long nanos, double value) {
    if (what == What.SLOW) {
      return new Event(nanos, replica, what, value);
    }
    return new Event(nanos, replica, value == 0 ? What.UP : What.DOWN, 1);
  }

  /** The factor of the trouble that began last; without one 1, or 0 where it is not down. */
  private static double valueAt(List<Trouble> its, What what, long nanos) {
    double value = what == What.DOWN ? 0 : 1;
    long began = Long.MIN_VALUE;
    for (Trouble each : its) {
      if (each.lastsAt(nanos) && each.atNanos >= began) {
        began = each.atNanos;
        value = each.factor;
      }
    }
    return value;
  }
}
