package io.penstock.adapter.kvevents;

import io.penstock.kvevents.KvStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.zeromq.SocketType;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;

/**
 * One publisher: the socket of its events, what that says of its connection, and, while the past is
 * asked for, one for the answer. Belongs to the reader's thread.
 *
 * <p>Events are {@code topic, 8 bytes of sequence, payload}. The past is asked for with {@code
 * empty, 8 bytes of the first sequence}, and answered with as many {@code empty, sequence, payload}
 * as there are and one of sequence -1. Each question has a socket of its own, so that no answer to
 * an earlier one is taken for its.
 *
 * <p>JeroMQ gives a connection up for good when its peer breaks the protocol or sends too long a
 * frame, so a publisher that is not heard for {@link #REOPEN_MILLIS} gets a new socket. That goes
 * too for one of which more than {@link WaitingBytes} allows waits here.
 */
final class RankSocket {
  /** Batches read in one turn, so that one engine does not keep the others waiting. */
  static final int BATCHES_MAX = 256;

  /** Batches that wait in this process; what is beyond waits at the engine. */
  private static final int WAITING_MAX = 1_000;

  private static final long MESSAGE_BYTES_MAX = 8 << 20;

  /** Silence of a connection, or time since one was lost, after which it is opened anew. */
  private static final long REOPEN_MILLIS = 10_000;

  private static final int HANDSHAKE_MILLIS = 5_000;
  private static final int RECONNECT_MILLIS = 200;
  private static final int RECONNECT_MAX_MILLIS = 5_000;
  private static final int HEARTBEAT_MILLIS = 5_000;
  private static final int HEARTBEAT_TIMEOUT_MILLIS = 15_000;
  private static final int FRAMES_EXPECTED = 4;
  private static final byte[] NOTHING = {};
  private static final AtomicLong OPENED = new AtomicLong();
  private static final Logger log = LoggerFactory.getLogger(RankSocket.class);

  private final String name;
  private final String address;
  private final String topic;
  private final Optional<String> replayAddress;
  private final ZContext zmq;
  private final ZMQ.Poller poller;
  private final KvStream stream;
  private ZMQ.Socket events;
  private ZMQ.@Nullable Socket monitor;
  private WaitingBytes waiting;
  private ZMQ.@Nullable Socket replay;
  private WaitingBytes replayWaiting = new WaitingBytes();
  private boolean isConnected;
  private long openedMillis;
  private boolean wasMistaken;

  RankSocket(
      String name,
      String address,
      Optional<String> replayAddress,
      String topic,
      ZContext zmq,
      ZMQ.Poller poller) {
    this.name = name;
    this.address = address;
    this.replayAddress = replayAddress;
    this.zmq = zmq;
    this.poller = poller;
    this.topic = topic;
    this.stream = new KvStream(replayAddress.isPresent());
    this.waiting = new WaitingBytes();
    this.events = zmq.createSocket(SocketType.SUB);
    prepare();
  }

  private void prepare() {
    bound(events, address, waiting);
    events.setReconnectIVL(RECONNECT_MILLIS);
    events.setReconnectIVLMax(RECONNECT_MAX_MILLIS);
    events.subscribe(topic.getBytes(StandardCharsets.UTF_8));
    poller.register(events, ZMQ.Poller.POLLIN);
  }

  /**
   * Begins to connect.
   *
   * @throws RuntimeException where the host has no address, or there are too many sockets; it is to
   *     be closed then
   */
  void connect(long nowMillis) {
    openedMillis = nowMillis;
    String inside = "inproc://monitor-" + OPENED.incrementAndGet();
    events.monitor(inside, ZMQ.EVENT_HANDSHAKE_PROTOCOL | ZMQ.EVENT_DISCONNECTED);
    ZMQ.Socket listens = zmq.createSocket(SocketType.PAIR);
    monitor = listens;
    listens.connect(inside);
    poller.register(listens, ZMQ.Poller.POLLIN);
    events.connect(address);
  }

  private void reopen(long nowMillis) {
    openedMillis = nowMillis;
    try {
      ZMQ.Socket next = zmq.createSocket(SocketType.SUB);
      close();
      monitor = null;
      events = next;
      waiting = new WaitingBytes();
      prepare();
      connect(nowMillis);
    } catch (RuntimeException e) {
      log.warn("{}: its events at {} can not be followed: {}", name, address, e.toString());
    }
  }

  private static void bound(ZMQ.Socket socket, String to, WaitingBytes waiting) {
    socket.setIPv6(to.contains("["));
    socket.setLinger(0);
    socket.setRcvHWM(WAITING_MAX);
    socket.setMaxMsgSize(MESSAGE_BYTES_MAX);
    socket.setMsgAllocator(waiting);
    socket.setHandshakeIvl(HANDSHAKE_MILLIS);
    socket.setHeartbeatIvl(HEARTBEAT_MILLIS);
    socket.setHeartbeatTimeout(HEARTBEAT_TIMEOUT_MILLIS);
  }

  KvStream stream() {
    return stream;
  }

