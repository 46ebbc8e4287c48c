package io.penstock.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.penstock.load.Trace;
import io.penstock.load.TraceReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a run is made of, each for itself. */
class PartsTest {
  @TempDir Path folder;

  private Trace trace(String... lines) {
    return TraceReader.read(Samples.trace(folder, lines), OptionalInt.empty());
  }

  @Test
  void promptsShareWhatTheirBlocksShare() {
    Trace trace =
        trace(
            "{\"t\":0,\"in\":256,\"out\":1,\"blk\":[[0,1],[1,3]]}",
            "{\"t\":1,\"in\":256,\"out\":1,\"blk\":[[0,1],[1,2],[9,1]]}",
            "{\"t\":2,\"in\":200,\"out\":1,\"blk\":[[0,4]]}");
    for (int size : new int[] {64, 32, 16, 128}) {
      Prompts prompts = new Prompts(trace, size);
      long[] one = prompts.hashes(trace.requests().get(0), 0);
      long[] two = prompts.hashes(trace.requests().get(1), 0);
      long[] cut = prompts.hashes(trace.requests().get(2), 0);

      assertThat(one).as("blocks of %d", size).hasSize(256 / size).doesNotHaveDuplicates();
      assertThat(Arrays.mismatch(one, two)).as("blocks of %d", size).isEqualTo(192 / size);
      assertThat(cut).as("a full block is cached, a part is not").hasSize(200 / size);
      assertThat(Arrays.mismatch(one, cut)).isEqualTo(200 / size);
      assertThat(prompts.hashes(trace.requests().get(0), 1)).doesNotContain(one);
    }
    assertThat(Prompts.blockTokensOf(trace)).isEqualTo(64);
  }

  @Test
  void anEqualBlockBehindAnotherBeginningIsAnotherBlock() {
    Trace trace =
        trace(
            "{\"t\":0,\"in\":128,\"out\":1,\"blk\":[[1,1],[5,1]]}",
            "{\"t\":1,\"in\":128,\"out\":1,\"blk\":[[2,1],[5,1]]}");
    Prompts prompts = new Prompts(trace, 64);

    assertThat(prompts.hashes(trace.requests().get(0), 0))
        .doesNotContain(prompts.hashes(trace.requests().get(1), 0));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void theTableForgetsWhatWasLongestUnused(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    LongTable table = new LongTable(100);
    Map<Long, Boolean> model =
        new LinkedHashMap<>(16, 0.75f, true) {
          @Override
          protected boolean removeEldestEntry(Map.Entry<Long, Boolean> eldest) {
            return size() > 100;
          }
        };
    for (int i = 0; i < 20_000; i++) {
      // Few low bits, so that entries collide.
      long[] prompt = LongStream.range(0, 1 + random.nextInt(5)).map(n -> n << 3).toArray();
      long of = random.nextInt(60) * 4096L;
      prompt = Arrays.stream(prompt).map(n -> n + of).toArray();
      int found = 0;
      while (found < prompt.length && model.containsKey(prompt[found])) {
        found++;
      }
      assertThat(table.prefix(prompt)).as("seed %d, step %d", seed, i).isEqualTo(found);
      table.use(prompt);
      for (int at = prompt.length - 1; at >= 0; at--) {
        model.put(prompt[at], true);
      }
      assertThat(table.size()).isEqualTo(model.size());
    }
  }

  @Test
  void theTableGrowsWithWhatItHolds() {
    LongTable table = new LongTable(Integer.MAX_VALUE);
    long[] many = LongStream.range(0, 50_000).map(n -> n * 0x9E3779B97F4A7C15L).toArray();
    table.use(many);

    assertThat(table.prefix(many)).isEqualTo(50_000).isEqualTo(table.size());
  }

  @Test
  void eventsComeByTimeAndThenAsTheyWereAdded() {
    record Event(long at, int what) {}
    SplittableRandom random = new SplittableRandom(1);
    EventHeap heap = new EventHeap();
    PriorityQueue<Event> model =
        new PriorityQueue<>(
            (a, b) -> a.at() != b.at() ? Long.compare(a.at(), b.at()) : a.what() - b.what());
    for (int i = 0; i < 5_000; i++) {
      long at = random.nextInt(40);
      heap.add(at, i);
      model.add(new Event(at, i));
      if (random.nextInt(3) == 0) {
        assertThat(heap.nextNanos()).isEqualTo(model.element().at());
        assertThat(heap.take()).isEqualTo(model.remove().what());
      }
    }
    while (!model.isEmpty()) {
      assertThat(heap.take()).isEqualTo(model.remove().what());
    }
    assertThat(heap.isEmpty()).isTrue();
    assertThat(heap.nextNanos()).isEqualTo(Source.NEVER);
  }

  @Test
  void aTimelineKeepsItsSumsHoweverLongItGets() {
    Timeline timeline = new Timeline(1, 0);
    double lived = 0;
    long now = 0;
    for (int i = 0; i < 100; i++) {
      timeline.live(0, 2, now);
      timeline.ended(now, i % 4 == 0);
      timeline.live(0, -2, now + 7_300_000_000L);
      lived += 2 * 7.3;
      now += 11_000_000_000L;
    }

    double inBuckets =
        timeline.live(0).stream().mapToDouble(v -> v * timeline.widthSeconds()).sum();
    assertThat(timeline.widthSeconds()).isEqualTo(8); // 1,097 s in at most 240 buckets
    assertThat(timeline.liveSeconds(0)).isCloseTo(lived, within(1e-6));
    assertThat(inBuckets).isCloseTo(lived, within(1e-6));
    assertThat(timeline.goodShares()).hasSizeLessThanOrEqualTo(60);
    assertThat(timeline.goodShares().stream().mapToDouble(v -> v).average().orElse(0))
        .isCloseTo(0.25, within(0.02));
  }

  @Test
  void ticksAreSpreadAndOtherTimesAreNot() {
    List<String> ticks = new ArrayList<>();
    List<String> times = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      int tick = i / 10;
      String late = tick % 7 == 3 ? ".001" : ".0"; // as recorders are
      ticks.add("{\"t\":" + tick * 3 + late + ",\"in\":1,\"out\":1}");
      times.add("{\"t\":" + tick * 3 + (tick % 2 == 0 ? ".0" : ".4") + ",\"in\":1,\"out\":1}");
    }
    Path ofTicks = Samples.file(folder, "ticks.jsonl", String.join("\n", ticks));
    Path ofTimes = Samples.file(folder, "times.jsonl", String.join("\n", times));

    long[] spread = arrivals(Samples.workload(ofTicks, Samples.ALL, 1));
    long[] kept = arrivals(Samples.workload(ofTimes, Samples.ALL, 1));

    assertThat(LongStream.of(spread).distinct().count()).isEqualTo(300);
    assertThat(spread).isSorted();
    assertThat(spread[299] / 1e9).isBetween(84.0, 90.0);
    for (int i = 0; i < 300; i++) {
      assertThat(spread[i] / 1e9).isBetween(i / 10 * 3 - 3.0, i / 10 * 3 + 3.0);
    }
    assertThat(LongStream.of(kept).distinct().count()).isEqualTo(30);
    assertThat(arrivals(Samples.workload(ofTicks, Samples.ALL, 1))).isEqualTo(spread);
    assertThat(arrivals(Samples.workload(ofTicks, Samples.ALL, 2))).isNotEqualTo(spread);
  }

