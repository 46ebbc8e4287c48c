package io.penstock.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class JsonCursorTest {
  private static boolean accepts(byte[] text) {
    JsonCursor cursor = new JsonCursor(true).reset(text, 0, text.length);
    cursor.skipValue();
    cursor.expectEnd();
    return !cursor.failed();
  }

  private static boolean accepts(String text) {
    return accepts(text.getBytes(UTF_8));
  }

  @Property(tries = 5000)
  void acceptsWhatJacksonAccepts(@ForAll long seed) {
    byte[] text = new RandomJson(seed).value(5).getBytes(UTF_8);
    assertThat(RandomJson.jackson(text)).isPresent();
    assertThat(accepts(text)).as(new String(text, UTF_8)).isTrue();
  }

  @Property(tries = 20000)
  void agreesWithJacksonOnDamagedText(@ForAll long seed) {
    RandomJson json = new RandomJson(seed);
    byte[] text = json.damaged(json.value(4).getBytes(UTF_8));
    assertThat(accepts(text))
        .as(new String(text, UTF_8))
        .isEqualTo(RandomJson.jackson(text).isPresent());
  }

  @Test
  void refusesEveryByteSequenceThatIsNotUtf8() {
    byte[][] bad = {
      {(byte) 0x80},
      {(byte) 0xc0, (byte) 0x80},
      {(byte) 0xc1, (byte) 0xbf},
      {(byte) 0xc3},
      {(byte) 0xe0, (byte) 0x9f, (byte) 0x80},
      {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
      {(byte) 0xf0, (byte) 0x8f, (byte) 0x80, (byte) 0x80},
      {(byte) 0xf4, (byte) 0x90, (byte) 0x80, (byte) 0x80},
      {(byte) 0xf5, (byte) 0x80, (byte) 0x80, (byte) 0x80},
      {(byte) 0xe6, (byte) 0xbc},
      {(byte) 0xff}
    };
    for (byte[] each : bad) {
      byte[] quote = {'"'};
      byte[] filler = "twelve bytes".getBytes(UTF_8);
      assertThat(accepts(JsonText.concat(quote, each, quote))).isFalse();
      assertThat(accepts(JsonText.concat(quote, filler, each, filler, quote))).isFalse();
    }
  }

  @Test
  void acceptsTheFirstAndLastCharacterOfEachLength() {
    for (int point :
        new int[] {0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff}) {
      assertThat(accepts('"' + Character.toString(point) + '"')).as("U+%04x", point).isTrue();
    }
  }

  @Test
  void boundsTheNesting() {
    assertThat(accepts("[".repeat(256) + "]".repeat(256))).isTrue();
    assertThat(accepts("[".repeat(257) + "]".repeat(257))).isFalse();
    assertThat(accepts("{\"a\":".repeat(256) + "1" + "}".repeat(256))).isTrue();
    assertThat(accepts("{\"a\":".repeat(100_000))).isFalse();
  }

  @Test
  void findsASpecialByteAtEachPlaceOfAWord() {
    for (int before = 0; before < 20; before++) {
      for (int after = 0; after < 20; after++) {
        String head = "\"" + "x".repeat(before);
        String tail = "y".repeat(after) + "\"";
        assertThat(accepts(head + "\\n" + tail)).isTrue();
        assertThat(accepts(head + "é" + tail)).isTrue();
        assertThat(accepts(head + "\n" + tail)).isFalse();
        assertThat(accepts(head + "\u001f" + tail)).isFalse();
        assertThat(accepts(head + "\"" + tail)).isFalse();
        assertThat(accepts(head + "\\x" + tail)).isFalse();
      }
    }
  }
}