  /** Does what there is to do; never waits. */
  void turn(long nowMillis) {
    readMonitor(nowMillis); // first: what a connection brings comes after it
    readReplay(nowMillis);
    readEvents(nowMillis);
    stream.tick(nowMillis);
    ask(nowMillis);
    complainOnce();
    if (waiting.isExceeded() && isConnected) {
      log.warn(
          "{}: more than {} bytes of its events at {} wait here; it is connected anew in {} ms",
          name,
          WaitingBytes.MAX,
          address,
          REOPEN_MILLIS);
      events.disconnect(address);
      lost(nowMillis);
    } else if (!isConnected && nowMillis - openedMillis >= REOPEN_MILLIS) {
      reopen(nowMillis);
    }
  }

  private void readEvents(long nowMillis) {
    for (int i = 0; i < BATCHES_MAX; i++) {
      List<byte[]> frames = receive(events);
      if (frames.isEmpty()) {
        if (!isConnected) {
          waiting.clear(); // what was half there has gone with its connection
        }
        return;
      }
      waiting.taken(frames);
      if (waiting.isExceeded()) {
        continue; // cut off somewhere: none of it is believed
      }
      if (frames.size() == 3 && frames.get(1).length == Long.BYTES) {
        stream.live(sequence(frames.get(1)), frames.get(2), nowMillis);
      } else {
        stream.unreadable();
        complain("a message of " + frames.size() + " frames (expected: topic, sequence, payload)");
      }
    }
  }

  private void readReplay(long nowMillis) {
    ZMQ.Socket from = replay;
    for (int i = 0; from != null && from == replay && i < BATCHES_MAX; i++) {
      List<byte[]> frames = receive(from);
      if (frames.isEmpty()) {
        return;
      }
      replayWaiting.taken(frames);
      if (replayWaiting.isExceeded()) {
        endReplay(); // silence is the answer
        return;
      }
      int last = frames.size() - 1;
      if (last < 1 || frames.get(last - 1).length != Long.BYTES) {
        complain("a replay of " + frames.size() + " frames (expected: sequence, payload)");
      } else if (sequence(frames.get(last - 1)) < 0) {
        endReplay();
        stream.replayEnded();
      } else {
        stream.replayed(sequence(frames.get(last - 1)), frames.get(last), nowMillis);
      }
    }
  }

  private void readMonitor(long nowMillis) {
    ZMQ.Socket from = monitor;
    if (from == null) {
      return;
    }
    for (ZMQ.Event event = ZMQ.Event.recv(from, ZMQ.DONTWAIT);
        event != null;
        event = ZMQ.Event.recv(from, ZMQ.DONTWAIT)) {
      if (event.getEvent() == ZMQ.EVENT_DISCONNECTED) {
        log.info("{}: its events at {} are lost", name, address);
        lost(nowMillis);
      } else {
        log.info("{}: its events at {} are followed", name, address);
        isConnected = true;
        stream.connected();
      }
    }
  }

  private void lost(long nowMillis) {
    isConnected = false;
    openedMillis = nowMillis;
    endReplay();
    stream.disconnected();
  }

  private void ask(long nowMillis) {
    OptionalLong from = stream.wantsReplay();
    if (from.isEmpty() || replayAddress.isEmpty()) {
      return;
    }
    endReplay();
    stream.asked(nowMillis); // where it can not be sent, silence is the answer
    try {
      ZMQ.Socket socket = zmq.createSocket(SocketType.DEALER);
      replay = socket;
      replayWaiting = new WaitingBytes();
      bound(socket, replayAddress.get(), replayWaiting);
      poller.register(socket, ZMQ.Poller.POLLIN);
      socket.connect(replayAddress.get());
      socket.send(NOTHING, ZMQ.SNDMORE | ZMQ.DONTWAIT);
      socket.send(ByteBuffer.allocate(Long.BYTES).putLong(from.getAsLong()).array(), ZMQ.DONTWAIT);
    } catch (RuntimeException e) {
      log.warn("{}: its replays at {} can not be had: {}", name, replayAddress.get(), e.toString());
    }
  }

  private void endReplay() {
    ZMQ.Socket open = replay;
    replay = null;
    if (open != null) {
      close(open);
    }
  }

  /** The frames of the next message; none when there is none. */
  private static List<byte[]> receive(ZMQ.Socket socket) {
    byte[] frame = socket.recv(ZMQ.DONTWAIT);
    if (frame == null) {
      return List.of();
    }
    List<byte[]> frames = new ArrayList<>(FRAMES_EXPECTED);
    frames.add(frame);
    while (socket.hasReceiveMore()) {
      byte[] more = socket.recv(ZMQ.DONTWAIT);
      if (more != null) {
        frames.add(more);
      }
    }
    return frames;
  }

  private static long sequence(byte[] frame) {
    return ByteBuffer.wrap(frame).getLong();
  }

  private void complainOnce() {
    String mistake = stream.lastMistake();
    if (mistake != null && !wasMistaken) {
      complain("a batch that can not be read: " + mistake + "; it is skipped, others are counted");
    }
  }

  private void complain(String what) {
    if (!wasMistaken) {
      wasMistaken = true;
      log.warn("{}: its events at {}: {}", name, address, what);
    }
  }

  void close() {
    endReplay();
    if (monitor != null) {
      close(monitor);
    }
    close(events);
  }

  private void close(ZMQ.Socket socket) {
    poller.unregister(socket);
    zmq.destroySocket(socket);
  }
}
