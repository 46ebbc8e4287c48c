package io.penstock.batcher;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The waiting requests of one priority class: first come first served, retries before all others,
 * and nobody held up by a request in front that the free replica can not serve.
 *
 * <p>One list with a scan for the first that fits would cost a walk over thousands whenever the
 * requests in front need a replica that is full. So requests that the same replicas can serve share
 * a {@link Line}, and only the lines' heads are looked at, oldest first. There are few lines: one
 * for each mix of capabilities, and some more while replicas fail.
 */
final class ClassQueue {
  private final Map<Line.Key, Line> lines = new HashMap<>();
  private final TreeMap<Long, Line> byHead = new TreeMap<>();
  private int size;

  int size() {
    return size;
  }

  /**
   * Appends; ranks of one line only grow.
   *
   * @param reach what the request may hope for now
   */
  void add(Waiting waiting, Line.Key key, Reach reach) {
    Line line = lines.get(key);
    if (line == null) {
      line = new Line(key);
      line.reach = reach;
      line.reachSinceMillis = waiting.arrivedMillis;
      lines.put(key, line);
    }
    line.append(waiting);
    if (line.head() == waiting) {
      byHead.put(waiting.rank, line);
    }
    size++;
  }

  void remove(Waiting waiting) {
    Line line = waiting.line;
    if (line == null) {
      throw new IllegalStateException(
          "request " + waiting.admit.id() + ": in no line (expected: waiting)");
    }
    boolean wasHead = line.head() == waiting;
    line.unlink(waiting);
    size--;
    if (wasHead) {
      byHead.remove(waiting.rank);
      Waiting head = line.head();
      if (head == null) {
        lines.remove(line.key);
      } else {
        byHead.put(head.rank, line);
      }
    }
  }

  /** The first that a replica would take now; null when none can be served. */
  @Nullable Waiting firstServable(Roster roster) {
    for (Line line : byHead.values()) {
      if (roster.opens(line.key.needs(), line.key.excluded())) {
        return line.head();
      }
    }
    return null;
  }

  /** Looks again at what each line may hope for. */
  void review(Roster roster, long nowMillis) {
    for (Line line : lines.values()) {
      Reach reach = roster.reach(line.key.needs(), line.key.excluded());
      if (reach != line.reach) {
        line.reach = reach;
        line.reachSinceMillis = nowMillis;
      }
    }
  }

  /** Those that no replica will serve, or that have hoped for one for {@code graceMillis}. */
  List<Waiting> hopeless(long graceMillis, long nowMillis) {
    List<Waiting> found = List.of();
    for (Line line : lines.values()) {
      if (line.reach == Reach.SERVED) {
        continue;
      }
      for (Waiting each = line.head(); each != null; each = each.after) {
        long since = Math.max(each.arrivedMillis, line.reachSinceMillis);
        if (line.reach == Reach.HOPED_FOR && since + graceMillis > nowMillis) {
          break;
        }
        found = found.isEmpty() ? new ArrayList<>() : found;
        found.add(each);
      }
    }
    return found;
  }
}
