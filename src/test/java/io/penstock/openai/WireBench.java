package io.penstock.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.penstock.inference.Operation;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.IntSupplier;

/**
 * How long the wire dialect takes, per call: the best and the median of 12 rounds of CPU time,
 * after warming up. Run by hand; nothing is asserted.
 */
final class WireBench {
  private static final int ROUNDS = 12;
  private static final long ROUND_NANOS = 50_000_000;

  /** Of this thread alone, so that a busy machine disturbs less. */
  private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();

  private static int sink;

  private WireBench() {}

  public static void main(String[] args) {
    byte[] small = chat("What is a penstock, and why is it called that? Answer in one sentence.");
    byte[] english = chat("The quick brown fox jumps over the lazy dog. ".repeat(2300));
    byte[] code = chat("  if (a[i] == \\\"x\\\") {\\n    return b;\\n  }\\n".repeat(2500));
    byte[] chinese = chat("敏捷的棕色狐狸跳过了懒狗。".repeat(2600));
    measure("scan, small chat", small, () -> scan(small));
    measure("scan, English prompt", english, () -> scan(english));
    measure("scan, code prompt", code, () -> scan(code));
    measure("scan, Chinese prompt", chinese, () -> scan(chinese));
    byte[] frame = frames(1, "");
    byte[] usage =
        frames(1, ",\"usage\":{\"prompt_tokens\":25,\"total_tokens\":38,\"completion_tokens\":13}");
    byte[] many = frames(64, "");
    byte[] large =
        ("data: {\"choices\":[{\"delta\":{\"content\":\"" + "a".repeat(1 << 20) + "\"}}]}\n\n")
            .getBytes(UTF_8);
    measure("one frame", frame, () -> feed(frame));
    measure("one frame with usage, stripped", usage, () -> strip(usage));
    measure("64 frames in a chunk", many, () -> feed(many));
    measure("a frame of 1 MiB", large, () -> feed(large));
    byte[] embeddings =
        ("{\"data\":[{\"embedding\":["
                + "-0.0123456,".repeat(98_304)
                + "1]}],\"usage\":{\"prompt_tokens\":9}}")
            .getBytes(UTF_8);
    measure("usage of 64 embeddings", embeddings, () -> ResponseScan.of(embeddings).hashCode());
    System.out.println("(" + sink + ")");
  }

  private static byte[] chat(String content) {
    return ("{\"model\":\"llama-3.1-8b\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
            + "{\"role\":\"user\",\"content\":\""
            + content
            + "\"}],\"stream\":true,"
            + "\"max_tokens\":256,\"temperature\":0.7}")
        .getBytes(UTF_8);
  }

  private static byte[] frames(int count, String member) {
    return ("data: {\"id\":\"chatcmpl-9f1c\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,"
            + "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},"
            + "\"finish_reason\":null}]"
            + member
            + "}\n\n")
        .repeat(count)
        .getBytes(UTF_8);
  }

  private static int scan(byte[] body) {
    return BodyScan.scan(Operation.CHAT, body, Optional.empty())
        .fold(scanned -> scanned.promptTokens(), rejected -> -1);
  }

  private static final SseScanner SCANNER = new SseScanner(frame -> sink += frame.slice().length());
  private static final UsageStrip STRIP =
      new UsageStrip(UsageReporting.NONE, UsageReporting.CONTINUOUS);
  private static final SseScanner STRIPPED =
      new SseScanner(frame -> STRIP.apply(frame).ifPresent(left -> sink += left.slice().length()));

  private static int feed(byte[] chunk) {
    SCANNER.feed(chunk, 0, chunk.length);
    return sink;
  }

  private static int strip(byte[] chunk) {
    STRIPPED.feed(chunk, 0, chunk.length);
    return sink;
  }

  private static void measure(String name, byte[] input, IntSupplier call) {
    double[] nanos = new double[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
      long calls = 0;
      long start = CPU.getCurrentThreadCpuTime();
      long now = start;
      while (now - start < ROUND_NANOS) {
        for (int i = 0; i < 16; i++) {
          sink += call.getAsInt();
        }
        calls += 16;
        now = CPU.getCurrentThreadCpuTime();
      }
      nanos[round] = (now - start) / (double) calls;
    }
    Arrays.sort(nanos);
    System.out.printf(
        "%-32s %9d B  best %10.0f ns  median %10.0f ns  %6.2f ns/B%n",
        name, input.length, nanos[0], nanos[ROUNDS / 2], nanos[0] / input.length);
  }
}
