package io.penstock.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class StringScanTest {
  private static final String SHORT = "\"\\/\b\f\n\r\t";
  private static final String SHORT_NAMES = "\"\\/bfnrt";

  /** Characters of each length, mostly ASCII in runs, and those with names of their own. */
  private static String randomText(Random random) {
    StringBuilder text = new StringBuilder();
    int pieces = random.nextInt(60);
    for (int i = 0; i < pieces; i++) {
      switch (random.nextInt(7)) {
        case 0 -> text.append("é");
        case 1 -> text.append("漢字".repeat(random.nextInt(8)));
        case 2 -> text.append("\uD83D\uDE00");
        case 3 -> text.append(SHORT.charAt(random.nextInt(SHORT.length())));
        case 4 -> text.append("a run of many words ".repeat(random.nextInt(12)));
        default -> text.append("plain text of some length".substring(random.nextInt(25)));
      }
    }
    return text.toString();
  }

  /** As one of the many ways to write it in JSON. */
  private static String written(String text, Random random) {
    StringBuilder json = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int named = SHORT.indexOf(c);
      boolean pair = Character.isSurrogate(c);
      boolean number = !pair && random.nextInt(9) == 0;
      if (pair) {
        if (random.nextBoolean()) {
          json.append(c).append(text.charAt(i + 1));
        } else {
          json.append("\\u%04x\\u%04X".formatted((int) c, (int) text.charAt(i + 1)));
        }
        i++;
      } else if (number || named < 0 && c < ' ') {
        json.append("\\u%04x".formatted((int) c));
      } else if (named >= 0 && c != '/') {
        json.append('\\').append(SHORT_NAMES.charAt(named));
      } else {
        json.append(c);
      }
    }
    return json.toString();
  }

  private static byte[] copied(StringScan scan, byte[] json, int capacity) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    byte[] out = new byte[capacity + StringScan.SLACK];
    scan.open(json, 0, json.length);
    while (scan.isOpen()) {
      int before = all.size();
      all.write(out, 0, scan.copy(out, 0, capacity));
      assertThat(scan.isOpen() && all.size() == before).as("no progress").isFalse();
    }
    return all.toByteArray();
  }

  @Property(tries = 3000)
  void copiesTheTextHoweverItIsWrittenAndCut(@ForAll long seed) {
    Random random = new Random(seed);
    String text = randomText(random);
    String json = written(text, random) + "\" and more";
    StringScan scan = new StringScan(true);
    byte[] bytes = json.getBytes(UTF_8);
    byte[] copy = copied(scan, bytes, 1 + random.nextInt(80));
    assertThat(new String(copy, UTF_8)).as(json).isEqualTo(text);
    int quote = json.substring(0, json.length() - " and more".length() - 1).getBytes(UTF_8).length;
    assertThat(scan.position()).isEqualTo(quote);
    scan.open(bytes, 0, bytes.length);
    scan.skip();
    assertThat(scan.position()).as("without copying").isEqualTo(quote);
  }

  @Property(tries = 3000)
  void findsTheSameMistakesWithAndWithoutCopying(@ForAll long seed) {
    Random random = new Random(seed);
    byte[] json = (written(randomText(random), random) + "\"").getBytes(UTF_8);
    json[random.nextInt(json.length)] = (byte) random.nextInt(256);
    StringScan skipping = new StringScan(true);
    skipping.open(json, 0, json.length);
    skipping.skip();
    StringScan copying = new StringScan(true);
    copied(copying, json, 1 + random.nextInt(80));
    assertThat(copying.failedAt()).isEqualTo(skipping.failedAt());
    assertThat(copying.expected()).isEqualTo(skipping.expected());
  }

  @Test
  void aLoneSurrogateIsUnlikeAllOtherText() {
    StringScan scan = new StringScan(true);
    byte[] high = copied(scan, "\\ud83d!\"".getBytes(UTF_8), 64);
    byte[] low = copied(scan, "\\ude00!\"".getBytes(UTF_8), 64);
    byte[] twoHigh = copied(scan, "\\ud83d\\ud83d\\ude00\"".getBytes(UTF_8), 64);
    assertThat(high).containsExactly(0xed, 0xa0, 0xbd, '!');
    assertThat(low).containsExactly(0xed, 0xb8, 0x80, '!');
    assertThat(twoHigh).containsExactly(0xed, 0xa0, 0xbd, 0xf0, 0x9f, 0x98, 0x80);
  }
}
