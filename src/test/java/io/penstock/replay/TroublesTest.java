package io.penstock.replay;

import static io.penstock.replay.SimFleet.What.DOWN;
import static io.penstock.replay.SimFleet.What.SLOW;
import static io.penstock.replay.SimFleet.What.UP;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.replay.SimFleet.Event;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TroublesTest {
  private static final long EVER = Long.MAX_VALUE;

  @TempDir Path folder;

  private final Troubles troubles = new Troubles();

  @Test
  void oneIsABeginningAndAnEnd() {
    troubles.slow(1, 5, 9, 3);
    troubles.down(0, 5, EVER);
    assertThat(troubles.events())
        .containsExactly(
            new Event(5, 1, SLOW, 3), new Event(5, 0, DOWN, 1), new Event(9, 1, SLOW, 1));
  }

  @Test
  void theEndOfAnOutageIsNoEndOfALaterOne() {
    troubles.down(0, 10, 40);
    troubles.down(0, 30, 90);
    troubles.down(1, 30, 50); // another's is another matter
    assertThat(troubles.events())
        .containsExactly(
            new Event(10, 0, DOWN, 1),
            new Event(30, 1, DOWN, 1),
            new Event(50, 1, UP, 1),
            new Event(90, 0, UP, 1));
  }

  @Test
  void oneThatBeginsWhenAnotherEndsGoesOn() {
    troubles.down(0, 10, 30);
    troubles.down(0, 30, EVER);
    assertThat(troubles.events()).containsExactly(new Event(10, 0, DOWN, 1));
  }

  @Test
  void theLastThatBeganSaysHowSlow() {
    troubles.slow(0, 10, 100, 2);
    troubles.slow(0, 20, 50, 5);
    troubles.slow(0, 70, EVER, 3);
    assertThat(troubles.events())
        .containsExactly(
            new Event(10, 0, SLOW, 2),
            new Event(20, 0, SLOW, 5),
            new Event(50, 0, SLOW, 2),
            new Event(70, 0, SLOW, 3));
  }

  @Test
  void aFileOfOverlappingOutagesIsReadSo() {
    SimFleet fleet =
        Samples.tiny(
            folder,
            1,
            8,
            "{\"replica\":\"r\",\"at\":\"1s\",\"what\":\"down\",\"for\":\"2s\"},"
                + "{\"replica\":\"r\",\"at\":\"2s\",\"what\":\"down\",\"for\":\"4s\"}");
    assertThat(fleet.events())
        .containsExactly(
            new Event(1_000_000_000L, 0, DOWN, 1), new Event(6_000_000_000L, 0, UP, 1));
  }
}
