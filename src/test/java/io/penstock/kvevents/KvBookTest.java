package io.penstock.kvevents;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class KvBookTest {

  /** Against a map from the JDK. */
  @Property(tries = 300)
  void countsWhatIsHeld(@ForAll long seed) {
    Random random = new Random(seed);
    KvBook book = new KvBook();
    Map<Long, Integer> model = new HashMap<>();
    long stored = 0;
    int keys = 1 + random.nextInt(2_000);
    for (int i = 0; i < 3_000; i++) {
      long key = random.nextInt(keys) * (random.nextBoolean() ? 1L : 0x100000001L);
      switch (random.nextInt(20)) {
        case 0 -> book.remove(-1 - key); // of the time before the book
        case 1, 2, 3, 4, 5, 6, 7 -> {
          book.remove(key);
          model.computeIfPresent(key, (k, copies) -> copies == 1 ? null : copies - 1);
        }
        case 8 -> {
          if (random.nextInt(40) == 0) {
            book.clear();
            model.clear();
          }
        }
        default -> {
          assertThat(book.store(key, 16, 0)).isTrue();
          model.merge(key, 1, Integer::sum);
          stored += 16;
        }
      }
      int held = model.values().stream().mapToInt(x -> x).sum();
      assertThat(book.blocks()).as("seed %s, step %s", seed, i).isEqualTo(held);
      assertThat(book.tokens()).isEqualTo(16L * held);
      assertThat(book.storedTokens()).isEqualTo(stored);
    }
  }

  @Test
  void whatIsFullSaysSo() {
    KvBook book = new KvBook(100);
    for (int i = 0; i < 100; i++) {
      assertThat(book.store(i, 16, 0)).isTrue();
    }
    assertThat(book.store(100, 16, 0)).isFalse();
    assertThat(book.store(99, 16, 0)).as("a copy").isTrue();
    assertThat(book.blocks()).isEqualTo(101);
    book.clear();
    assertThat(book.store(100, 16, 0)).isTrue();
    assertThat(book.blocks()).isEqualTo(1);
  }

  /** A full book takes 24 bytes a place, at three quarters full at the most. */
  @Test
  void itsMemoryIsBounded() {
    KvBook book = new KvBook();
    for (long i = 0; i < KvBook.BLOCKS_MAX + 10; i++) {
      assertThat(book.store(i, 16, 0)).isEqualTo(i < KvBook.BLOCKS_MAX);
    }
    assertThat(book.bytes()).isEqualTo(24L << 20);
  }

  /** An LRU cache of so many blocks: those that nobody uses again go at the age of its size. */
  @Test
  void theAgeAtWhichBlocksGoIsWhatTheCacheKeeps() {
    int capacity = 1_000;
    KvBook book = new KvBook();
    ArrayDeque<Long> lru = new ArrayDeque<>();
    assertThat(book.keepsTokens()).isEqualTo(-1);
    for (long i = 0; i < 5_000; i++) {
      if (lru.size() == capacity) {
        book.remove(lru.remove());
      }
      book.store(i, 16, 0);
      lru.add(i);
    }
    assertThat(book.tokens()).isEqualTo(16L * capacity);
    assertThat(book.keepsTokens()).isEqualTo(16L * capacity);
  }

  /**
   * Half of what is stored is used again and again: the rest goes at an age that says how long it
   * stays.
   */
  @Test
  void hitsDoNotMakeItSeemLarger() {
    int capacity = 1_000;
    Random random = new Random(7);
    KvBook book = new KvBook();
    List<Long> lru = new ArrayList<>();
    for (long i = 0; i < 400; i++) {
      lru.add(i);
      book.store(i, 16, 0);
    }
    for (long i = 400; i < 8_000; i++) {
      for (int hit = 0; hit < 3; hit++) {
        long warm = random.nextInt(400);
        if (lru.remove((Object) warm)) {
          lru.add(warm);
        }
      }
      if (lru.size() == capacity) {
        book.remove(lru.remove(0));
      }
      book.store(i, 16, 0);
      lru.add(i);
    }
    assertThat(book.keepsTokens())
        .isBetween(16L * 550, 16L * 760); // 600 cold ones fit, or a few more
  }

  @Test
  void tokensAreThoseOfTheGroupThatHoldsMost() {
    KvBook book = new KvBook();
    for (int i = 0; i < 10; i++) {
      book.store(i, 16, 0);
      book.store(100 + i, 16, 1);
    }
    book.remove(100);
    assertThat(book.blocks()).isEqualTo(19);
    assertThat(book.tokens()).isEqualTo(160);
    assertThat(book.storedTokens()).isEqualTo(160);
    assertThat(book.removedTokens()).isEqualTo(16);
  }
}
