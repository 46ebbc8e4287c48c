package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.NodeId;
import io.penstock.inference.RequestId;
import io.penstock.message.Bytes;
import io.penstock.message.LaneAnswer;
import io.penstock.message.LaneEnd;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.penstock.openai.Slice;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class RemoteGuestTest {
  private static final RequestId BATCH = new RequestId("b");
  private static final RequestId ID = new RequestId("r");

  private final List<LaneAnswer> sent = new ArrayList<>();

  private RemoteGuest guest() {
    return new RemoteGuest(BATCH, ID, new Station(new NodeId("n"), Room.INGRESS, 0), this::post);
  }

  private void post(Message message) {
    sent.add((LaneAnswer) message);
  }

  @Property(tries = 200)
  void allArrivesInOrderAndNeverMoreThanTheWindowIsUnderWay(@ForAll long seed) {
    sent.clear();
    Random random = new Random(seed);
    List<Slice> body = new ArrayList<>();
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    for (int i = random.nextInt(40); i > 0; i--) {
      byte[] bytes = new byte[random.nextInt(random.nextBoolean() ? 60 : 90_000)];
      random.nextBytes(bytes);
      int from = bytes.length == 0 ? 0 : random.nextInt(bytes.length);
      body.add(new Slice(bytes, from, bytes.length - from));
      whole.write(bytes, from, bytes.length - from);
    }
    RemoteGuest guest = guest();
    guest.answer(200, "application/json", "", body);
    ByteArrayOutputStream read = new ByteArrayOutputStream();
    int number = 0;
    while (number < sent.size()) {
      assertThat(sent.size() - number).isLessThanOrEqualTo(LaneAnswer.WINDOW);
      for (int i = 1 + random.nextInt(sent.size() - number); i > 0; i--) {
        LaneAnswer piece = sent.get(number);
        assertThat(piece.number()).isEqualTo(number++);
        assertThat(piece.piece().value()).hasSizeLessThanOrEqualTo(LaneAnswer.PIECE_BYTES);
        read.writeBytes(piece.piece().value());
        assertThat(guest.isOver() && number == sent.size()).isEqualTo(piece.end() == LaneEnd.DONE);
      }
      guest.credit(number);
      guest.credit(random.nextInt(number + 1)); // late or doubled
    }
    assertThat(guest.isOver()).isTrue();
    assertThat(read.toByteArray()).isEqualTo(whole.toByteArray());
  }

  @Test
  void aFailureIsOneMessage() {
    RemoteGuest guest = guest();
    guest.fail(LaneEnd.BROKEN_OFF);
    guest.credit(3);
    assertThat(sent)
        .containsExactly(new LaneAnswer(BATCH, ID, 0, 0, "", "", Bytes.NONE, LaneEnd.BROKEN_OFF));
    assertThat(guest.isOver()).isTrue();
  }

  @Property(tries = 200)
  void aStreamArrivesInOrderHoweverItComesAndIsRead(@ForAll long seed) {
    sent.clear();
    Random random = new Random(seed);
    RemoteGuest guest = guest();
    guest.begin(200, "text/event-stream", "");
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    ByteArrayOutputStream read = new ByteArrayOutputStream();
    LaneEnd end = random.nextBoolean() ? LaneEnd.DONE : LaneEnd.BROKEN_OFF;
    int left = random.nextInt(300);
    boolean ended = false;
    int number = 0;
    while (!ended || number < sent.size()) {
      assertThat(sent.size() - number).isLessThanOrEqualTo(LaneAnswer.WINDOW);
      if (left > 0 && random.nextInt(3) > 0) {
        byte[] bytes = new byte[random.nextInt(20) == 0 ? random.nextInt(90_000) : 200];
        random.nextBytes(bytes);
        whole.writeBytes(bytes);
        guest.more(List.of(Slice.of(bytes)));
        left--;
      } else if (left == 0 && !ended) {
        ended = true;
        if (end == LaneEnd.DONE) {
          guest.done();
        } else {
          guest.fail(end);
        }
      } else if (number < sent.size()) {
        LaneAnswer piece = sent.get(number);
        assertThat(piece.number()).isEqualTo(number++);
        assertThat(piece.piece().value()).hasSizeLessThanOrEqualTo(LaneAnswer.PIECE_BYTES);
        read.writeBytes(piece.piece().value());
        assertThat(guest.isOver() && number == sent.size()).isEqualTo(piece.end() == end);
        guest.credit(number);
      }
      assertThat(guest.unreadBytes())
          .isEqualTo(
              whole.size() - sent.stream().mapToLong(each -> each.piece().value().length).sum());
    }
    assertThat(guest.isOver()).isTrue();
    assertThat(read.toByteArray()).isEqualTo(whole.toByteArray());
  }

  @Test
  void whoIsCutIsToldAtOnceAndGetsNothingThatWaits() {
    RemoteGuest guest = guest();
    guest.begin(200, "text/event-stream", "");
    byte[] part = new byte[LaneAnswer.PIECE_BYTES];
    for (int i = 0; i < 20; i++) {
      guest.more(List.of(Slice.of(part)));
    }
    assertThat(sent).hasSize(LaneAnswer.WINDOW);
    assertThat(guest.unreadBytes()).isEqualTo(4L * part.length);
    guest.fail(LaneEnd.TOO_SLOW);
    assertThat(sent).hasSize(LaneAnswer.WINDOW + 1);
    assertThat(sent.get(LaneAnswer.WINDOW).end()).isEqualTo(LaneEnd.TOO_SLOW);
    assertThat(guest.unreadBytes()).isZero();
    guest.credit(LaneAnswer.WINDOW);
    guest.done();
    assertThat(sent).hasSize(LaneAnswer.WINDOW + 1);
  }
}
