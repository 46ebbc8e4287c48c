package io.penstock.sim;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.penstock.inference.Operation;
import io.vertx.core.buffer.Buffer;
import org.jspecify.annotations.Nullable;

/** Renders the frames of one stream, in vLLM's shape. */
final class Frames {
  /** The end of a whole stream. */
  static final Buffer DONE = Buffer.buffer("data: [DONE]\n\n");

  private static final byte[] CHAT_ROLE =
      utf8(",\"delta\":{\"role\":\"assistant\",\"content\":\"\"}");
  private static final byte[] CHAT_CONTENT = utf8(",\"delta\":{\"content\":\"");
  private static final byte[] TEXT = utf8(",\"text\":\"");
  private static final byte[] CLOSE_STRING = utf8("\"");
  private static final byte[] CLOSE_CONTENT = utf8("\"}");
  private static final byte[] LOGPROBS = utf8(",\"logprobs\":");
  private static final byte[] NULL = utf8("null");
  private static final byte[] FINISH = utf8(",\"finish_reason\":");
  private static final byte[] STOP_REASON = utf8(",\"stop_reason\":null");

  private final boolean chat;
  private final byte[] envelope;

  Frames(Operation operation, String id, long created, String model) {
    chat = operation == Operation.CHAT;
    envelope =
        utf8(
            "data: {\"id\":\""
                + id
                + "\",\"object\":\""
                + (chat ? "chat.completion.chunk" : "text_completion")
                + "\",\"created\":"
                + created
                + ",\"model\":\""
                + quoted(model)
                + "\",\"choices\":[");
  }

  /** The frame that opens a chat message. */
  void role(Buffer into, int choice, @Nullable Usage usage) {
    open(into, choice).appendBytes(CHAT_ROLE);
    close(into, null, null, usage);
  }

  /** A token's frame. */
  void token(
      Buffer into,
      int choice,
      Token token,
      @Nullable String logprobs,
      @Nullable String finish,
      @Nullable Usage usage) {
    open(into, choice)
        .appendBytes(chat ? CHAT_CONTENT : TEXT)
        .appendBytes(token.json())
        .appendBytes(chat ? CLOSE_CONTENT : CLOSE_STRING);
    close(into, logprobs, finish, usage);
  }

  /** The frame that opens a tool call. */
  void toolName(
      Buffer into,
      int choice,
      Answer.ToolCall call,
      @Nullable String finish,
      @Nullable Usage usage) {
    open(into, choice)
        .appendString(",\"delta\":{\"tool_calls\":[{\"id\":\"")
        .appendString(call.id())
        .appendString("\",\"type\":\"function\",\"index\":0,\"function\":{\"name\":\"")
        .appendString(quoted(call.name()))
        .appendString("\",\"arguments\":\"\"}}]}");
    close(into, null, finish, usage);
  }

  /** A piece of a tool call's arguments. */
  void toolArguments(
      Buffer into, int choice, Token token, @Nullable String finish, @Nullable Usage usage) {
    open(into, choice)
        .appendString(",\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"")
        .appendBytes(token.json())
        .appendString("\"}}]}");
    close(into, null, finish, usage);
  }

  /** The last frame but {@code [DONE]}: usage and no choice. */
  void usage(Buffer into, Usage usage) {
    into.appendBytes(envelope)
        .appendString("],\"usage\":")
        .appendString(usage.json())
        .appendString("}\n\n");
  }

  /** A frame cut in the middle of its JSON. */
  void malformed(Buffer into) {
    open(into, 0).appendBytes(chat ? CHAT_CONTENT : TEXT).appendString("cut\n\n");
  }

  /** A valid frame without content, padded to so many bytes. */
  void huge(Buffer into, int bytes) {
    Buffer frame = Buffer.buffer();
    open(frame, 0).appendBytes(chat ? CHAT_CONTENT : TEXT);
    frame.appendBytes(chat ? CLOSE_CONTENT : CLOSE_STRING);
    frame.appendString(",\"logprobs\":null,\"finish_reason\":null}],\"padding\":\"");
    String end = "\"}\n\n";
    into.appendBuffer(frame)
        .appendString("x".repeat(Math.max(0, bytes - frame.length() - end.length())))
        .appendString(end);
  }

  /** The log probability entry of a token; all tokens are equally sure. */
  String logprobs(Token token, int offset) {
    String text = "\"" + new String(token.json(), UTF_8) + "\"";
    if (!chat) {
      return "{\"text_offset\":["
          + offset
          + "],\"token_logprobs\":[-0.25],\"tokens\":["
          + text
          + "],\"top_logprobs\":[{"
          + text
          + ":-0.25}]}";
    }
    return "{\"content\":[" + chatLogprob(token) + "]}";
  }

  static String chatLogprob(Token token) {
    StringBuilder bytes = new StringBuilder();
    for (byte each : token.text().getBytes(UTF_8)) {
      bytes.append(bytes.length() == 0 ? "" : ",").append(each & 0xff);
    }
    return "{\"token\":\""
        + new String(token.json(), UTF_8)
        + "\",\"logprob\":-0.25,\"bytes\":["
        + bytes
        + "],\"top_logprobs\":[]}";
  }

  private Buffer open(Buffer into, int choice) {
    return into.appendBytes(envelope).appendString("{\"index\":" + choice);
  }

  private static void close(
      Buffer into, @Nullable String logprobs, @Nullable String finish, @Nullable Usage usage) {
    into.appendBytes(LOGPROBS);
    if (logprobs == null) {
      into.appendBytes(NULL);
    } else {
      into.appendString(logprobs);
    }
    into.appendBytes(FINISH);
    if (finish == null) {
      into.appendBytes(NULL);
    } else {
      into.appendString("\"" + finish + "\"").appendBytes(STOP_REASON);
    }
    into.appendString("}]");
    if (usage != null) {
      into.appendString(",\"usage\":").appendString(usage.json());
    }
    into.appendString("}\n\n");
  }

  private static String quoted(String text) {
    return new String(JsonStringEncoder.getInstance().quoteAsString(text));
  }

  private static byte[] utf8(String text) {
    return text.getBytes(UTF_8);
  }
}
