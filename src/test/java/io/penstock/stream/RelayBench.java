package io.penstock.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.penstock.inference.Operation;
import io.penstock.inference.ResumeMode;
import io.penstock.openai.BodyScan;
import io.penstock.openai.ScannedBody;
import io.penstock.openai.Slice;
import io.penstock.openai.UsageReporting;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a relayed frame costs a stream's cores: the scanner, the relay, the life of the request, and
 * keeping the frame for a resume. The array in which a frame arrives is not counted; what is
 * allocated besides is told by the profiler {@code gc}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class RelayBench {
  private static final int FRAMES = 256;

  private static final String REQUEST =
      "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
  private static final String FRAME =
      "data: {\"id\":\"chatcmpl-9f1c\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,"
          + "\"model\":\"llama-3.1-8b\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" %s\"},"
          + "\"logprobs\":null,\"finish_reason\":null}]%s}\n\n";
  private static final String USAGE =
      ",\"usage\":{\"prompt_tokens\":25,\"total_tokens\":38,\"completion_tokens\":13}";

  private static final StreamDeadlines DEADLINES =
      new StreamDeadlines(1_000, 1_000, 1_000, 1_000, 1_000, 1_000);

  /** Whether each frame brings usage, which the client is not shown. */
  @Param({"false", "true"})
  boolean usage;

  /** How many frames arrive together. */
  @Param({"1", "8"})
  int together;

  /** Whether frames are kept for a resume. */
  @Param({"false", "true"})
  boolean kept;

  private byte[][] chunks = {};
  private final ScannedBody scan =
      BodyScan.scan(Operation.CHAT, REQUEST.getBytes(UTF_8), Optional.empty())
          .fold(
              scanned -> scanned,
              no -> {
                throw new IllegalStateException(no.message());
              });

  @Setup(Level.Trial)
  public void arrive() {
    chunks = new byte[FRAMES / together][];
    for (int i = 0; i < chunks.length; i++) {
      StringBuilder frames = new StringBuilder();
      for (int j = 0; j < together; j++) {
        String word = Integer.toString((i * together + j) * 7_919, Character.MAX_RADIX);
        frames.append(FRAME.formatted(word, usage ? USAGE : ""));
      }
      chunks[i] = frames.toString().getBytes(UTF_8);
    }
  }

  /** One stream of 256 frames, told by the frame. */
  @Benchmark
  @OperationsPerInvocation(FRAMES)
  public long frame() {
    StreamRelay relay =
        new StreamRelay(
            UsageReporting.NONE, usage ? UsageReporting.CONTINUOUS : UsageReporting.FINAL);
    StreamResume resume = new StreamResume(scan, ResumeMode.AUTO, kept);
    RequestLife life = new RequestLife(0, true, DEADLINES);
    life.queue(0, 1_000);
    life.connect(0);
    life.sent(0);
    long written = 0;
    for (int i = 0; i < chunks.length; i++) {
      life.progress(i);
      relay.feed(Slice.of(chunks[i]));
      if (i == 0) {
        life.firstContent(i);
      }
      List<Slice> frames = relay.drain();
      for (int j = 0; j < frames.size(); j++) {
        written += frames.get(j).length();
      }
      resume.relayed(frames);
    }
    return written + resume.keptBytes() + life.lastFrameMillis();
  }
}
