package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.Operation;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.message.Bytes;
import io.penstock.message.LaneAnswer;
import io.penstock.message.LaneCredit;
import io.penstock.message.LaneEnd;
import io.penstock.message.LaneLeave;
import io.penstock.message.LaneOpen;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Seat;
import io.penstock.message.Station;
import io.penstock.openai.LaneBody;
import io.penstock.openai.Slice;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** A lane whose host is at another node, over a bus that a test delivers by hand. */
class LaneCallTest {
  private static final Station HERE = new Station(new NodeId("here"), Room.INGRESS, 0);
  private static final Station THERE = new Station(new NodeId("there"), Room.INGRESS, 0);
  private static final RequestId ID = new RequestId("r");
  private static final RequestId BATCH = new RequestId("b");
  private static final Seat SEAT =
      new Seat(ID, new PoolName("p"), 1, BATCH, THERE, new ReplicaId("r0"), 3, false);

  private final Deque<Message> toHost = new ArrayDeque<>();
  private final Deque<LaneAnswer> toLane = new ArrayDeque<>();
  private final Heard heard = new Heard();
  private final Lanes lanes =
      new Lanes(
          HERE,
          new View(List.of()),
          (to, message) -> {
            assertThat(to).isEqualTo(THERE);
            toHost.add(message);
            return Future.succeededFuture();
          },
          () -> {
            throw new AssertionError("nothing is hosted here");
          },
          () -> {});
  private final LaneCall call = new LaneCall(lanes, SEAT, body(), heard, 0);

  private static LaneBody body() {
    return LaneBody.of(Operation.EMBEDDINGS, "{\"input\":\"x\"}".getBytes(StandardCharsets.UTF_8))
        .orElseThrow();
  }

  private static final class Heard implements Upstream.Listener {
    final List<String> events = new ArrayList<>();
    final Buffer data = Buffer.buffer();

    @Override
    public void sent() {
      events.add("sent");
    }

    @Override
    public void head(int status, MultiMap headers) {
      events.add("head " + status + " " + headers.get("content-type"));
    }

    @Override
    public void data(Slice piece) {
      data.appendBytes(piece.bytes(), piece.offset(), piece.length());
    }

    @Override
    public void ended() {
      events.add("ended");
    }

    @Override
    public void failed(Throwable cause) {
      events.add(cause.getClass().getSimpleName());
    }
  }

  private static LaneAnswer piece(int number, LaneEnd end) {
    return new LaneAnswer(
        BATCH, ID, number, 200, "application/json", "", new Bytes(new byte[] {1}), end);
  }

  @Property(tries = 200)
  void aSlowReaderGetsAllOfItAndIsNeverSentMoreThanTheWindow(@ForAll long seed) {
    Random random = new Random(seed);
    LaneCallTest bus = new LaneCallTest();
    byte[] whole = new byte[random.nextInt(3 << 20)];
    random.nextBytes(whole);
    RemoteGuest guest =
        new RemoteGuest(BATCH, ID, HERE, message -> bus.toLane.add((LaneAnswer) message));
    bus.call.start();
    assertThat(bus.toHost.poll())
        .isEqualTo(
            new LaneOpen(
                BATCH, ID, HERE, Optional.of(Operation.EMBEDDINGS), new Bytes(body().bytes())));
    guest.answer(200, "application/json", "", List.of(Slice.of(whole)));
    int steps = 0;
    boolean paused = false;
    while (!bus.heard.events.contains("ended")) {
      assertThat(steps++).isLessThan(20_000);
      assertThat(bus.toLane.size()).isLessThanOrEqualTo(LaneAnswer.WINDOW);
      switch (random.nextInt(4)) {
        case 0 -> {
          if (paused) {
            bus.call.resume();
          } else {
            bus.call.pause();
          }
          paused = !paused;
        }
        case 1 -> {
          if (bus.toHost.poll() instanceof LaneCredit credit) {
            guest.credit(credit.read());
          }
        }
        default -> Optional.ofNullable(bus.toLane.poll()).ifPresent(bus.lanes::onAnswer);
      }
    }
    assertThat(bus.heard.events).containsExactly("sent", "head 200 application/json", "ended");
    assertThat(bus.heard.data.getBytes()).isEqualTo(whole);
    assertThat(bus.lanes.isIdle()).isTrue();
  }

