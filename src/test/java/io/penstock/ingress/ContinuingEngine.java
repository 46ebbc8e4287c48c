package io.penstock.ingress;

import static io.penstock.ingress.ScriptedEngine.STREAM_HEAD;
import static io.penstock.ingress.ScriptedEngine.chunk;
import static io.penstock.ingress.ScriptedEngine.lastChunk;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.NetSocket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An engine that always says the same words, one a frame, and goes on where a partial answer ends;
 * with usage in each frame. What it does besides is the script's.
 */
final class ContinuingEngine {
  /** Words that trip careless parsers, white space at both sides of cuts, and more than ASCII. */
  static final List<String> WORDS =
      List.of(
          "Rivers",
          " rise\n",
          "\n",
          "  in \"the\"",
          " h\u00ecgh\u2009mountains \\",
          " \ud83d\ude00",
          " {}",
          " [DONE]",
          " ",
          "and",
          " end",
          ".");

  static final String TEXT = String.join("", WORDS);

  /** What becomes of a stream. */
  interface Script {
    /** Called before each word with the number of words sent on this connection's request. */
    boolean goesOn(NetSocket socket, int wordsSent);
  }

  final ScriptedEngine engine;
  private volatile Script script = (socket, sent) -> true;

  /** Whether it looks at {@code continue_final_message}. */
  volatile boolean continues = true;

  ContinuingEngine(Vertx vertx) {
    engine = new ScriptedEngine(vertx);
    engine.answer(this::answer);
  }

  /** How it answers when nothing else was said. */
  ScriptedEngine.Script script() {
    return this::answer;
  }

  void script(Script next) {
    script = next;
  }

  String url() {
    return engine.url();
  }

  private void answer(NetSocket socket, String request) {
    JsonObject body =
        new JsonObject(
            new String(
                request
                    .substring(request.indexOf("\r\n\r\n") + 4)
                    .getBytes(StandardCharsets.ISO_8859_1),
                StandardCharsets.UTF_8));
    boolean chat = body.containsKey("messages");
    String begun = chat ? begunMessage(body) : body.getString("prompt").substring(2);
    List<String> left = wordsAfter(begun);
    int most = body.getInteger("max_tokens", WORDS.size());
    List<String> rest = left.subList(0, Math.min(left.size(), most));
    int prompt = 5 + WORDS.size() - left.size();
    String id = "gen-" + socket.hashCode() + "-" + engine.requests.size();
    socket.write(STREAM_HEAD);
    if (chat) {
      socket.write(frame(id, delta("role", "assistant").put("content", ""), null, prompt, 0));
    }
    for (int i = 0; i < rest.size(); i++) {
      if (!script.goesOn(socket, i)) {
        return;
      }
      JsonObject text = new JsonObject().put("content", rest.get(i));
      socket.write(
          chat
              ? frame(id, text, null, prompt, i + 1)
              : completion(id, rest.get(i), null, prompt, i + 1));
    }
    if (!script.goesOn(socket, rest.size())) {
      return;
    }
    String finish = rest.size() == most ? "length" : "stop";
    socket.write(
        chat
            ? frame(id, new JsonObject(), finish, prompt, rest.size())
            : completion(id, "", finish, prompt, rest.size()));
    if (!script.goesOn(socket, rest.size() + 1)) {
      return;
    }
    socket.write(
        chunk(
            "data: "
                + new JsonObject()
                    .put("id", id)
                    .put("choices", new JsonArray())
                    .put("usage", usage(prompt, rest.size()))
                    .encode()
                + "\n\n",
            ScriptedEngine.DONE));
    socket.write(lastChunk());
  }

  private String begunMessage(JsonObject body) {
    JsonArray messages = body.getJsonArray("messages");
    JsonObject last = messages.getJsonObject(messages.size() - 1);
    boolean goesOn = continues && body.getBoolean("continue_final_message", false);
    if (goesOn && body.getBoolean("add_generation_prompt", true)) {
      throw new IllegalArgumentException("both");
    }
    return goesOn ? last.getString("content") : "";
  }

  /** What follows a beginning, to the byte; the first word may be the rest of one. */
  private static List<String> wordsAfter(String begun) {
    if (!TEXT.startsWith(begun)) {
      throw new IllegalArgumentException("not a beginning: '" + begun + "'");
    }
    List<String> words = new ArrayList<>();
    int at = 0;
    for (String word : WORDS) {
      int end = at + word.length();
      if (end > begun.length()) {
        words.add(TEXT.substring(Math.max(at, begun.length()), end));
      }
      at = end;
    }
    return words;
  }

  private static JsonObject delta(String key, String value) {
    return new JsonObject().put(key, value);
  }

  private static JsonObject usage(int prompt, int completion) {
    return new JsonObject()
        .put("prompt_tokens", prompt)
        .put("total_tokens", prompt + completion)
        .put("completion_tokens", completion);
  }

  private static Buffer frame(
      String id, JsonObject delta, @Nullable String finish, int prompt, int completion) {
    return event(
        id,
        "chat.completion.chunk",
        new JsonObject().put("index", 0).put("delta", delta).put("finish_reason", finish),
        prompt,
        completion);
  }

  private static Buffer completion(
      String id, String text, @Nullable String finish, int prompt, int completion) {
    return event(
        id,
        "text_completion",
        new JsonObject().put("index", 0).put("text", text).put("finish_reason", finish),
        prompt,
        completion);
  }

  private static Buffer event(
      String id, String object, JsonObject choice, int prompt, int completion) {
    return chunk(
        "data: "
            + new JsonObject()
                .put("id", id)
                .put("object", object)
                .put("created", 1_700_000_000 + Math.floorMod(id.hashCode(), 1_000))
                .put("model", "engine/river-8b")
                .put("choices", new JsonArray().add(choice))
                .put("usage", usage(prompt, completion))
                .encode()
            + "\n\n");
  }

  /** The joined text of the frames that a client got. */
  static String textOf(String events) {
    StringBuilder text = new StringBuilder();
    for (JsonObject each : objects(events)) {
      JsonArray choices = each.getJsonArray("choices", new JsonArray());
      if (!choices.isEmpty()) {
        JsonObject choice = choices.getJsonObject(0);
        text.append(
            choice.containsKey("delta")
                ? choice.getJsonObject("delta").getString("content", "")
                : choice.getString("text", ""));
      }
    }
    return text.toString();
  }

  /** The JSON of each data line but {@code [DONE]}. */
  static List<JsonObject> objects(String events) {
    List<JsonObject> all = new ArrayList<>();
    for (String line : events.split("\n", -1)) {
      if (line.startsWith("data: {")) {
        all.add(new JsonObject(line.substring(6)));
      }
    }
    return all;
  }
}
