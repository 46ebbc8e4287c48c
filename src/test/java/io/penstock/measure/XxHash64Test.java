package io.penstock.measure;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class XxHash64Test {
  /** The buffer of the reference implementation's own sanity check. */
  private static byte[] sanityBuffer(int length) {
    byte[] buffer = new byte[length];
    long generator = 2654435761L;
    for (int i = 0; i < length; i++) {
      buffer[i] = (byte) (generator >>> 56);
      generator *= 0x9E3779B185EBCA8DL;
    }
    return buffer;
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0, ef46db3751d8e999",
    "0, 2654435761, ac75fda2929b17ef",
    "1, 0, e934a84adb052768",
    "1, 2654435761, 5014607643a9b4c3",
    "4, 0, 9136a0dca57457ee",
    "14, 0, 8282dcc4994e35c8",
    "14, 2654435761, c3bd6bf63deb6df0",
    "222, 0, b641ae8cb691c174",
    "222, 2654435761, 20cb8ab7ae10c14a",
  })
  void agreesWithThePublishedVectors(int length, long seed, String hash) {
    assertThat(Long.toHexString(XxHash64.of(sanityBuffer(length), 0, length, seed)))
        .isEqualTo(hash);
  }

  @Test
  void agreesOnText() {
    byte[] text = "Nobody inspects the spammish repetition".getBytes(UTF_8);
    assertThat(Long.toHexString(XxHash64.of(text, 0, text.length, 0)))
        .isEqualTo("fbcea83c8a378bf1");
  }

  @Test
  void startsAnywhere() {
    byte[] buffer = sanityBuffer(300);
    byte[] copy = Arrays.copyOfRange(buffer, 13, 13 + 256);
    assertThat(XxHash64.of(buffer, 13, 256, 9)).isEqualTo(XxHash64.of(copy, 0, 256, 9));
  }
}
