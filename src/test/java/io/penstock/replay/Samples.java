package io.penstock.replay;

import io.penstock.load.Goodput;
import io.penstock.load.TraceReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Traces, fleets and runs that fit on a screen. */
final class Samples {
  static final Goodput BOUNDS = Goodput.parse("ttft=2s,itl=25ms");
  static final Workload.Extent ALL = new Workload.Extent(OptionalInt.empty(), Optional.empty());

  /** A step takes 10 ms, a prompt token 1 ms more, and nothing else counts. */
  static final String TINY_GPU =
      """
      "profiles": { "tiny": {
        "prefill_tokens_per_second": 1000, "step_base_ms": 10, "step_per_sequence_us": 0,
        "step_per_context_token_ns": 0, "kv_blocks": 64, "max_num_seqs": 8, "max_batched_tokens": 512 } },
      """;

  private Samples() {}

  static Path file(Path folder, String name, String content) {
    try {
      return Files.writeString(folder.resolve(name), content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Path trace(Path folder, String... lines) {
    return file(folder, "trace.jsonl", String.join("\n", lines) + "\n");
  }

  /** Replicas {@code r-0}, {@code r-1}, … of the tiny GPU, or {@code r} where it is one. */
  static SimFleet tiny(Path folder, int replicas, int maxConcurrent, String events) {
    return FleetFile.read(tinyFile(folder, replicas, maxConcurrent, events));
  }

  static Path tinyFile(Path folder, int replicas, int maxConcurrent, String events) {
    return file(
        folder,
        "fleet.json",
        "{"
            + TINY_GPU
            + "\"pools\": [ { \"name\": \"p\", \"replicas\": [ { \"name\": \"r\", \"count\": "
            + replicas
            + ", \"profile\": \"tiny\", \"max_concurrent\": "
            + maxConcurrent
            + " } ] } ], \"events\": ["
            + events
            + "] }");
  }

  static Workload workload(Path trace, Workload.Extent extent, long seed) {
    return new Workload(
        TraceReader.read(trace, OptionalInt.empty()), OptionalInt.empty(), extent, seed);
  }

  static Result run(SimFleet fleet, Workload workload, double rate, String policy, long seed) {
    return new VirtualFleet(fleet, workload, rate, Policy.of(policy), BOUNDS, Duration.ZERO, seed)
        .run();
  }

  /** One after the other at the trace's own rate. */
  static Result run(SimFleet fleet, Path trace, String policy) {
    Workload workload = workload(trace, ALL, 1);
    return run(fleet, workload, workload.tracedRate(), policy, 1);
  }

  /** Conversations: each turn begins with the one before; times in hundredths of a second. */
  static List<String> conversations(long seed, int turns) {
    SplittableRandom random = new SplittableRandom(seed);
    int[] blocks = new int[20];
    return IntStream.range(0, turns)
        .mapToObj(
            i -> {
              int talk = random.nextInt(blocks.length);
              blocks[talk] = blocks[talk] > 20 ? 1 : blocks[talk] + 1 + random.nextInt(3);
              int in = 16 * blocks[talk] - random.nextInt(16);
              return String.format(
                  java.util.Locale.ROOT,
                  "{\"t\":%.2f,\"in\":%d,\"out\":%d,\"blk\":[[0,1],[%d,%d]]}",
                  i * 0.07,
                  in,
                  1 + random.nextInt(30),
                  1000 * (talk + 1),
                  blocks[talk] - 1);
            })
        .collect(Collectors.toList());
  }
}
