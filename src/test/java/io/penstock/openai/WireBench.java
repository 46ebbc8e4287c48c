package io.penstock.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.penstock.inference.Operation;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What it costs to read requests, frames and answers by their bytes. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class WireBench {
  /** Bodies of requests; all but the first have some 100 KB of prompt. */
  @State(Scope.Thread)
  public static class Request {
    @Param({"SMALL", "ENGLISH", "MIXED", "CODE", "CHINESE"})
    Prompt prompt = Prompt.SMALL;

    private byte[] body = {};

    @Setup
    public void make() {
      body =
          ("{\"model\":\"llama-3.1-8b\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
                  + "{\"role\":\"user\",\"content\":\""
                  + prompt.text
                  + "\"}],\"stream\":true,\"max_tokens\":256,\"temperature\":0.7}")
              .getBytes(UTF_8);
    }
  }

  /** What people ask. */
  public enum Prompt {
    SMALL("What is a penstock, and why is it called that? Answer in one sentence."),
    ENGLISH("The quick brown fox jumps over the lazy dog. ".repeat(2300)),
    /** Words in no order, with a quote, an accent or a line break every 45 bytes or so. */
    MIXED(mixed()),
    CODE("  if (a[i] == \\\"x\\\") {\\n    return b;\\n  }\\n".repeat(2500)),
    CHINESE("敏捷的棕色狐狸跳过了懒狗。".repeat(2600));

    private final String text;

    Prompt(String text) {
      this.text = text;
    }

    private static String mixed() {
      String[] words = {
        "water",
        "turns",
        "a",
        "wheel",
        "\\\"gate\\\"",
        "below",
        "the",
        "dam",
        "and",
        "déjà",
        "of",
        "pressure",
        "then",
        "slowly",
        "\\n",
        "it",
        "closes",
        "again",
        "because",
        "nobody",
        "asked"
      };
      Random random = new Random(7);
      StringBuilder text = new StringBuilder();
      while (text.length() < 100_000) {
        text.append(words[random.nextInt(words.length)]).append(' ');
      }
      return text.toString();
    }
  }

  private final byte[] largeFrame =
      ("data: {\"choices\":[{\"delta\":{\"content\":\"" + "a".repeat(1 << 20) + "\"}}]}\n\n")
          .getBytes(UTF_8);
  private final byte[] embeddings =
      ("{\"data\":[{\"embedding\":["
              + "-0.0123456,".repeat(98_304)
              + "1]}],\"usage\":{\"prompt_tokens\":9}}")
          .getBytes(UTF_8);
  private long read;
  private final SseScanner scanner = new SseScanner(frame -> read += frame.length());

  @Benchmark
  public int scanRequest(Request request) {
    return BodyScan.scan(Operation.CHAT, request.body, Optional.empty())
        .fold(scanned -> scanned.promptTokens(), rejected -> -1);
  }

  /** A frame of 1 MiB in one chunk. */
  @Benchmark
  public long largeFrame() {
    scanner.feed(largeFrame, 0, largeFrame.length);
    return read;
  }

  /** Usage at the end of an answer with 64 embeddings. */
  @Benchmark
  public ResponseScan usageOfEmbeddings() {
    return ResponseScan.of(embeddings);
  }
}
