package io.penstock.openai;

import io.penstock.inference.Capability;
import io.penstock.inference.PromptBlocks;
import java.util.EnumSet;

/**
 * Reads the part of a request that becomes the prompt: {@code messages}, {@code prompt} or {@code
 * input}. Measures it, and sees what it needs.
 */
final class PromptScan {
  /**
   * The basis of every estimate: English text and code have about four bytes to the token in the
   * tokenizers of today's models.
   */
  private static final int BYTES_PER_TOKEN = 4;

  /** What a chat template puts around one message: two markers, the role and a line break. */
  private static final int TOKENS_PER_MESSAGE = 4;

  /**
   * An image of LLaVA-1.5: 24 × 24 patches of 14 pixels (Liu et al., Improved baselines with visual
   * instruction tuning, 2023). Others range from 85 to a few thousand.
   */
  private static final int TOKENS_PER_IMAGE = 576;

  /** A window of 30 s at 25 tokens per second (Chu et al., Qwen2-Audio technical report, 2024). */
  private static final int TOKENS_PER_AUDIO = 750;

  private static final byte[] ROLE = JsonText.ascii("role");
  private static final byte[] CONTENT = JsonText.ascii("content");
  private static final byte[] TYPE = JsonText.ascii("type");
  private static final byte[] TEXT = JsonText.ascii("text");
  private static final byte[] IMAGE_URL = JsonText.ascii("image_url");
  private static final byte[] VIDEO_URL = JsonText.ascii("video_url");
  private static final byte[] INPUT_AUDIO = JsonText.ascii("input_audio");
  private static final byte[] AUDIO_URL = JsonText.ascii("audio_url");

  private final JsonCursor in;
  private final byte[] body;
  private final Complaint complaint;
  private final EnumSet<Capability> needs = EnumSet.noneOf(Capability.class);
  private boolean seen;
  private long textBytes;
  private long tokens;
  private int inputs;
  private final PromptHash hash = new PromptHash();
  private final PromptHash before = new PromptHash();
  private final boolean hashes;

  /**
   * @param hashes whether {@link #blocks} is wanted
   */
  PromptScan(JsonCursor in, byte[] body, Complaint complaint, boolean hashes) {
    this.in = in;
    this.body = body;
    this.complaint = complaint;
    this.hashes = hashes;
  }

  /** Whether there was a prompt at all. */
  boolean seen() {
    return seen;
  }

  /** Whether the prompt has images or sound. */
  EnumSet<Capability> needs() {
    return needs;
  }

  /** Prompts, or texts to embed. */
  int inputs() {
    return inputs;
  }

