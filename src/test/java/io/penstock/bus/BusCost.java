package io.penstock.bus;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What a message costs, roughly; a main, to be run by hand. */
public final class BusCost {
  private static final int ROUNDS = 5;
  private static final int MESSAGES = 200_000;

  private BusCost() {}

  /** Prints nanoseconds per message, the last round being warm. */
  public static void main(String[] args) {
    WireCodec codec = new WireCodec(new SimpleMeterRegistry());
    for (int round = 1; round <= ROUNDS; round++) {
      for (Message message : List.of(sample("Admit"), sample("Grant"), sample("Renew"))) {
        codecCost(codec, message, round);
      }
    }
    ClusterNode alone =
        TestCluster.start(Optional.empty(), "alone", "fleet", new SimpleMeterRegistry());
    TestCluster cluster = new TestCluster(2);
    ClusterNode one = cluster.start(0);
    ClusterNode two = cluster.start(1);
    for (int round = 1; round <= ROUNDS; round++) {
      sendCost("within a node without a cluster", alone, alone, round);
      sendCost("within a node of a cluster", one, one, round);
      sendCost("between nodes, 1,000 at a time", one, two, round);
    }
    for (ClusterNode node : List.of(two, one, alone)) {
      TestCluster.await(node.close(), Duration.ofSeconds(20));
    }
  }

  private static void codecCost(WireCodec codec, Message message, int round) {
    Buffer wire = Buffer.buffer();
    codec.encodeToWire(wire, message);
    long began = System.nanoTime();
    int length = 0;
    for (int i = 0; i < MESSAGES; i++) {
      Buffer buffer = Buffer.buffer(1024);
      codec.encodeToWire(buffer, message);
      length += buffer.length();
    }
    long encoded = System.nanoTime();
    for (int i = 0; i < MESSAGES; i++) {
      length += message.equals(codec.decodeFromWire(0, wire)) ? 0 : 1;
    }
    long decoded = System.nanoTime();
    System.out.printf(
        "round %d: %s, %d bytes: encode %d ns, decode %d ns (%d)%n",
        round,
        message.getClass().getSimpleName(),
        wire.length(),
        (encoded - began) / MESSAGES,
        (decoded - encoded) / MESSAGES,
        length);
  }

  private static void sendCost(String what, ClusterNode from, ClusterNode to, int round) {
    Station station = new Station(to.bus().self(), Room.BATCHER, 0);
    Promise<Void> done = Promise.promise();
    Message message = sample("Admit");
    int[] heard = {0};
    int[] sent = {0};
    Runnable[] burst = new Runnable[1];
    Bus.Registration registration =
        TestCluster.await(
            to.bus()
                .consume(
                    Room.BATCHER,
                    0,
                    m -> {
                      heard[0]++;
                      if (heard[0] == MESSAGES) {
                        done.complete();
                      } else if (heard[0] % 1_000 == 0) {
                        from.vertx().runOnContext(x -> burst[0].run());
                      }
                    }));
    burst[0] =
        () -> {
          for (int i = 0; i < 1_000 && sent[0] < MESSAGES; i++, sent[0]++) {
            from.bus().send(station, message);
          }
        };
    long began = System.nanoTime();
    from.vertx().runOnContext(x -> burst[0].run());
    TestCluster.await(done.future(), Duration.ofSeconds(60));
    System.out.printf("round %d: %s: %d ns%n", round, what, (System.nanoTime() - began) / MESSAGES);
    TestCluster.await(registration.cancel());
  }

  private static Message sample(String kind) {
    return MessageSamples.ALL.stream()
        .filter(m -> m.getClass().getSimpleName().equals(kind))
        .findAny()
        .orElseThrow();
  }
}