  @Test
  void aPieceThatIsLostIsNotPassedOver() {
    call.start();
    lanes.onAnswer(piece(0, LaneEnd.MORE));
    lanes.onAnswer(piece(0, LaneEnd.MORE));
    lanes.onAnswer(piece(2, LaneEnd.DONE));
    assertThat(heard.events)
        .containsExactly("sent", "head 200 application/json", "LaneLostException");
    assertThat(heard.data.length()).isEqualTo(1);
  }

  @Test
  void aHostThatKnowsItNoMoreLosesIt() {
    call.start();
    toHost.clear();
    call.tick(LaneCall.BEAT_MILLIS - 1);
    assertThat(toHost).isEmpty();
    call.tick(LaneCall.BEAT_MILLIS);
    assertThat(toHost).containsExactly(new LaneCredit(BATCH, ID, HERE, 0));
    lanes.onAnswer(new LaneAnswer(BATCH, ID, -1, 0, "", "", Bytes.NONE, LaneEnd.LEFT_OUT));
    assertThat(heard.events).containsExactly("LaneLostException");
    assertThat(lanes.isIdle()).isTrue();
  }

  @Test
  void anAnswerThatHasComeWholeIsNotLostWithItsHost() {
    call.start();
    call.pause();
    lanes.onAnswer(piece(0, LaneEnd.DONE));
    lanes.onAnswer(new LaneAnswer(BATCH, ID, -1, 0, "", "", Bytes.NONE, LaneEnd.LEFT_OUT));
    call.resume();
    assertThat(heard.events).containsExactly("sent", "head 200 application/json", "ended");
  }

  @Test
  void whoLeavesSaysSoOnceAndHearsNothingMore() {
    call.start();
    toHost.clear();
    call.cancel();
    call.cancel();
    lanes.onAnswer(piece(0, LaneEnd.DONE));
    assertThat(toHost).containsExactly(new LaneLeave(BATCH, ID));
    assertThat(heard.events).isEmpty();
    assertThat(lanes.isIdle()).isTrue();
  }

  @Test
  void howTheCallFailedIsWhatTheAttemptHears() {
    call.start();
    lanes.onAnswer(new LaneAnswer(BATCH, ID, 0, 0, "", "", Bytes.NONE, LaneEnd.MALFORMED));
    assertThat(heard.events).containsExactly("NotSplitException");
  }

  @Test
  void anEngineThatEndedEarlyIsNoBrokenConnection() {
    call.start();
    lanes.onAnswer(new LaneAnswer(BATCH, ID, 0, 0, "", "", Bytes.NONE, LaneEnd.ENDED_EARLY));
    assertThat(heard.events).containsExactly("EndedEarlyException");
  }

  @Test
  void whoIsCutHearsItWithoutReadingWhatWaits() {
    call.start();
    call.pause();
    lanes.onAnswer(piece(0, LaneEnd.MORE));
    lanes.onAnswer(piece(1, LaneEnd.MORE));
    assertThat(call.unreadBytes()).isEqualTo(2);
    lanes.onAnswer(new LaneAnswer(BATCH, ID, 2, 200, "", "", Bytes.NONE, LaneEnd.TOO_SLOW));
    assertThat(heard.events).containsExactly("SlowReaderException");
    assertThat(heard.data.length()).isZero();
    assertThat(lanes.isIdle()).isTrue();
  }

  @Test
  void whatABrokenCallHadSaidIsReadBeforeItsEnd() {
    call.start();
    call.pause();
    lanes.onAnswer(piece(0, LaneEnd.MORE));
    lanes.onAnswer(new LaneAnswer(BATCH, ID, 1, 200, "", "", Bytes.NONE, LaneEnd.BROKEN_OFF));
    assertThat(heard.events).isEmpty();
    call.resume();
    assertThat(heard.events).containsExactly("sent", "head 200 application/json", "IOException");
    assertThat(heard.data.length()).isEqualTo(1);
  }

  @Test
  void aGuestOfItsOwnLoopIsHeldBackToo() {
    call.start();
    call.begin(200, "text/event-stream", "");
    call.more(List.of(new Slice(new byte[5], 0, 5)));
    call.pause();
    call.more(List.of(new Slice(new byte[7], 0, 7)));
    call.done();
    assertThat(call.unreadBytes()).isEqualTo(7);
    assertThat(heard.events).containsExactly("sent", "head 200 text/event-stream");
    call.resume();
    assertThat(heard.events).contains("ended");
    assertThat(heard.data.length()).isEqualTo(12);
    assertThat(call.unreadBytes()).isZero();
  }
}
