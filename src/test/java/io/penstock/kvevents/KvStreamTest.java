package io.penstock.kvevents;

import static io.penstock.kvevents.Batches.batch;
import static io.penstock.kvevents.Batches.cleared;
import static io.penstock.kvevents.Batches.removed;
import static io.penstock.kvevents.Batches.stored;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.kvevents.Batches.Form;
import io.penstock.message.KvCacheState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class KvStreamTest {
  private static final byte[] OLD = one(stored(1, 2, 3));

  private static byte[] one(Batches.Said... events) {
    return batch(Form.MAPS, 1, List.of(events));
  }

  /** An engine of which everything is known, before a network of which nothing is. */
  private static final class Engine {
    final int keeps;
    final Random random;
    final Map<Long, Integer> held = new HashMap<>();
    final List<byte[]> sent = new ArrayList<>();
    double seconds = 1_000;

    Engine(int keeps, Random random) {
      this.keeps = keeps;
      this.random = random;
    }

    void publish() {
      List<Batches.Said> events = new ArrayList<>();
      for (int i = random.nextInt(4); i >= 0; i--) {
        long hash = random.nextInt(40) - 5;
        if (random.nextInt(100) == 0) {
          held.clear();
          events.add(cleared());
        } else if (random.nextInt(3) > 0) {
          held.merge(hash, 1, Integer::sum);
          events.add(stored(hash));
        } else if (held.containsKey(hash)) {
          held.computeIfPresent(hash, (k, copies) -> copies == 1 ? null : copies - 1);
          events.add(removed(hash));
        }
      }
      seconds += 0.01;
      sent.add(batch(random.nextBoolean() ? Form.MAPS : Form.ARRAYS, seconds, events));
    }

    void restart() {
      held.clear();
      sent.clear();
      seconds += 1;
    }

    long blocks() {
      return held.values().stream().mapToInt(x -> x).sum();
    }

    /** Answers a question, perhaps not to its end. */
    void answer(KvStream stream, long from, long nowMillis, boolean fails) {
      long oldest = Math.max(0, sent.size() - keeps);
      for (long i = Math.max(from, oldest); i < sent.size(); i++) {
        if (fails && random.nextInt(10) == 0) {
          return;
        }
        stream.replayed(i, sent.get((int) i), nowMillis);
      }
      stream.replayEnded();
    }
  }

  /**
   * Batches are lost, connections break, the engine restarts, replays fail: what is said to be
   * whole is right, to the block.
   */
  @Property(tries = 500)
  void whatIsSaidToBeWholeIsRight(@ForAll long seed) {
    Random random = new Random(seed);
    boolean replays = random.nextInt(4) > 0;
    Engine engine = new Engine(random.nextBoolean() ? 10_000 : 1 + random.nextInt(20), random);
    KvStream stream = new KvStream(replays);
    for (int i = random.nextInt(30); i > 0; i--) {
      engine.publish();
    }
    boolean connected = false;
    long now = 0;
    for (int i = 0; i < 300; i++) {
      now += random.nextInt(100);
      switch (random.nextInt(60)) {
        case 0 -> {
          stream.disconnected();
          connected = false;
        }
        case 1 -> {
          // a restart breaks the connection; what comes before the next one is not heard
          engine.restart();
          stream.disconnected();
          connected = false;
        }
        case 2, 3, 4 -> {
          if (!connected) {
            stream.connected();
            connected = true;
          }
        }
        case 5 -> now += KvStream.REPLAY_MILLIS;
        default -> {
          engine.publish();
          int last = engine.sent.size() - 1;
          if (connected && random.nextInt(12) > 0) {
            stream.live(last, engine.sent.get(last), now);
          }
        }
      }
      stream.tick(now);
      if (connected && stream.wantsReplay().isPresent() && random.nextInt(3) > 0) {
        long from = stream.wantsReplay().getAsLong();
        stream.asked(now);
        engine.answer(stream, from, now, random.nextInt(6) == 0);
      }
    }
    // Calm at last: one more batch tells of what was missed.
    if (!connected) {
      stream.connected();
    }
    for (int i = 0; i < 3; i++) {
      engine.publish();
      stream.live(engine.sent.size() - 1, engine.sent.get(engine.sent.size() - 1), now);
      for (int j = 0; j < 10 && stream.wantsReplay().isPresent(); j++) {
        long from = stream.wantsReplay().getAsLong();
        stream.asked(now);
        engine.answer(stream, from, now, false);
        now += 1;
      }
      now += 2 * KvStream.REPLAY_MILLIS;
      for (int j = 0; j < 5; j++) {
        now += 2 * KvStream.REPLAY_MILLIS;
        stream.tick(now);
      }
    }
    KvCacheState state = stream.state(now);
    assertThat(state.following()).as("seed %s: %s", seed, state).isTrue();
    // Without replays a restart may be taken for a gap or, by chance, for nothing at all.
    if (replays && state.whole()) {
      assertThat(state.blocks()).as("seed %s: %s", seed, state).isEqualTo(engine.blocks());
      assertThat(state.tokens()).isEqualTo(16 * engine.blocks());
    }
    if (replays && engine.keeps == 10_000) {
      assertThat(state.whole()).as("seed %s: %s", seed, state).isTrue();
      assertThat(state.blocks()).isEqualTo(engine.blocks());
    }
    assertThat(state.malformed()).isZero();
  }

  @Test
  void thePastIsAskedForFirst() {
    KvStream stream = new KvStream(true);
    assertThat(stream.wantsReplay()).isEmpty();
    stream.connected();
    assertThat(stream.wantsReplay()).hasValue(0);
    stream.asked(0);
    stream.live(2, one(removed(1)), 1);
    assertThat(stream.state(1).following()).isFalse();
    stream.replayed(0, OLD, 2);
    stream.replayed(1, one(stored(4)), 2);
    stream.replayed(2, one(removed(1)), 2);
    stream.replayEnded();

    KvCacheState state = stream.state(2);
    assertThat(state.following()).isTrue();
    assertThat(state.whole()).isTrue();
    assertThat(state.blocks()).isEqualTo(3);
    assertThat(state.batches()).isEqualTo(3);
    assertThat(state.gaps()).isZero();
    assertThat(state.empties()).as("of the past").isZero();
    assertThat(state.emptiedMillis()).as("when it began").isEqualTo(1_000);
  }

  /** Whoever connects may hear a batch before it is told that it is connected. */
  @Test
  void whatComesBeforeTheConnectionIsKnownDoesNotEndThePast() {
    KvStream stream = new KvStream(true);
    stream.live(1, one(stored(4)), 0);
    stream.connected();
    assertThat(stream.wantsReplay()).hasValue(0);
    stream.asked(0);
    stream.replayed(0, OLD, 1);
    stream.replayed(1, one(stored(4)), 1);
    stream.replayEnded();
    assertThat(stream.state(1).whole()).isTrue();
    assertThat(stream.state(1).blocks()).isEqualTo(4);
    assertThat(stream.state(1).batches()).isEqualTo(2);
  }

  /** It may be a new one whose numbers have gone as far, and has dropped what would tell. */
  @Test
  void aReplayWithoutTheLastKnownBatchIsOfNobodyKnowsWhom() {
    KvStream stream = followed(true);
    stream.disconnected();
    stream.connected();
    stream.asked(1);
    stream.replayed(1, one(stored(9)), 2);
    stream.replayEnded();
    KvCacheState state = stream.state(2);
    assertThat(state.losses()).isEqualTo(1);
    assertThat(state.whole()).isFalse();
    assertThat(state.blocks()).isEqualTo(1);
  }

  /** An engine drops what its socket has no room for, the end of its answer included. */
  @Test
  void aLongReplayMayComeInParts() {
    int parts = 3 * KvStream.TRIES_MAX;
    int size = 50;
    List<byte[]> past = new ArrayList<>();
    for (int i = 0; i < parts * size; i++) {
      past.add(one(stored(i)));
    }
    KvStream stream = new KvStream(true);
    stream.connected();
    stream.live(past.size(), one(stored(past.size())), 0);
    long now = 0;
    while (stream.wantsReplay().isPresent()) {
      int from = (int) stream.wantsReplay().getAsLong();
      stream.asked(now);
      for (int i = from; i < Math.min(from + size + 1, past.size()); i++) {
        stream.replayed(i, past.get(i), now);
      }
      if (from + size + 1 >= past.size()) {
        stream.replayEnded();
      } else {
        now += KvStream.REPLAY_MILLIS + 1;
        stream.tick(now);
      }
    }
    KvCacheState state = stream.state(now);
    assertThat(state.following()).isTrue();
    assertThat(state.losses()).isZero();
    assertThat(state.whole()).isTrue();
    assertThat(state.blocks()).isEqualTo(past.size() + 1);
  }

  private static KvStream followed(boolean replays) {
    KvStream stream = new KvStream(replays);
    stream.connected();
    if (replays) {
      stream.asked(0);
      stream.replayed(0, OLD, 0);
      stream.replayEnded();
    } else {
      stream.live(0, OLD, 0);
    }
    assertThat(stream.state(0).blocks()).isEqualTo(3);
    return stream;
  }

  @Test
  void aGapIsReplayed() {
    KvStream stream = followed(true);
    stream.live(3, one(stored(9)), 5);
    assertThat(stream.wantsReplay()).hasValue(0);
    stream.asked(5);
    stream.replayed(0, OLD, 6);
    stream.replayed(1, one(stored(7)), 6);
    stream.replayed(2, one(removed(1), removed(2)), 6);
    stream.replayEnded();

    KvCacheState state = stream.state(6);
    assertThat(state.whole()).isTrue();
    assertThat(state.blocks()).isEqualTo(3);
    assertThat(state.gaps()).isEqualTo(1);
    assertThat(state.losses()).isZero();
    assertThat(state.replays()).isEqualTo(2);
  }

  @Test
  void whatTheEngineHasDroppedIsLost() {
    KvStream stream = followed(true);
    stream.live(9, one(stored(9)), 5);
    stream.asked(5);
    stream.replayed(8, one(stored(8)), 6);
    stream.replayed(9, one(stored(9)), 6);
    stream.replayEnded();

    KvCacheState state = stream.state(6);
    assertThat(state.losses()).isEqualTo(1);
    assertThat(state.restarts()).isZero();
    assertThat(state.whole()).isFalse();
    assertThat(state.blocks()).isEqualTo(2);
    assertThat(state.following()).isTrue();
    stream.live(10, one(cleared(), stored(1)), 7);
    assertThat(stream.state(7).whole()).as("since it was cleared").isTrue();
    assertThat(stream.state(7).empties()).isEqualTo(1);
  }

  @Test
  void withoutReplaysAGapIsALoss() {
    KvStream stream = followed(false);
    stream.live(2, one(stored(9)), 5);
    KvCacheState state = stream.state(5);
    assertThat(state.losses()).isEqualTo(1);
    assertThat(state.gaps()).isEqualTo(1);
    assertThat(state.blocks()).isEqualTo(1);
    assertThat(state.whole()).isFalse();
  }

  @Test
  void aNumberThatGoesBackIsARestart() {
    KvStream stream = followed(false);
    stream.live(0, one(stored(9)), 5);
    KvCacheState state = stream.state(5);
    assertThat(state.restarts()).isEqualTo(1);
    assertThat(state.empties()).isEqualTo(1);
    assertThat(state.emptiedMillis()).isEqualTo(1_001);
    assertThat(state.blocks()).isEqualTo(1);
    assertThat(state.whole()).isTrue();
  }

  @Test
  void aRestartIsSeenThoughNumbersGoOn() {
    KvStream stream = followed(true);
    stream.disconnected();
    stream.connected();
    stream.asked(5);
    stream.replayed(0, one(stored(77)), 6); // another batch of the same number
    assertThat(stream.state(6).restarts()).isEqualTo(1);
    assertThat(stream.wantsReplay()).hasValue(0);
    stream.asked(6);
    stream.replayed(0, one(stored(77)), 7);
    stream.replayed(1, one(stored(78)), 7);
    stream.replayEnded();
    stream.live(2, one(stored(79)), 8);
    assertThat(stream.state(8).blocks()).isEqualTo(3);
    assertThat(stream.state(8).whole()).isTrue();
    assertThat(stream.state(8).gaps()).isZero();
  }

  @Test
  void anEngineThatKnowsNoneOfItsBatchesIsANewOne() {
    KvStream stream = followed(true);
    stream.disconnected();
    stream.connected();
    stream.asked(5);
    stream.replayEnded();
    assertThat(stream.state(6).restarts()).isEqualTo(1);
    assertThat(stream.state(6).empties()).isEqualTo(1);
    assertThat(stream.state(6).blocks()).isZero();
    stream.asked(6);
    stream.replayEnded();
    stream.live(0, one(stored(1)), 8);
    assertThat(stream.state(8).whole()).isTrue();
    assertThat(stream.state(8).blocks()).isEqualTo(1);
  }

  @Test
  void aReplayThatIsSilentIsGivenUp() {
    KvStream stream = followed(true);
    stream.live(5, one(stored(9)), 0);
    long now = 0;
    for (int i = 0; i < KvStream.TRIES_MAX; i++) {
      assertThat(stream.wantsReplay()).isPresent();
      stream.asked(now);
      now += KvStream.REPLAY_MILLIS + 1;
      stream.tick(now);
    }
    assertThat(stream.wantsReplay()).isEmpty();
    assertThat(stream.state(now).losses()).isEqualTo(1);
    assertThat(stream.state(now).following()).isTrue();
    assertThat(stream.state(now).blocks()).isEqualTo(1);
  }

  @Test
  void whatComesMeanwhileIsBounded() {
    KvStream stream = followed(true);
    for (int i = 2; i < KvStream.HELD_MAX + 100; i++) {
      stream.live(i, one(stored(i)), 0);
    }
    stream.asked(0);
    stream.replayed(0, OLD, 0);
    stream.replayEnded(); // nothing of what was dropped
    stream.asked(0);
    stream.replayEnded();
    assertThat(stream.state(0).restarts() + stream.state(0).losses()).isPositive();
    assertThat(stream.state(0).blocks()).isLessThanOrEqualTo(KvStream.HELD_MAX);
  }

  @Test
  void aBatchThatCanNotBeReadIsCountedAndSkipped() {
    KvStream stream = followed(true);
    stream.live(1, new byte[] {1, 2, 3}, 1);
    stream.live(2, one(stored(9)), 2);
    KvCacheState state = stream.state(2);
    assertThat(state.malformed()).isEqualTo(1);
    assertThat(state.gaps()).isZero();
    assertThat(state.blocks()).isEqualTo(4);
    assertThat(state.whole()).isFalse();
    assertThat(stream.lastMistake()).isNotEmpty();
  }

  @Test
  void aFullBookIsBegunAnew() {
    KvStream stream = new KvStream(false, new KvBook(4));
    stream.connected();
    stream.live(0, one(stored(1, 2, 3, 4, 5)), 0);
    KvCacheState state = stream.state(0);
    assertThat(state.overflows()).isEqualTo(1);
    assertThat(state.blocks()).isEqualTo(1);
    assertThat(state.whole()).isFalse();
  }

  @Test
  void ranksAreOneCache() {
    KvStream a = followed(false);
    KvStream b = followed(false);
    b.live(1, one(cleared()), 1);
    KvCacheState sum = KvCacheState.sum(List.of(a.state(5), b.state(5)));
    assertThat(sum.blocks()).isEqualTo(3);
    assertThat(sum.empties()).isEqualTo(1);
    assertThat(sum.keepsTokens()).isEqualTo(-1);
    assertThat(sum.batches()).isEqualTo(3);
    assertThat(sum.ageMillis()).isEqualTo(4);
  }
}
