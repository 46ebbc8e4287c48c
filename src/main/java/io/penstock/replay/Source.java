package io.penstock.replay;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** What arrives next, in one run of a workload. */
final class Source {
  /** What {@link #nextNanos} says when nothing comes any more. */
  static final long NEVER = Long.MAX_VALUE;

  /** A session on its way. */
  private static final class Session {
    final int[] rows;
    final long lap;
    int next;

    Session(int[] rows, long lap) {
      this.rows = rows;
      this.lap = lap;
    }
  }

  private final Workload workload;
  private final double rate;
  private final SplittableRandom random;
  private final int requestsMax;
  private final long endNanos;
  private final boolean laps;
  private final List<Session> sessions = new ArrayList<>();
  private final EventHeap followUps = new EventHeap();
  private double sessionAt;
  private long place; // of the next row with one clock, or of the next session, laps counted
  private int sent;
  private long nextNanos = NEVER;

  Source(Workload workload, double rate, SplittableRandom random) {
    this.workload = workload;
    this.rate = rate;
    this.random = random;
    Workload.Extent extent = workload.extent();
    this.requestsMax = extent.requests().orElse(Integer.MAX_VALUE);
    this.endNanos = extent.duration().map(d -> d.toNanos()).orElse(NEVER);
    this.laps = extent.isBounded();
    moveOn();
  }

  /** How many have arrived. */
  int sent() {
    return sent;
  }

  /** When the next one arrives; {@link #NEVER} while nothing is known to. */
  long nextNanos() {
    if (sent >= requestsMax) {
      return NEVER;
    }
    long next = Math.min(nextNanos, followUps.nextNanos());
    return next < endNanos ? next : NEVER;
  }

  /** The one that arrives at {@link #nextNanos}. */
  Call take() {
    long at = nextNanos();
    if (at == NEVER) {
      throw new IllegalStateException("nothing arrives (expected: asked for when something does)");
    }
    if (followUps.nextNanos() == at) {
      return ofSession(followUps.take(), at);
    }
    if (workload.isOfSessions()) {
      int at0 = (int) (place % workload.sessionCount());
      sessions.add(new Session(workload.session(at0), place / workload.sessionCount()));
      place++;
      moveOn();
      return ofSession(sessions.size() - 1, at);
    }
    int row = workload.rowAt((int) (place % workload.rows()));
    Call call = workload.call(sent++, row, -1, place / workload.rows(), at);
    place++;
    moveOn();
    return call;
  }

  private Call ofSession(int number, long at) {
    Session session = sessions.get(number);
    return workload.call(sent++, session.rows[session.next++], number, session.lap, at);
  }

  /** It has ended, however it did: its session goes on. */
  void ended(Call call, long atNanos) {
    if (call.session < 0) {
      return;
    }
    Session session = sessions.get(call.session);
    if (session.next < session.rows.length) {
      long think = workload.thinkNanos(session.rows[session.next], session.rows[session.next - 1]);
      followUps.add(atNanos + think, call.session);
    }
  }

  private void moveOn() {
    int length = workload.isOfSessions() ? workload.sessionCount() : workload.rows();
    if (!laps && place >= length) {
      nextNanos = NEVER;
    } else if (workload.isOfSessions()) {
      sessionAt -= Math.log1p(-random.nextDouble()) * 1e9 / rate;
      nextNanos = (long) sessionAt;
    } else {
      double slower = workload.tracedRate() / rate;
      double lapAt = (place / length) * workload.spanSeconds() * 1e9;
      nextNanos = (long) ((lapAt + workload.atNanos((int) (place % length))) * slower);
    }
  }
}
