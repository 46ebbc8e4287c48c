package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.penstock.message.Withdraw;
import io.penstock.telemetry.Names;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OutboxTest {
  private static final Station HERE = new Station(new NodeId("a"), Room.BATCHER, 0);
  private static final Station LOST = new Station(new NodeId("c"), Room.BATCHER, 0);
  private static final Station THERE = new Station(new NodeId("b"), Room.BATCHER, 0);

  private final Vertx vertx = Vertx.vertx();
  private final Context context = vertx.getOrCreateContext();
  private final List<Object> sent = new ArrayList<>();
  private Future<Void> written = Future.succeededFuture();
  private final Outbox outbox = outbox(600_000);

  private Outbox outbox(long alongMillis) {
    return new Outbox(
        (to, body) -> {
          if (to.equals(LOST)) {
            throw new IllegalStateException("lost");
          }
          sent.add(body);
          return written;
        },
        alongMillis);
  }

  @AfterEach
  void close() {
    vertx.close();
  }

  private static Message message(int number) {
    return new Withdraw(new RequestId("r" + number), new PoolName("p"));
  }

  private static List<Message> messages(int count) {
    return IntStream.range(0, count).mapToObj(OutboxTest::message).toList();
  }

  private List<Future<Void>> sendInOneTurn(int count) throws Exception {
    List<Future<Void>> all = new ArrayList<>();
    onTurn(
        () -> {
          for (int i = 0; i < count; i++) {
            all.add(outbox.send(context, THERE, message(i)));
          }
          assertThat(sent).hasSize(count / Parcel.MESSAGES_MAX);
        });
    Future.join(all)
        .transform(done -> Future.succeededFuture())
        .toCompletionStage()
        .toCompletableFuture()
        .get(20, TimeUnit.SECONDS);
    return all;
  }

  private void onTurn(Runnable work) throws Exception {
    Future.<Void>future(
            done ->
                context.runOnContext(
                    turn -> {
                      try {
                        work.run();
                        done.complete();
                      } catch (Throwable e) {
                        done.fail(e);
                      }
                    }))
        .toCompletionStage()
        .toCompletableFuture()
        .get(20, TimeUnit.SECONDS);
  }

  @Test
  void oneMessageGoesAsItIs() throws Exception {
    sendInOneTurn(1);
    assertThat(sent).containsExactly(message(0));
  }

  @Test
  void whatATurnSendsToAStationGoesTogetherInItsOrder() throws Exception {
    sendInOneTurn(3);
    assertThat(sent).containsExactly(new Parcel(messages(3)));
  }

  @Test
  void stationsAreKeptApart() throws Exception {
    onTurn(
        () -> {
          outbox.send(context, THERE, message(0));
          outbox.send(context, HERE, message(1));
          outbox.send(context, THERE, message(2));
        });
    onTurn(() -> {});
    assertThat(sent).containsExactly(new Parcel(List.of(message(0), message(2))), message(1));
  }

  @Test
  void aParcelIsBounded() throws Exception {
    sendInOneTurn(2 * Parcel.MESSAGES_MAX + 1);
    assertThat(sent).hasSize(3);
    assertThat(sent.get(2)).isEqualTo(message(2 * Parcel.MESSAGES_MAX));
  }

  @Test
  void whatMayWaitGoesWithTheNextToItsStationInItsOrder() throws Exception {
    onTurn(() -> outbox.sendAlong(context, THERE, message(0)));
    onTurn(() -> outbox.send(context, HERE, message(9)));
    onTurn(() -> {});
    assertThat(sent).as("of another station alone").containsExactly(message(9));
    onTurn(
        () -> {
          outbox.sendAlong(context, THERE, message(1));
          outbox.send(context, THERE, message(2));
          outbox.sendAlong(context, THERE, message(3));
        });
    onTurn(() -> {});
    assertThat(sent).containsExactly(message(9), new Parcel(messages(4)));
  }

  @Test
  void whatMayWaitGoesAloneInTheEndAndAgainLater() throws Exception {
    Outbox soon = outbox(1);
    for (int i = 0; i < 2; i++) {
      List<Future<Void>> all = new ArrayList<>();
      onTurn(
          () -> {
            all.add(soon.sendAlong(context, THERE, message(0)));
            all.add(soon.sendAlong(context, HERE, message(1)));
          });
      get(Future.join(all));
      assertThat(sent).containsExactly(message(0), message(1));
      sent.clear();
    }
  }

  /** A verticle gives back what it holds when it ends. */
  @Test
  void whatMayWaitOutlivesItsVerticle() throws Exception {
    Outbox soon = outbox(200);
    List<Future<Void>> all = new ArrayList<>();
    String deployed =
        get(
            vertx.deployVerticle(
                new VerticleBase() {
                  @Override
                  public Future<?> stop() {
                    all.add(soon.sendAlong(context, THERE, message(0)));
                    return Future.succeededFuture();
                  }
                }));
    get(vertx.undeploy(deployed));
    get(all.get(0));
    assertThat(sent).containsExactly(message(0));
  }

  @Test
  void whatCanNotBeSentKeepsNothingElse() throws Exception {
    Outbox soon = outbox(1);
    List<Future<Void>> all = new ArrayList<>();
    onTurn(
        () -> {
          all.add(soon.sendAlong(context, LOST, message(0)));
          all.add(soon.sendAlong(context, THERE, message(1)));
        });
    get(Future.join(all).otherwiseEmpty());
    assertThat(all.get(0).cause()).hasMessage("lost");
    assertThat(sent).containsExactly(message(1));
  }

  private static <T> T get(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
  }

  @Test
  void whatMayWaitIsBoundedToo() throws Exception {
    onTurn(
        () -> {
          for (int i = 0; i < Parcel.MESSAGES_MAX; i++) {
            outbox.sendAlong(context, THERE, message(i));
          }
          assertThat(sent).containsExactly(new Parcel(messages(Parcel.MESSAGES_MAX)));
        });
  }

  @Test
  void eachHearsWhatBecameOfItsParcel() throws Exception {
    written = Future.failedFuture("no route");
    List<Future<Void>> all = sendInOneTurn(2);
    assertThat(all).allSatisfy(each -> assertThat(each.cause()).hasMessage("no route"));
  }

  @Test
  void aMessageWhoseEntryThrowsTakesNoOtherWithIt() {
    List<Message> heard = new ArrayList<>();
    assertThatThrownBy(
            () ->
                new Parcel(messages(4))
                    .open(
                        message -> {
                          heard.add(message);
                          if (heard.size() % 2 == 1) {
                            throw new IllegalStateException("at " + heard.size());
                          }
                        }))
        .hasMessage("at 3");
    assertThat(heard).isEqualTo(messages(4));
  }

  @Property(tries = 200)
  void parcelsCrossTheWire(@ForAll @IntRange(min = 2, max = Parcel.MESSAGES_MAX) int count) {
    WireCodec codec = new WireCodec(new SimpleMeterRegistry());
    Parcel parcel = new Parcel(messages(count));
    Buffer wire = Buffer.buffer("prefix");

    codec.encodeToWire(wire, parcel);

    assertThat(codec.decodeFromWire("prefix".length(), wire)).isEqualTo(parcel);
  }

  @Test
  void whatCanNotBeReadIsLeftOutOfAParcel() {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    WireCodec codec = new WireCodec(meters);
    Buffer wire = Buffer.buffer();
    codec.encodeToWire(wire, message(1));
    wire.appendInt(2).appendString("{}");
    codec.encodeToWire(wire, message(2));

    assertThat(codec.decodeFromWire(0, wire))
        .isEqualTo(new Parcel(List.of(message(1), message(2))));
    assertThat(dropped(meters)).isEqualTo(1);
  }

  @Property(tries = 500)
  void damagedParcelsAreReadOrDropped(@ForAll int where, @ForAll byte damage) {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    WireCodec codec = new WireCodec(meters);
    Buffer wire = Buffer.buffer();
    codec.encodeToWire(wire, new Parcel(messages(3)));
    wire.setByte(Math.floorMod(where, wire.length()), damage);

    Object read = codec.decodeFromWire(0, wire);
    int messages = read instanceof Parcel p ? p.messages().size() : read == null ? 0 : 1;
    assertThat(messages == 3 || dropped(meters) > 0).as("%s messages", messages).isTrue();
  }

  private static double dropped(SimpleMeterRegistry meters) {
    return meters.find(Names.MESSAGES_DROPPED).counters().stream()
        .mapToDouble(counter -> counter.count())
        .sum();
  }
}
