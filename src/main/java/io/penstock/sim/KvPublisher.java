package io.penstock.sim;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.zeromq.SocketType;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;
import org.zeromq.ZMQException;

/**
 * Publishes the batches of one life of one engine, and those of the past to whoever asks. Its
 * sockets are on a thread of its own; it may be called from any.
 */
final class KvPublisher implements Runnable {
  private static final Logger log = LoggerFactory.getLogger(KvPublisher.class);
  private static final int WAITING_MAX = 100_000;
  private static final int TURN_MILLIS = 2;
  private static final int BIND_TRIES = 2_500;
  private static final byte[] NOTHING = {};
  private static final byte[] END = sequence(-1);

  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Numbered(long sequence, byte[] payload) {}

  private final KvPublishing how;
  private final String events;
  private final String replays;
  private final Queue<byte[]> batches = new LinkedBlockingQueue<>(WAITING_MAX);
  private final ArrayDeque<Numbered> kept = new ArrayDeque<>();
  private volatile boolean isEnding;
  private final AtomicInteger toDrop = new AtomicInteger();
  private long next;

  private KvPublisher(KvPublishing how, String host, int port) {
    this.how = how;
    this.events = "tcp://" + host + ":" + (port + how.portOffset());
    this.replays = "tcp://" + host + ":" + (port + how.replayPortOffset());
  }

  /** Starts to publish; what is published before its ports are open is kept. */
  static KvPublisher start(KvPublishing how, String host, int port) {
    KvPublisher publisher = new KvPublisher(how, host, port);
    Thread thread = new Thread(publisher, "sim-kv-events-" + port);
    thread.setDaemon(true);
    thread.start();
    return publisher;
  }

  void publish(byte[] batch) {
    if (!batches.offer(batch)) {
      log.warn("{}: {} batches wait; one is lost", events, WAITING_MAX);
    }
  }

  /** The next batches get their numbers and are kept, and are not sent. */
  void drop(int count) {
    toDrop.set(count);
  }

  /** Ends, with all that is kept, as the engine's process would. */
  void end() {
    isEnding = true;
  }

  @Override
  public void run() {
    try (ZContext zmq = new ZContext(1)) {
      zmq.setLinger(0);
      ZMQ.Socket pub = zmq.createSocket(SocketType.PUB);
      pub.setSndHWM(WAITING_MAX);
      ZMQ.Socket router = zmq.createSocket(SocketType.ROUTER);
      router.setSndHWM(WAITING_MAX);
      if (bind(zmq, pub, events) && bind(zmq, router, replays)) {
        serve(zmq, pub, router);
      }
    } catch (ZMQException e) {
      log.warn("{}: the events end", events, e);
    }
  }

  /** A port of a former life may still be closing. */
  private boolean bind(ZContext zmq, ZMQ.Socket socket, String to) {
    try (ZMQ.Poller wait = zmq.createPoller(1)) {
      wait.register(socket, ZMQ.Poller.POLLIN);
      for (int i = 0; i < BIND_TRIES && !isEnding; i++) {
        try {
          if (socket.bind(to)) {
            return true;
          }
        } catch (ZMQException e) {
          log.debug("{}: can not be bound yet", to, e);
        }
        wait.poll(TURN_MILLIS);
      }
    }
    log.warn("{}: can not be bound", to);
    return false;
  }

  private void serve(ZContext zmq, ZMQ.Socket pub, ZMQ.Socket router) {
    try (ZMQ.Poller poller = zmq.createPoller(1)) {
      poller.register(router, ZMQ.Poller.POLLIN);
      while (!isEnding) {
        if (poller.poll(batches.isEmpty() ? TURN_MILLIS : 0) > 0) {
          replay(router);
        }
        for (byte[] batch = batches.poll(); batch != null; batch = batches.poll()) {
          send(pub, batch);
        }
      }
    }
  }

  private void send(ZMQ.Socket pub, byte[] batch) {
    Numbered numbered = new Numbered(next++, batch);
    kept.add(numbered);
    while (kept.size() > how.batchesKept()) {
      kept.remove();
    }
    if (toDrop.get() > 0) {
      toDrop.decrementAndGet();
      return;
    }
    pub.send(how.topic().getBytes(StandardCharsets.UTF_8), ZMQ.SNDMORE);
    pub.send(sequence(numbered.sequence()), ZMQ.SNDMORE);
    pub.send(batch, 0);
  }

  private void replay(ZMQ.Socket router) {
    byte[] who = router.recv();
    byte[] last = NOTHING;
    while (router.hasReceiveMore()) {
      last = router.recv();
    }
    if (last.length != Long.BYTES) {
      return;
    }
    long from = ByteBuffer.wrap(last).getLong();
    for (Numbered each : kept) {
      if (each.sequence() >= from) {
        answer(router, who, sequence(each.sequence()), each.payload());
      }
    }
    answer(router, who, END, NOTHING);
  }

  private static void answer(ZMQ.Socket router, byte[] who, byte[] sequence, byte[] payload) {
    router.send(who, ZMQ.SNDMORE);
    router.send(NOTHING, ZMQ.SNDMORE);
    router.send(sequence, ZMQ.SNDMORE);
    router.send(payload, 0);
  }

  private static byte[] sequence(long number) {
    return ByteBuffer.allocate(Long.BYTES).putLong(number).array();
  }
}