  private static long[] arrivals(Workload workload) {
    Source source = workload.source(workload.tracedRate());
    List<Long> times = new ArrayList<>();
    while (source.nextNanos() != Source.NEVER) {
      times.add(source.take().arrivedNanos);
    }
    return times.stream().mapToLong(t -> t).toArray();
  }

  @Test
  void atTwiceTheRateAllComesInHalfTheTimeAndAgainWhereMoreIsWanted() {
    Path trace =
        Samples.trace(
            folder,
            "{\"t\":0.1,\"in\":32,\"out\":1,\"blk\":[[0,2]]}",
            "{\"t\":0.5,\"in\":32,\"out\":1,\"blk\":[[0,2]]}",
            "{\"t\":0.9,\"in\":32,\"out\":1,\"blk\":[[0,2]]}");
    Workload workload =
        Samples.workload(trace, new Workload.Extent(OptionalInt.of(5), Optional.empty()), 1);

    Source source = workload.source(2 * workload.tracedRate());
    List<Call> calls = new ArrayList<>();
    while (source.nextNanos() != Source.NEVER) {
      calls.add(source.take());
    }

    assertThat(calls).hasSize(5);
    assertThat(calls.stream().map(call -> Math.round(call.arrivedNanos / 1e6)))
        .containsExactly(0L, 200L, 400L, 600L, 800L); // a gap between laps as between requests
    assertThat(calls.get(3).hashes).doesNotContain(calls.get(0).hashes);
    assertThat(calls.get(3).everCached).isEqualTo(calls.get(0).everCached);
  }

  @Test
  void loadIsUnevenByBothThresholdsOnly() {
    assertThat(CacheAware.isUneven(0, 32)).isFalse();
    assertThat(CacheAware.isUneven(0, 33)).isTrue();
    assertThat(CacheAware.isUneven(400, 433)).isFalse(); // less than 1.1 times as many
    assertThat(CacheAware.isUneven(300, 333)).isTrue();
  }

  @Test
  void shippedFleetsCanBeRead() {
    for (String name : List.of("h100x8", "h100-nodes", "mixed", "two-slow", "failures")) {
      SimFleet fleet = FleetFile.read(Path.of("conf/replay/" + name + ".json"));
      assertThat(fleet.size()).as(name).isEqualTo(8);
    }
  }
}
