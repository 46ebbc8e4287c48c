package io.penstock.adapter.kvevents;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.fake.Ports;
import io.penstock.inference.KvEventSource;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.message.KvCacheState;
import io.penstock.time.Clock;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.zeromq.SocketType;
import org.zeromq.ZContext;

@Timeout(180)
class ManyPublishersTest {
  /** With three sockets each they are more than the library allows unless it is told. */
  private static final int MANY = 400;

  private final Vertx vertx = Vertx.vertx();
  private final ZmqCacheEvents events = new ZmqCacheEvents(vertx, Clock.system());

  @AfterEach
  void stop() throws Exception {
    await(events.close());
    await(vertx.close());
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private void follow(int number, int port, Consumer<KvCacheState> onState) {
    events.follow(
        new ReplicaSpec(
            new ReplicaId("r" + number), "http://127.0.0.1:" + port, 1, 1, Set.of(), ""),
        new KvEventSource("tcp://{host}:{port}", Optional.empty(), "", 1),
        onState);
  }

  @Test
  void manyReplicasAreFollowed() throws Exception {
    int port = Ports.free();
    Set<Integer> told = ConcurrentHashMap.newKeySet();
    CountDownLatch all = new CountDownLatch(MANY);
    try (ZContext zmq = new ZContext(1)) {
      zmq.createSocket(SocketType.PUB).bind("tcp://127.0.0.1:" + port);
      vertx.runOnContext(
          x -> {
            for (int i = 0; i < MANY; i++) {
              int number = i;
              follow(
                  number,
                  port,
                  state -> {
                    if (state.following() && told.add(number)) {
                      all.countDown();
                    }
                  });
            }
          });
      assertThat(all.await(60, TimeUnit.SECONDS)).as("%s are followed", told.size()).isTrue();
    }
  }
}
