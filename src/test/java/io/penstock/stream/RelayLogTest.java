package io.penstock.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.openai.Slice;
import java.io.ByteArrayOutputStream;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class RelayLogTest {
  private final RelayLog log = new RelayLog();

  private static byte[] whole(RelayLog log) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (Slice each : log.slices()) {
      all.write(each.bytes(), each.offset(), each.length());
    }
    return all.toByteArray();
  }

  private static Slice slice(String text) {
    byte[] bytes = ("..." + text + "..").getBytes(UTF_8);
    return new Slice(bytes, 3, bytes.length - 5);
  }

  /** Stretches that repeat each other in part, of any length, some of them empty. */
  @Property(tries = 500)
  void givesBackWhatItWasGiven(@ForAll long seed) {
    Random random = new Random(seed);
    RelayLog log = new RelayLog();
    ByteArrayOutputStream given = new ByteArrayOutputStream();
    String frame = "";
    int stretches = random.nextInt(60); // less than the bound, whatever their lengths
    for (int i = 0; i < stretches; i++) {
      int cut = random.nextInt(frame.length() + 1);
      int from = Math.min(frame.length(), cut + random.nextInt(8));
      int fresh = random.nextInt(20) == 0 ? random.nextInt(6_000) : random.nextInt(12);
      StringBuilder text = new StringBuilder(frame.substring(0, cut));
      for (int k = 0; k < fresh; k++) {
        text.append((char) ('a' + random.nextInt(3)));
      }
      frame = text.append(frame.substring(from)).toString();
      if (frame.length() > 8_000) {
        frame = "";
      }
      log.add(slice(frame));
      given.writeBytes(frame.getBytes(UTF_8));
    }
    assertThat(log.isComplete()).isTrue();
    assertThat(whole(log)).isEqualTo(given.toByteArray());
    assertThat(whole(log)).as("twice").isEqualTo(given.toByteArray());
  }

  /** What differs is what costs: a token of some bytes, not the two hundred around it. */
  @Test
  void keepsSomeTwentyThousandTokens() {
    String frame =
        "data: {\"id\":\"chatcmpl-9f1c\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,"
            + "\"model\":\"llama-3.1-8b\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},"
            + "\"logprobs\":null,\"finish_reason\":null}]}\n\n";
    for (int i = 0; i < 18_000; i++) {
      log.add(slice(frame.formatted(" word" + i % 1_000)));
    }
    assertThat(log.isComplete()).isTrue();
    assertThat(log.bytes()).isLessThanOrEqualTo(RelayLog.MAX_BYTES / 2);
  }

  @Test
  void letsGoOfEverythingPastItsBound() {
    Random random = new Random(1);
    byte[] noise = new byte[3_000];
    long most = 0;
    int added = 0;
    while (log.isComplete()) {
      random.nextBytes(noise);
      log.add(new Slice(noise.clone(), 0, noise.length));
      added += noise.length;
      most = Math.max(most, log.bytes());
    }
    assertThat(added).isBetween(RelayLog.MAX_BYTES - 10_000, RelayLog.MAX_BYTES + 10_000);
    assertThat(most).isLessThanOrEqualTo(RelayLog.MAX_BYTES + RelayLog.COMPARED_MAX_BYTES);
    assertThat(log.bytes()).isZero();
    log.add(slice("more"));
    assertThat(log.slices()).isEmpty();
  }

  /** What costs no memory while it is kept would cost it when it is read. */
  @Test
  void letsGoOfTheSameAgainAndAgain() {
    Slice frame = slice("x".repeat(4_000));
    int added = 0;
    while (log.isComplete() && added <= RelayLog.MAX_TOLD_BYTES) {
      log.add(frame);
      added += frame.length();
    }
    assertThat(added).isGreaterThan(RelayLog.MAX_TOLD_BYTES);
    assertThat(log.isComplete()).isFalse();
    assertThat(log.slices()).isEmpty();
  }
}
