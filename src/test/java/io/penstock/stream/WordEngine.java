package io.penstock.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An engine in bytes: it says the same words to whoever asks, one a frame and each a token, goes on
 * where a text ends, and writes its JSON each time in another way.
 */
final class WordEngine {
  static final int PROMPT_TOKENS = 7;

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String[] WORDS = {
    "a", " b", "\n", "\n\n", " ", "  in", "\"q\"", "\\", "\\n", "\u00e9", "\ud83d\ude00",
        " \ud83d\ude00",
    "x\ud83d\ude00y", "\u2009", " end ", ".\n\n", "\t", "data: ", "[DONE]", "}]}", "\u3000",
        "\u001f", "/", "<",
    "\u2028", "0"
  };

  private final Random random;
  private final boolean chat;
  private final List<String> words = new ArrayList<>();

  WordEngine(Random random, boolean chat) {
    this.random = random;
    this.chat = chat;
    words.add(random.nextInt(4) == 0 ? " " : random.nextInt(4) == 0 ? "\ud83d\ude03" : "First");
    words.add("#1"); // no other place of the text looks like its beginning
    for (int i = random.nextInt(30); i > 0; i--) {
      words.add(WORDS[random.nextInt(WORDS.length)]);
    }
  }

  int tokens() {
    return words.size();
  }

  String text() {
    return String.join("", words);
  }

  /**
   * A request that it answers in full.
   *
   * @param limited to just as many tokens as it takes
   */
  byte[] request(boolean limited) {
    ObjectNode body = JSON.createObjectNode().put("model", "m").put("stream", true);
    if (limited) {
      body.put("max_tokens", words.size());
    } else {
      body.put("max_tokens", 1_000);
    }
    if (chat) {
      body.putArray("messages").addObject().put("role", "user").put("content", "hi \u00e9\"");
    } else {
      body.put("prompt", "hi");
    }
    return body.toString().getBytes(UTF_8);
  }

  /**
   * An answer.
   *
   * @param ends where each token's frame ends
   */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  record Stream(byte[] bytes, List<Integer> ends) {
    int afterFirstWord() {
      return ends.get(0);
    }
  }

  Stream answer(byte[] request, boolean usageInEachFrame) {
    JsonNode body = tree(request);
    List<String> rest = wordsAfter(begun(body));
    int most = body.path("max_tokens").asInt();
    rest = rest.subList(0, Math.min(most, rest.size()));
    int prompt = PROMPT_TOKENS + words.size() - rest.size();
    String id = "id-" + random.nextInt(1 << 20);
    int created = random.nextInt(1 << 20);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    List<Integer> ends = new ArrayList<>();
    if (chat) {
      frame(out, id, created, "\"role\":\"assistant\",\"content\":\"\"", null, usage(prompt, 0));
    }
    for (int i = 0; i < rest.size(); i++) {
      String said = "\"content\":\"" + escaped(rest.get(i)) + "\"";
      String usage = usageInEachFrame ? usage(prompt, i + 1) : "";
      frame(out, id, created, chat ? said : said.replace("\"content\"", "\"text\""), null, usage);
      ends.add(out.size());
    }
    String finish = rest.size() == most ? "\"length\"" : "\"stop\"";
    frame(out, id, created, chat ? "" : "\"text\":\"\"", finish, "");
    out.writeBytes(
        ("data: {\"id\":\"" + id + "\",\"choices\":[]" + usage(prompt, rest.size()) + "}\n\n")
            .getBytes(UTF_8));
    out.writeBytes("data: [DONE]\n\n".getBytes(UTF_8));
    return new Stream(out.toByteArray(), ends);
  }

  private String begun(JsonNode body) {
    if (!chat) {
      return body.path("prompt").asText().substring(2);
    }
    JsonNode messages = body.path("messages");
    boolean goesOn = body.path("continue_final_message").asBoolean();
    if (goesOn && body.path("add_generation_prompt").asBoolean(true)) {
      throw new AssertionError("both");
    }
    String last = messages.get(messages.size() - 1).path("content").asText();
    return goesOn ? last : "";
  }

  private List<String> wordsAfter(String begun) {
    if (!text().startsWith(begun)) {
      throw new AssertionError("not a beginning: '" + begun + "' of '" + text() + "'");
    }
    List<String> rest = new ArrayList<>();
    int at = 0;
    for (String word : words) {
      int end = at + word.length();
      if (end > begun.length()) {
        rest.add(word.substring(Math.max(0, begun.length() - at)));
      }
      at = end;
    }
    return rest;
  }

  private static String usage(int prompt, int completion) {
    return ",\"usage\":{\"prompt_tokens\":"
        + prompt
        + ",\"total_tokens\":"
        + (prompt + completion)
        + ",\"completion_tokens\":"
        + completion
        + "}";
  }

  private void frame(
      ByteArrayOutputStream out,
      String id,
      int created,
      String said,
      @Nullable String finish,
      String usage) {
    String choice =
        chat ? "\"delta\":{" + said + "}" : said; // a completion's text stands in the choice
    String text =
        "data: {\"id\":\""
            + id
            + "\",\"created\":"
            + created
            + ",\"model\":\"engine/m\",\"choices\":[{\"index\":0,"
            + choice
            + ",\"finish_reason\":"
            + (finish == null ? "null" : finish)
            + "}]"
            + usage
            + "}\n\n";
    out.writeBytes(text.getBytes(UTF_8));
  }

  /** Each character as itself or as an escape, as it comes. */
  private String escaped(String text) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean pair = Character.isHighSurrogate(c);
      if (random.nextInt(3) == 0 || c < ' ') {
        out.append(String.format("\\u%04" + (random.nextBoolean() ? "x" : "X"), (int) c));
        if (pair) {
          out.append(String.format("\\u%04x", (int) text.charAt(++i)));
        }
      } else if (c == '"' || c == '\\' || c == '/' && random.nextBoolean()) {
        out.append('\\').append(c);
      } else {
        out.append(c);
        if (pair) {
          out.append(text.charAt(++i));
        }
      }
    }
    return out.toString();
  }

  private static JsonNode tree(byte[] json) {
    try {
      return JSON.readTree(json);
    } catch (IOException e) {
      throw new UncheckedIOException(new String(json, UTF_8), e);
    }
  }

  /** What a client makes of its events. */
  record Client(
      String text,
      Set<String> ids,
      Set<String> created,
      int roles,
      int finishReasons,
      List<JsonNode> usages) {
    static Client of(String events) {
      StringBuilder text = new StringBuilder();
      Set<String> ids = new LinkedHashSet<>();
      Set<String> created = new LinkedHashSet<>();
      List<JsonNode> usages = new ArrayList<>();
      int roles = 0;
      int finishReasons = 0;
      for (String line : events.split("\n", -1)) {
        if (!line.startsWith("data: {")) {
          continue;
        }
        JsonNode frame = tree(line.substring(6).getBytes(UTF_8));
        ids.add(frame.path("id").asText());
        if (frame.has("created")) {
          created.add(frame.get("created").asText());
        }
        if (frame.path("usage").isObject()) {
          usages.add(frame.get("usage"));
        }
        for (JsonNode choice : (ArrayNode) frame.get("choices")) {
          text.append(choice.path("delta").path("content").asText(""));
          text.append(choice.path("text").asText(""));
          roles += choice.path("delta").has("role") ? 1 : 0;
          finishReasons += choice.path("finish_reason").isTextual() ? 1 : 0;
        }
      }
      return new Client(text.toString(), ids, created, roles, finishReasons, usages);
    }
  }
}
