package io.penstock.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.measure.Hash64;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class EngineCorePropertyTest {
  private static final long MILLI = 1_000_000;

  /** Small enough that queueing, eviction and preemption all happen. */
  private static final SimProfile CROWDED =
      new SimProfile("t", "t", 20, 900, 30, 0.7, 16 * 48, 6, 64, 16 * 40);

  @Property(tries = 150)
  void noTokenIsLostAndNoBlockLeaks(@ForAll long seed, @ForAll @IntRange(min = 1, max = 60) int n) {
    Drive drive = new Drive(seed, n, 0.3);
    drive.run(1);
    for (Sequence each : drive.sequences) {
      assertThat(each.state).isIn(Sequence.State.FINISHED, Sequence.State.CANCELLED);
      assertThat(drive.told.getOrDefault(each, 0)).isEqualTo(each.generated);
      if (each.state == Sequence.State.FINISHED) {
        assertThat(each.generated).isEqualTo(each.maxTokens);
      }
    }
    EngineCore core = drive.core;
    assertThat(core.finished() + core.cancelled()).isEqualTo(n);
    assertThat(core.generatedTokens())
        .isEqualTo(drive.sequences.stream().mapToLong(each -> each.generated).sum());
    assertThat(core.freeBlocks()).isEqualTo(core.blocks());
    assertThat(core.running()).isZero();
    assertThat(core.waiting()).isZero();
    assertThat(core.peakRunning()).isLessThanOrEqualTo(CROWDED.maxNumSeqs());
  }

  @Property(tries = 150)
  void blocksAreWhatTheBatchHolds(@ForAll long seed) {
    Drive drive = new Drive(seed, 40, 0.2);
    drive.check =
        core -> {
          assertThat(core.running()).isLessThanOrEqualTo(CROWDED.maxNumSeqs());
          assertThat(core.freeBlocks()).isBetween(0, core.blocks());
          int held = drive.sequences.stream().mapToInt(each -> each.held).sum();
          // Shared prefix blocks are held more than once, so the sum is an upper bound.
          assertThat(core.blocks() - core.freeBlocks()).isLessThanOrEqualTo(held);
        };
    drive.run(1);
  }

  @Property(tries = 100)
  void sameInputsSameTimes(@ForAll long seed) {
    assertThat(new Drive(seed, 40, 0.2).run(1)).isEqualTo(new Drive(seed, 40, 0.2).run(1));
  }

  /** The server looks at every token, a replay at decisions only: the times are the same. */
  @Property(tries = 150)
  void timesDoNotDependOnHowOftenItIsAdvanced(@ForAll long seed) {
    assertThat(new Drive(seed, 30, 0).run(1)).isEqualTo(new Drive(seed, 30, 0).run(0));
  }

  @Property(tries = 100)
  void firstComeFirstServed(@ForAll long seed) {
    Drive drive = new Drive(seed, 40, 0);
    drive.run(1);
    long last = 0;
    for (Sequence each : drive.sequences) {
      if (each.preemptions == 0 && each.promptTokens <= 16) {
        assertThat(each.firstTokenNanos).isGreaterThanOrEqualTo(last);
        last = each.firstTokenNanos;
      }
    }
  }

  @Property(tries = 200)
  void aCacheFindsExactlyWhatWasPublishedAndNotEvicted(@ForAll long seed) {
    Random random = new Random(seed);
    KvCache cache = new KvCache(32);
    Map<Long, Integer> held = new HashMap<>();
    List<Long> order = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      if (cache.free() > 0 && random.nextBoolean()) {
        long hash = random.nextInt(100);
        if (held.containsKey(hash)) {
          continue;
        }
        if (cache.cachedPrefix(new long[] {hash}, 1) == 1) {
          held.put(hash, cache.share(hash));
        } else {
          int block = cache.allocate();
          cache.publish(block, hash);
          held.put(hash, block);
        }
        order.add(hash);
      } else if (!order.isEmpty()) {
        Long hash = order.remove(random.nextInt(order.size()));
        Integer block = held.remove(hash);
        if (block != null) {
          cache.release(block);
        }
      }
      assertThat(cache.free()).isEqualTo(cache.capacity() - held.size());
      held.forEach((hash, block) -> assertThat(findable(cache, hash)).isTrue());
    }
  }

  private static boolean findable(KvCache cache, long hash) {
    return cache.cachedPrefix(new long[] {hash}, 1) == 1;
  }

  /** A random load, the same for the same seed. */
  private static final class Drive implements Sequence.Owner {
    private final Random random;
    private final int n;
    private final double cancels;
    private final EngineCore core = new EngineCore(CROWDED, 3 * MILLI);
    private final List<Sequence> sequences = new ArrayList<>();
    private final Map<Sequence, Integer> told = new HashMap<>();
    private Consumer<EngineCore> check = core -> {};

    Drive(long seed, int n, double cancels) {
      this.random = new Random(seed);
      this.n = n;
      this.cancels = cancels;
    }

    /** Runs to the end, token by token or from decision to decision; the times of all. */
    List<Long> run(int tokenByToken) {
      long now = 0;
      for (int i = 0; i < n; i++) {
        now += (long) random.nextInt(3) * random.nextInt(4_000_000);
        advance(now, tokenByToken);
        sequences.add(submit(now));
        if (random.nextDouble() < cancels) {
          core.cancel(sequences.get(random.nextInt(sequences.size())), now);
        }
        check.accept(core);
      }
      advance(EngineCore.IDLE - 1, tokenByToken);
      List<Long> times = new ArrayList<>();
      for (Sequence each : sequences) {
        times.add(each.firstTokenNanos);
        times.add(each.finishedNanos);
        times.add((long) each.cachedTokens);
      }
      return times;
    }

    private void advance(long until, int tokenByToken) {
      while (true) {
        long next = tokenByToken == 1 ? core.nextTokenNanos() : core.nextScheduleNanos();
        if (next > until) {
          return;
        }
        core.advance(next);
        check.accept(core);
      }
    }

    private Sequence submit(long now) {
      int prompt = 1 + random.nextInt(random.nextBoolean() ? 16 : 300);
      long[] hashes = new long[prompt / KvCache.BLOCK_TOKENS];
      long chain = random.nextInt(3);
      for (int i = 0; i < hashes.length; i++) {
        chain = Hash64.combine(chain, random.nextInt(100) < 90 ? i : 1000 + i);
        hashes[i] = chain;
      }
      return core.submit(this, hashes, prompt, 1 + random.nextInt(200), now);
    }

    @Override
    public void onTokens(Sequence sequence, int count, long atNanos) {
      told.merge(sequence, count, Integer::sum);
    }

    @Override
    public void onFinished(Sequence sequence, long atNanos) {
      assertThat(sequence.generated).isEqualTo(sequence.maxTokens);
    }
  }
}
