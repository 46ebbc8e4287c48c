package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.PromptBlocks;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class PrefixIndexTest {
  private static PromptBlocks prompt(long... hashes) {
    return PromptBlocks.of(hashes, 64);
  }

  /** What the index is to be alike: a map in order of use that drops its eldest. */
  private static final class Model extends LinkedHashMap<Long, Integer> {
    private static final long serialVersionUID = 1;
    private final int max;

    Model(int max) {
      super(16, 0.75f, true);
      this.max = max;
    }

    /** Without touching it. */
    int touched(long hash) {
      return entrySet().stream()
          .filter(each -> each.getKey() == hash)
          .findFirst()
          .orElseThrow()
          .getValue();
    }

    @Override
    protected boolean removeEldestEntry(Map.Entry<Long, Integer> eldest) {
      return size() > max;
    }
  }

  @Property(tries = 200)
  void holdsWhatAMapInOrderOfUseWouldHold(@ForAll long seed) {
    Random random = new Random(seed);
    PrefixIndex index = new PrefixIndex(random.nextInt(3_000));
    Model model = new Model(index.sizeMax());
    List<PromptBlocks> prompts = new ArrayList<>();
    for (int step = 0; step < 300; step++) {
      PromptBlocks next = branch(random, prompts);
      prompts.add(next);
      index.touch(next, step);
      for (int i = Math.min(next.size(), index.sizeMax()) - 1; i >= 0; i--) {
        model.put(next.hash(i), step);
      }
      assertThat(index.size()).isEqualTo(model.size());
      PromptBlocks asked = prompts.get(random.nextInt(prompts.size()));
      int held = 0;
      while (held < asked.size() && model.keySet().contains(asked.hash(held))) {
        held++;
      }
      assertThat(index.known(asked, random.nextInt(asked.size() + 2))).isEqualTo(held);
      if (held > 0) {
        assertThat(index.age(asked.hash(0), step)).isEqualTo(step - model.touched(asked.hash(0)));
      }
    }
    for (PromptBlocks each : prompts) {
      for (int i = 0; i < each.size(); i++) {
        assertThat(index.holds(each.hash(i))).isEqualTo(model.keySet().contains(each.hash(i)));
      }
    }
  }

  /** A prompt that goes on from the middle of another, or is all new. */
  private static PromptBlocks branch(Random random, List<PromptBlocks> before) {
    PromptBlocks stem =
        before.isEmpty() || random.nextInt(4) == 0
            ? PromptBlocks.NONE
            : before.get(random.nextInt(before.size()));
    int kept = random.nextInt(stem.size() + 1);
    long[] hashes = new long[Math.min(PromptBlocks.FINE, kept + 1 + random.nextInt(30))];
    for (int i = 0; i < hashes.length; i++) {
      hashes[i] = i < kept ? stem.hash(i) : random.nextLong();
    }
    return prompt(hashes);
  }

  @Test
  void saysHowOldAPromptsBlocksAreAndHowManyAreYoung() {
    PrefixIndex index = new PrefixIndex(1 << 16);
    index.touch(prompt(1, 2, 3, 4), 100);
    index.touch(prompt(1, 2), 150);
    PromptBlocks asked = prompt(1, 2, 3, 4, 5);
    assertThat(index.known(asked, 0)).isEqualTo(4);
    assertThat(index.youngerThan(asked, 4, 1_000, 200)).isEqualTo(4);
    assertThat(index.youngerThan(asked, 4, 60, 200)).isEqualTo(2);
    assertThat(index.youngerThan(asked, 4, 10, 200)).isZero();
  }

  @Test
  void aHashMayBeZero() {
    PrefixIndex index = new PrefixIndex(1 << 16);
    index.touch(prompt(0, 5), 1);
    assertThat(index.known(prompt(0, 5, 6), 0)).isEqualTo(2);
  }

  @Test
  void theClockMayGoRound() {
    PrefixIndex index = new PrefixIndex(1 << 16);
    index.touch(prompt(7), Integer.MAX_VALUE - 1);
    assertThat(index.age(7, Integer.MIN_VALUE + 2)).isEqualTo(4);
  }

  @Test
  void forgetsAllWhenToldTo() {
    PrefixIndex index = new PrefixIndex(1 << 16);
    index.touch(prompt(1, 2, 3), 1);
    index.clear();
    assertThat(index.size()).isZero();
    assertThat(index.known(prompt(1, 2, 3), 3)).isZero();
  }

  @Test
  void aPromptLongerThanTheIndexLeavesItsBeginning() {
    PrefixIndex index = new PrefixIndex(0);
    long[] hashes = new long[200];
    for (int i = 0; i < hashes.length; i++) {
      hashes[i] = i + 1;
    }
    index.touch(prompt(hashes), 1);
    assertThat(index.size()).isEqualTo(index.sizeMax()).isEqualTo(48);
    assertThat(index.known(prompt(hashes), 0)).isEqualTo(48);
  }

  @Test
  void staysWithinItsBytesOverManyPrompts() {
    long bytesMax = 1 << 20;
    PrefixIndex index = new PrefixIndex(bytesMax);
    Random random = new Random(5);
    long[] hashes = new long[32];
    long used = usedHeap();
    for (int request = 0; request < 300_000; request++) {
      for (int i = 0; i < hashes.length; i++) {
        hashes[i] = i < 4 ? i + 1 : random.nextLong();
      }
      index.touch(prompt(hashes), request);
      assertThat(index.bytes()).isLessThanOrEqualTo(bytesMax);
      assertThat(index.size()).isLessThanOrEqualTo(index.sizeMax());
    }
    assertThat(index.size()).isEqualTo(index.sizeMax());
    assertThat(index.bytes()).isEqualTo(32_768 * PrefixIndex.PLACE_BYTES);
    assertThat((double) index.bytes() / index.size()).as("bytes of an entry").isEqualTo(32);
    assertThat(usedHeap() - used).as("heap").isLessThan(2 * bytesMax);
    assertThat(index.known(prompt(hashes), 0)).isEqualTo(32);
  }

  private static long usedHeap() {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 3; i++) {
      System.gc();
      Runtime runtime = Runtime.getRuntime();
      least = Math.min(least, runtime.totalMemory() - runtime.freeMemory());
    }
    return least;
  }
}
