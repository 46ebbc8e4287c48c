package io.penstock.batcher;

import io.penstock.inference.PromptBlocks;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What it costs to take a prompt of sixteen hashes, four of which all share, into an index that is
 * full; some ten million of them in a run, after which the index must be within its bound.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 2)
public class PrefixIndexBench {
  private static final long BYTES_MAX = 2L << 20;

  private final PrefixIndex index = new PrefixIndex(BYTES_MAX);
  private final SplittableRandom random = new SplittableRandom(1);
  private final long[] hashes = new long[16];
  private int requests;

  @Benchmark
  public int touch() {
    for (int i = 0; i < hashes.length; i++) {
      hashes[i] = i < 4 ? i + 1 : random.nextLong();
    }
    index.touch(PromptBlocks.of(hashes, 64), ++requests);
    return index.size();
  }

  @TearDown
  public void isWithinItsBound() {
    if (index.bytes() > BYTES_MAX || index.size() > index.sizeMax()) {
      throw new AssertionError(
          index.bytes() + " bytes, " + index.size() + " hashes after " + requests + " requests");
    }
  }
}
