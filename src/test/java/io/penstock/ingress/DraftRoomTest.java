package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.CascadePolicy;
import io.penstock.openai.Slice;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class DraftRoomTest {
  private static final CascadePolicy POLICY =
      new CascadePolicy(2, 1_000, 4_000, 0, true, true, Optional.empty(), Optional.empty());

  private static List<Slice> frames(int bytes) {
    return List.of(new Slice(new byte[bytes], 0, bytes));
  }

  @Test
  void eachLoopHasAnEqualPart() {
    DraftRoom room = new DraftRoom(2, more -> {});
    assertThat(room.take(999, 4_000)).isTrue();
    assertThat(room.isForSpares(4_000)).isTrue();
    assertThat(room.take(1_001, 4_000)).isTrue();
    assertThat(room.isForSpares(4_000)).isFalse();
    assertThat(room.isFull(4_000)).isTrue();
    assertThat(room.isFull(8_000)).as("after a reload").isFalse();
    assertThat(room.take(1, 4_000)).isFalse();
    room.free(2);
    assertThat(room.isFull(4_000)).isFalse();
  }

  /** Whatever comes: what is counted is what is held, and what can be held is within the bounds. */
  @Property(tries = 200)
  void whatIsCountedIsWhatIsHeld(@ForAll long seed) {
    Random random = new Random(seed);
    long[] told = {0};
    DraftRoom room = new DraftRoom(2, more -> told[0] += more);
    List<HeldAnswer> held = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      held.add(new HeldAnswer(POLICY, room));
    }
    long[] bytes = new long[held.size()];
    for (int step = 0; step < 200; step++) {
      int at = random.nextInt(held.size());
      HeldAnswer answer = held.get(at);
      int size = random.nextInt(400);
      boolean fits;
      switch (random.nextInt(4)) {
        case 0 -> {
          answer.release();
          bytes[at] = 0;
          fits = true;
        }
        case 1 -> {
          answer.release(); // whole answers come to those that hold nothing
          fits = answer.take(new byte[size * 4]);
          bytes[at] = size * 4;
        }
        default -> {
          fits = answer.take(frames(size));
          bytes[at] += size;
        }
      }
      long sum = 0;
      for (long each : bytes) {
        sum += each;
      }
      assertThat(room.heldBytes()).isEqualTo(sum);
      assertThat(told[0]).isEqualTo(sum);
      assertThat(fits && (bytes[at] > 1_000 || sum > 2_000) && bytes[at] > 0).isFalse();
      if (!fits) {
        answer.release(); // as its owner does
        bytes[at] = 0;
      }
    }
  }
}
