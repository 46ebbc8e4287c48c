package io.penstock.telemetry;

import io.penstock.inference.ModelName;
import io.penstock.inference.Outcome;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import io.penstock.inference.TokenUsage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What it costs the log's own thread to render a line, of a batch as it gathers under load. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class AccessLogBench {
  private static final int LINES = 256;

  @Param({"JSON", "TEXT"})
  LogFormat format = LogFormat.JSON;

  private final List<AccessLine> lines = new ArrayList<>();

  /** Requests that ended in 16 ms. */
  @Setup
  public void fill() {
    for (int i = 0; i < LINES; i++) {
      lines.add(
          new AccessLine(
              1_795_948_434_113L + i / 16,
              new RequestId("req-7f3a9c1e-" + i),
              "4bf92f3577b34da6a3ce929d0e0e4736",
              new TenantId("acme"),
              "chat",
              new ModelName("llama-3.1-8b"),
              new PoolName("chat"),
              new ReplicaId("r1"),
              "n1",
              200,
              Outcome.OK,
              null,
              true,
              1,
              0,
              1_234_567 + i,
              52_345_678 + i,
              1_203_456_789 + i,
              new TokenUsage(812, 100 + i, 768),
              List.of(),
              null,
              null,
              null,
              24_096 + i,
              "10.0.0.1"));
    }
  }

  @Benchmark
  @OperationsPerInvocation(LINES)
  public byte[] line() throws IOException {
    return format.format(lines);
  }
}
