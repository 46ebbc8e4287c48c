package io.penstock.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.management.ThreadMXBean;
import io.penstock.inference.Operation;
import io.penstock.inference.ResumeMode;
import io.penstock.openai.BodyScan;
import io.penstock.openai.ScannedBody;
import io.penstock.openai.Slice;
import io.penstock.openai.UsageReporting;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What relaying a frame costs, with and without keeping it for a resume: the best and the median of
 * 12 rounds of CPU time, the bytes that the thread allocates, and the bytes that stay. One frame
 * arrives at a time, in an array of its own as it comes from a socket; that array is not counted.
 * Run by hand, nothing is asserted:
 *
 * <pre>
 * mvn -q -B test-compile &amp;&amp;
 *   java -cp target/classes:target/test-classes io.penstock.stream.RelayBench
 * </pre>
 */
final class RelayBench {
  private static final int ROUNDS = 12;
  private static final int FRAMES = 256;
  private static final int STREAMS = 400;
  private static final ThreadMXBean THREAD =
      (ThreadMXBean) ManagementFactory.getThreadMXBean(); // allocations, beside CPU time

  private static final String REQUEST =
      "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
  private static final String FRAME =
      "data: {\"id\":\"chatcmpl-9f1c\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,"
          + "\"model\":\"llama-3.1-8b\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},"
          + "\"logprobs\":null,\"finish_reason\":null}]%s}\n\n";

  private static long sink;

  private RelayBench() {}

  public static void main(String[] args) {
    String usage = ",\"usage\":{\"prompt_tokens\":25,\"total_tokens\":38,\"completion_tokens\":13}";
    for (boolean printed : new boolean[] {false, true}) { // the first time is for the compiler
      for (boolean kept : new boolean[] {false, true}) {
        measure("as it comes", FRAME.formatted(""), UsageReporting.FINAL, kept, printed);
        measure(
            "usage taken out", FRAME.formatted(usage), UsageReporting.CONTINUOUS, kept, printed);
      }
    }
    System.out.println("(" + sink + ")");
  }

  private static void measure(
      String name, String frame, UsageReporting engine, boolean kept, boolean printed) {
    byte[] body = REQUEST.getBytes(UTF_8);
    ScannedBody scan =
        BodyScan.scan(Operation.CHAT, body, Optional.empty())
            .fold(
                scanned -> scanned,
                no -> {
                  throw new IllegalStateException(no.message());
                });
    byte[] bytes = frame.getBytes(UTF_8);
    byte[][] pieces = new byte[FRAMES][];
    for (int i = 0; i < FRAMES; i++) {
      pieces[i] = bytes.clone();
    }
    double[] nanos = new double[ROUNDS];
    double allocated = 0;
    long keptBytes = 0;
    for (int round = 0; round < ROUNDS; round++) {
      long cpu = THREAD.getCurrentThreadCpuTime();
      long memory = THREAD.getThreadAllocatedBytes(Thread.currentThread().getId());
      for (int stream = 0; stream < STREAMS; stream++) {
        keptBytes = relay(scan, pieces, engine, kept);
      }
      long frames = (long) STREAMS * FRAMES;
      allocated =
          (THREAD.getThreadAllocatedBytes(Thread.currentThread().getId()) - memory)
              / (double) frames;
      nanos[round] = (THREAD.getCurrentThreadCpuTime() - cpu) / (double) frames;
    }
    if (!printed) {
      return;
    }
    Arrays.sort(nanos);
    System.out.printf(
        "%-16s %-9s frame of %d B: best %5.0f ns, median %5.0f ns, %5.0f B allocated, %4d B kept%n",
        name,
        kept ? "kept" : "not kept",
        bytes.length,
        nanos[0],
        nanos[ROUNDS / 2],
        allocated,
        keptBytes / FRAMES);
  }

  /** One stream; what is kept of it at its end. */
  private static long relay(
      ScannedBody scan, byte[][] pieces, UsageReporting engine, boolean kept) {
    StreamRelay relay = new StreamRelay(UsageReporting.NONE, engine);
    StreamResume resume = new StreamResume(scan, ResumeMode.AUTO, kept);
    for (byte[] piece : pieces) {
      relay.feed(piece);
      List<Slice> frames = relay.drain();
      sink += frames.size();
      resume.relayed(frames);
    }
    return resume.keptBytes();
  }
}
