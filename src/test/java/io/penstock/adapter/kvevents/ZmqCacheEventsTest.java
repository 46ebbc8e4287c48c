package io.penstock.adapter.kvevents;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.KvEventSource;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.message.KvCacheState;
import io.penstock.time.Clock;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.msgpack.core.MessageBufferPacker;
import org.msgpack.core.MessagePack;
import org.zeromq.SocketType;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;

/** Publishers that break the rules, on real sockets: what comes after is followed again. */
@Timeout(180)
final class ZmqCacheEventsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Vertx vertx = Vertx.vertx();
  private final ZmqCacheEvents events = new ZmqCacheEvents(vertx, Clock.system());
  private final AtomicReference<KvCacheState> state = new AtomicReference<>(KvCacheState.NONE);
  private final ZContext zmq = new ZContext();
  private ZMQ.Socket publisher;
  private long sequence;

  @BeforeEach
  void follow() throws Exception {
    publisher = zmq.createSocket(SocketType.XPUB);
    publisher.setLinger(0);
    publisher.setReceiveTimeOut((int) PATIENCE.toMillis());
    int port = publisher.bindToRandomPort("tcp://127.0.0.1");
    ReplicaSpec replica =
        new ReplicaSpec(new ReplicaId("a-0"), "http://127.0.0.1:1", 1, 1, Set.of(), "");
    vertx.runOnContext(
        x ->
            events.follow(
                replica,
                new KvEventSource("tcp://127.0.0.1:" + port, Optional.empty(), "", 1),
                state::set));
    awaitSubscriber();
  }

  @AfterEach
  void close() throws Exception {
    zmq.close();
    events.close().toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS);
    vertx.close().toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  @Test
  void frameTooLongIsNotTheEndOfIt() throws Exception {
    publish(batch());
    until(seen -> seen.batches() == 1);
    publish(new byte[(8 << 20) + 1]);
    until(seen -> !seen.following());

    awaitSubscriber();
    publish(batch());

    until(seen -> seen.following() && seen.batches() == 2);
  }

  @Test
  void messageTooLongIsCutOff() throws Exception {
    byte[] mebibyte = new byte[1 << 20];
    for (long sent = 0; sent <= WaitingBytes.MAX; sent += mebibyte.length) {
      publisher.send(mebibyte, ZMQ.SNDMORE);
    }
    publisher.send(mebibyte); // JeroMQ sends nothing of it before
    until(seen -> !seen.following());

    awaitSubscriber();
    publish(batch());

    until(seen -> seen.following() && seen.batches() == 1);
    until(seen -> seen.blocks() == 1);
  }

  @Test
  void messageOfOtherFramesCountsAsMalformed() throws Exception {
    publisher.send("alone");

    until(seen -> seen.malformed() == 1);
  }

  private void until(Predicate<KvCacheState> wanted) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!wanted.test(state.get())) {
      assertThat(System.nanoTime()).as(() -> "at last: " + state.get()).isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
  }

  private void awaitSubscriber() {
    byte[] subscription = publisher.recv();
    while (subscription != null && (subscription.length == 0 || subscription[0] != 1)) {
      subscription = publisher.recv();
    }
    assertThat(subscription).isNotNull();
    until(seen -> seen.following());
  }

  private void publish(byte[] payload) {
    publisher.sendMore("kv");
    publisher.sendMore(ByteBuffer.allocate(Long.BYTES).putLong(sequence++).array());
    publisher.send(payload);
  }

  private static byte[] batch() throws IOException {
    try (MessageBufferPacker to = MessagePack.newDefaultBufferPacker()) {
      to.packArrayHeader(2).packDouble(1).packArrayHeader(1);
      to.packArrayHeader(5).packString("BlockStored").packArrayHeader(1).packLong(7);
      to.packNil().packArrayHeader(0).packInt(16);
      return to.toByteArray();
    }
  }
}
