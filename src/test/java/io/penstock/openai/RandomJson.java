package io.penstock.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;

/** Random JSON texts, small damages to them, and Jackson's opinion of both. */
final class RandomJson {
  static final ObjectMapper JACKSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private static final String[] SPACES = {"", "", "", "", " ", "\n", "\t ", "\r\n", "   "};
  private static final String[] LITERALS = {
    "0",
    "-0",
    "1",
    "-17",
    "3.25",
    "1e9",
    "2E-3",
    "-0.5e+2",
    "123456789012345",
    "true",
    "false",
    "null"
  };

  /** No escaped surrogates: the grammar allows lone ones, and Jackson refuses some. */
  private static final String[] PIECES = {
    "a",
    "plain text of some length",
    "\\n",
    "\\\"",
    "\\\\",
    "\\/",
    "\\u00e9",
    "é",
    "漢字",
    "😀",
    "\\t",
    "usage",
    "\\\"usage\\\":{}",
    "}",
    "]",
    ",",
    ":",
    "data: ",
    "\u007f"
  };

  private static final byte[] DAMAGE = "\"\\{}[],:0-. \neut\u0000\u001f".getBytes(UTF_8);

  private final Random random;

  RandomJson(long seed) {
    random = new Random(seed);
  }

  int below(int bound) {
    return random.nextInt(bound);
  }

  boolean oneIn(int n) {
    return random.nextInt(n) == 0;
  }

  @SafeVarargs
  final <T> T pick(T... of) {
    return of[random.nextInt(of.length)];
  }

  String space() {
    return pick(SPACES);
  }

  String string() {
    StringBuilder out = new StringBuilder("\"");
    for (int i = random.nextInt(5); i > 0; i--) {
      out.append(pick(PIECES));
    }
    return out.append('"').toString();
  }

  String value(int depth) {
    int kind = random.nextInt(depth > 0 ? 6 : 3);
    return switch (kind) {
      case 0, 1 -> string();
      case 2 -> pick(LITERALS);
      case 3, 4 -> object(depth - 1);
      default -> array(depth - 1);
    };
  }

  String object(int depth) {
    StringBuilder out = new StringBuilder("{").append(space());
    int members = random.nextInt(4);
    for (int i = 0; i < members; i++) {
      // The number keeps names apart: what happens to doubled ones has tests of its own.
      String name = string();
      out.append(i == 0 ? "" : ",").append(space());
      out.append(name, 0, name.length() - 1).append(i).append('"');
      out.append(space()).append(':').append(space()).append(value(depth)).append(space());
    }
    return out.append('}').toString();
  }

  String array(int depth) {
    StringBuilder out = new StringBuilder("[").append(space());
    int elements = random.nextInt(4);
    for (int i = 0; i < elements; i++) {
      out.append(i == 0 ? "" : ",").append(space()).append(value(depth)).append(space());
    }
    return out.append(']').toString();
  }

  /** The text with one byte put in, taken out or replaced, or cut off. */
  byte[] damaged(byte[] text) {
    int at = random.nextInt(text.length);
    byte with = oneIn(3) ? (byte) random.nextInt(256) : DAMAGE[random.nextInt(DAMAGE.length)];
    byte[] head = Arrays.copyOf(text, at);
    byte[] tail = Arrays.copyOfRange(text, at, text.length);
    byte[] rest = Arrays.copyOfRange(tail, 1, tail.length);
    return switch (random.nextInt(4)) {
      case 0 -> JsonText.concat(head, new byte[] {with}, tail);
      case 1 -> JsonText.concat(head, rest);
      case 2 -> JsonText.concat(head, new byte[] {with}, rest);
      default -> head;
    };
  }

  /** What Jackson makes of the bytes; empty where it refuses them. */
  static Optional<JsonNode> jackson(byte[] text) {
    try {
      // Decoded first: from bytes, Jackson would guess at UTF-16 and UTF-32.
      String decoded = UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString();
      JsonNode node = JACKSON.readTree(decoded);
      return node.isMissingNode() ? Optional.empty() : Optional.of(node);
    } catch (CharacterCodingException | JsonProcessingException e) {
      return Optional.empty();
    }
  }

  static JsonNode tree(byte[] text) {
    return jackson(text).orElseThrow(() -> new AssertionError(new String(text, UTF_8)));
  }
}