  /** Estimate for the prompt and for {@code extraBytes} of text that goes with it. */
  int tokens(long extraBytes) {
    long estimate = tokens + (textBytes + extraBytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN;
    return (int) Math.min(estimate, Integer.MAX_VALUE);
  }

  /**
   * What the prompt begins with.
   *
   * @param salt as for {@link PromptHash#blocks}
   */
  PromptBlocks blocks(long salt) {
    return hash.blocks(before, salt, PromptHash.BLOCK_BYTES / BYTES_PER_TOKEN);
  }

  /** A stretch of the body that templates write before the messages. */
  void standsBefore(int from, int to) {
    if (hashes) {
      before.plain(body, from, to);
    }
  }

  /** A string of the prompt's text; all of them pass here, in their order. */
  private void string() {
    if (hashes) {
      hash.string(in);
    } else {
      in.readString();
    }
    textBytes += in.textEnd() - in.textStart();
  }

  private void mark(char kind) {
    if (hashes) {
      hash.mark((byte) kind);
    }
  }

  private void begin() {
    seen = true;
    needs.clear();
    textBytes = 0;
    tokens = 0;
    inputs = 1;
    hash.reset();
  }

  /** Reads the value of {@code messages}. */
  void messages() {
    begin();
    JsonCursor.Kind kind = in.peek();
    if (kind != JsonCursor.Kind.ARRAY) {
      in.skipValue();
      complaint.wrong("messages", kind.article(), "a non-empty array of messages");
      return;
    }
    in.enterArray();
    int index = 0;
    while (in.nextElement()) {
      message(index++);
    }
    if (index == 0) {
      complaint.wrong("messages", "an empty array", "a non-empty array of messages");
    }
    tokens += (long) TOKENS_PER_MESSAGE * index;
  }

  private void message(int index) {
    JsonCursor.Kind kind = in.peek();
    if (kind != JsonCursor.Kind.OBJECT) {
      in.skipValue();
      complaint.wrong("messages[" + index + "]", kind.article(), "an object with a role");
      return;
    }
    boolean hasRole = false;
    in.enterObject();
    while (in.nextMember()) {
      if (in.nameIs(ROLE)) {
        hasRole = true;
        role(index);
      } else if (in.nameIs(CONTENT)) {
        content(index);
      } else {
        in.peek();
        int from = in.position();
        in.skipValue();
        mark('m');
        textBytes += in.position() - from;
        if (hashes) {
          hash.plain(body, from, in.position());
        }
      }
    }
    if (!hasRole) {
      complaint.missing("messages[" + index + "].role", "a string");
    }
  }

  private void role(int index) {
    JsonCursor.Kind kind = in.peek();
    if (kind == JsonCursor.Kind.STRING) {
      mark('r');
      long counted = textBytes;
      string();
      textBytes = counted; // the estimate for a message has its role
    } else {
      in.skipValue();
      complaint.wrong("messages[" + index + "].role", kind.article(), "a string");
    }
  }

  private void content(int index) {
    JsonCursor.Kind kind = in.peek();
    mark('c');
    switch (kind) {
      case STRING -> string();
      case ARRAY -> {
        in.enterArray();
        int part = 0;
        while (in.nextElement()) {
          part(index, part++);
        }
      }
      case NULL -> in.skipValue();
      default -> {
        in.skipValue();
        complaint.wrong(
            "messages[" + index + "].content",
            kind.article(),
            "a string, an array of parts, or null");
      }
    }
  }

  private void part(int index, int part) {
    JsonCursor.Kind kind = in.peek();
    switch (kind) {
      case STRING -> string(); // vLLM takes it for a part with text
      case OBJECT -> {
        in.enterObject();
        while (in.nextMember()) {
          partMember();
        }
      }
      default -> {
        in.skipValue();
        complaint.wrong(
            "messages[" + index + "].content[" + part + "]",
            kind.article(),
            "an object with a type");
      }
    }
  }

  private void partMember() {
    if (in.nameIs(TEXT) && in.peek() == JsonCursor.Kind.STRING) {
      string();
    } else if (in.nameIs(IMAGE_URL) || in.nameIs(VIDEO_URL)) {
      media(Capability.VISION, TOKENS_PER_IMAGE);
    } else if (in.nameIs(INPUT_AUDIO) || in.nameIs(AUDIO_URL)) {
      media(Capability.AUDIO, TOKENS_PER_AUDIO);
    } else if (in.nameIs(TYPE) && in.peek() == JsonCursor.Kind.STRING) {
      in.readString();
      if (in.textIs(IMAGE_URL) || in.textIs(VIDEO_URL)) {
        needs.add(Capability.VISION);
      } else if (in.textIs(INPUT_AUDIO) || in.textIs(AUDIO_URL)) {
        needs.add(Capability.AUDIO);
      }
    } else {
      in.skipValue();
    }
  }

  private void media(Capability capability, int estimate) {
    boolean isThere = in.peek() != JsonCursor.Kind.NULL;
    int from = in.position();
    in.skipValue();
    if (isThere) {
      needs.add(capability);
      tokens += estimate;
      if (hashes) {
        hash.thing(body, from, in.position(), estimate * BYTES_PER_TOKEN);
      }
    }
  }

  /** Reads the value of {@code prompt} or {@code input}. */
  void texts(String param) {
    begin();
    JsonCursor.Kind kind = in.peek();
    switch (kind) {
      case STRING -> {
        string();
        if (in.textStart() == in.textEnd()) {
          complaint.wrong(param, "an empty string", EXPECTED_TEXTS);
        }
      }
      case ARRAY -> elements(param);
      default -> {
        in.skipValue();
        complaint.wrong(param, kind.article(), EXPECTED_TEXTS);
      }
    }
  }

  static final String EXPECTED_TEXTS =
      "a non-empty string, an array of strings, an array of token ids, or an array of such arrays";

  private void elements(String param) {
    in.enterArray();
    JsonCursor.Kind first = JsonCursor.Kind.NONE;
    int index = 0;
    while (in.nextElement()) {
      JsonCursor.Kind kind = in.peek();
      if (index == 0) {
        first = kind;
      } else if (kind != JsonCursor.Kind.NUMBER) {
        mark('t');
      }
      element(param, index++, kind, first);
    }
    if (index == 0) {
      complaint.wrong(param, "an empty array", EXPECTED_TEXTS);
    }
    inputs = first == JsonCursor.Kind.NUMBER ? 1 : index;
  }

  private void element(String param, int index, JsonCursor.Kind kind, JsonCursor.Kind first) {
    if (kind != first) {
      in.skipValue();
      complaint.wrong(
          param + "[" + index + "]", kind.article(), first.article() + " like the first");
      return;
    }
    switch (kind) {
      case STRING -> string();
      case NUMBER -> tokenId(param, index, -1);
      case ARRAY -> {
        in.enterArray();
        int inner = 0;
        while (in.nextElement()) {
          tokenId(param, index, inner++);
        }
      }
      default -> {
        in.skipValue();
        complaint.wrong(
            param + "[" + index + "]",
            kind.article(),
            "a string, a token id, or an array of token ids");
      }
    }
  }

  /**
   * @param inner index in the inner array; -1 where there is none
   */
  private void tokenId(String param, int index, int inner) {
    JsonCursor.Kind kind = in.peek();
    int from = in.position();
    in.skipValue();
    tokens++;
    if (kind == JsonCursor.Kind.NUMBER && in.isInteger() && in.integer() >= 0) {
      if (hashes) {
        hash.token(in.integer());
      }
      return;
    }
    String where = param + "[" + index + "]" + (inner < 0 ? "" : "[" + inner + "]");
    String found =
        kind == JsonCursor.Kind.NUMBER
            ? Complaint.quoted(body, from, in.position())
            : kind.article();
    complaint.wrong(where, found, "a token id");
  }
}
