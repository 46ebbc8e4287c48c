package io.penstock.adapter.kvevents;

import io.penstock.time.Clock;
import java.util.LinkedHashSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;

/**
 * The thread that owns all sockets of events. What it is told from elsewhere waits in a queue for
 * its next turn, {@link #TURN_MILLIS} later at most, so that nothing has to wake it.
 */
final class EventReader implements Runnable {
  static final long TURN_MILLIS = 50;

  /** Most sockets; a publisher has three, and one more while its past is asked for. */
  private static final int SOCKETS_MAX = 1 << 16;

  private static final Logger log = LoggerFactory.getLogger(EventReader.class);

  private final Clock clock;
  private final Thread thread = new Thread(this, "penstock-kv-events");
  private final Queue<Runnable> orders = new ConcurrentLinkedQueue<>();
  private final Set<Following> followings = new LinkedHashSet<>();
  private @Nullable Runnable onEnd;

  EventReader(Clock clock) {
    this.clock = clock;
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** From any thread, as the two below. */
  void add(Following following) {
    orders.add(() -> followings.add(following));
  }

  void remove(Following following) {
    orders.add(
        () -> {
          if (followings.remove(following)) {
            following.close();
          }
        });
  }

  /**
   * Ends it.
   *
   * @param then called on its thread when all sockets are closed
   */
  void end(Runnable then) {
    orders.add(() -> onEnd = then);
  }

  @Override
  public void run() {
    ZContext zmq = new ZContext(1);
    zmq.setLinger(0);
    zmq.getContext().setMaxSockets(SOCKETS_MAX);
    ZMQ.Poller poller = zmq.createPoller(16);
    try {
      while (onEnd == null) {
        obey(zmq, poller);
        poller.poll(TURN_MILLIS);
        turn();
      }
    } finally {
      followings.forEach(Following::close);
      poller.close();
      zmq.close();
      Runnable then = onEnd;
      if (then != null) {
        then.run();
      }
    }
  }

  private void obey(ZContext zmq, ZMQ.Poller poller) {
    int before = followings.size();
    for (Runnable order = orders.poll(); order != null; order = orders.poll()) {
      try {
        order.run();
      } catch (RuntimeException e) {
        log.error("events: a subscription could not be begun or ended in order", e);
      }
    }
    if (followings.size() > before) {
      log.debug("{} replicas are followed", followings.size());
    }
    long now = clock.millis();
    followings.forEach(each -> each.openOnce(zmq, poller, now));
  }

  private void turn() {
    long now = clock.millis();
    for (Following each : followings) {
      try {
        each.turn(now);
      } catch (RuntimeException e) {
        log.error("{}: its events could not be read; the others' go on", each, e);
      }
    }
  }
}
