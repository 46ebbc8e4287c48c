package io.penstock.faults;

import io.penstock.faults.Seen.End;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * How one request ended, judged by all that its client saw.
 *
 * @param status of HTTP
 * @param code of the error object; empty without one
 * @param detail why it is a {@link Kind#LIE}, or what came before the end
 * @param tokens frames with content of a stream
 */
record Outcome(Kind kind, int status, String code, String detail, int tokens, Seen seen) {
  /** The kinds; exactly one holds. */
  enum Kind {
    /** Equal to the undisturbed answer, and ended as it should. */
    WHOLE,
    /** An error status with an error object. */
    ERROR_STATUS,
    /** An error object in the stream and no [DONE]; what came before is the text's beginning. */
    ERROR_FRAME,
    /** The connection broke, as the client can see; what came before is the text's beginning. */
    BROKEN_OFF,
    /** Nobody listened. */
    REFUSED,
    /** The client left; what came before is the text's beginning. */
    LEFT,
    /** It hangs. */
    HANGS,
    /** Anything else: a truncated success, a token lost, doubled or out of order, … */
    LIE
  }

  /**
   * What an undisturbed engine answers.
   *
   * @param text of a chat
   * @param data of embeddings
   */
  record Expected(String text, int completionTokens, JsonArray data) {}

  /** As the table has it. */
  String label() {
    return switch (kind) {
      case WHOLE -> "whole";
      case ERROR_STATUS -> status + " " + code;
      case ERROR_FRAME -> "error frame " + code;
      case BROKEN_OFF -> "broken off";
      case REFUSED -> "refused";
      case LEFT -> "left";
      case HANGS -> "HANGS";
      case LIE -> "LIE: " + detail;
    };
  }

  static Outcome judge(Mode mode, Seen seen, Expected expected) {
    Judge judge = new Judge(mode, seen, expected);
    try {
      return judge.judge();
    } catch (DecodeException | ClassCastException | NullPointerException e) {
      return judge.lie("not the JSON that it should be (" + e.getMessage() + ")");
    }
  }

  private static final class Judge {
    private final Mode mode;
    private final Seen seen;
    private final Expected expected;
    private final StringBuilder text = new StringBuilder();
    private int tokens;

    Judge(Mode mode, Seen seen, Expected expected) {
      this.mode = mode;
      this.seen = seen;
      this.expected = expected;
    }

    Outcome judge() {
      if (seen.end() == End.HANGS) {
        return of(Kind.HANGS, "", "");
      }
      if (seen.end() == End.REFUSED) {
        return of(Kind.REFUSED, "", "");
      }
      if (seen.status() == 200) {
        return mode == Mode.STREAM ? stream() : whole();
      }
      if (seen.end() != End.COMPLETE) {
        return of(seen.end() == End.LEFT ? Kind.LEFT : Kind.BROKEN_OFF, "", "");
      }
      JsonObject error = new JsonObject(seen.text()).getJsonObject("error");
      if (error == null || error.getString("message", "").isBlank()) {
        return lie("status " + seen.status() + " without an error object");
      }
      return of(
          Kind.ERROR_STATUS, String.valueOf(error.getValue("code")), error.getString("message"));
    }

    private Outcome whole() {
      if (seen.end() != End.COMPLETE) {
        return of(seen.end() == End.LEFT ? Kind.LEFT : Kind.BROKEN_OFF, "", "");
      }
      JsonObject body = new JsonObject(seen.text());
      if (mode == Mode.EMBEDDINGS) {
        return body.getJsonArray("data").equals(expected.data())
            ? of(Kind.WHOLE, "", "")
            : lie("other vectors than the undisturbed engine's");
      }
      JsonObject choice = body.getJsonArray("choices").getJsonObject(0);
      String content = choice.getJsonObject("message").getString("content");
      if (!content.equals(expected.text())) {
        return lie("another text than the undisturbed engine's");
      }
      int counted = body.getJsonObject("usage").getInteger("completion_tokens");
      return counted == expected.completionTokens()
          ? of(Kind.WHOLE, "", "")
          : lie("usage says " + counted + " of " + expected.completionTokens() + " tokens");
    }

    private Outcome stream() {
      String body = seen.text();
      String id = "";
      Object created = null;
      int roles = 0;
      String finish = "";
      JsonObject usage = null;
      boolean done = false;
      String error = null;
      String message = "";
      int from = 0;
      for (int to = body.indexOf("\n\n"); to >= 0; to = body.indexOf("\n\n", from)) {
        String frame = body.substring(from, to);
        from = to + 2;
        if (frame.startsWith(":")) {
          continue;
        }
        if (!frame.startsWith("data: ")) {
          if (frame.startsWith("event: error\ndata: ")) {
            frame = frame.substring("event: error\n".length());
          } else {
            return lie("a frame that is no data: " + cut(frame));
          }
        }
        String data = frame.substring("data: ".length());
        if (done || error != null) {
          return lie(cut(data) + " after the end");
        }
        if (data.equals("[DONE]")) {
          done = true;
          continue;
        }
        JsonObject chunk = new JsonObject(data);
        if (chunk.containsKey("error") && chunk.getValue("error") != null) {
          error = String.valueOf(chunk.getJsonObject("error").getValue("code"));
          message = chunk.getJsonObject("error").getString("message");
          continue;
        }
        String thisId = chunk.getString("id", "");
        if (!id.isEmpty() && !thisId.equals(id)) {
          return lie("the id changed");
        }
        id = thisId;
        if (created != null && !Objects.equals(created, chunk.getValue("created"))) {
          return lie("created changed");
        }
        created = chunk.getValue("created");
        if (chunk.getJsonObject("usage") != null) {
          usage = chunk.getJsonObject("usage");
        }
        for (Object each : chunk.getJsonArray("choices")) {
          JsonObject choice = (JsonObject) each;
          JsonObject delta = choice.getJsonObject("delta");
          roles += delta.containsKey("role") ? 1 : 0;
          String content = delta.getString("content");
          if (content != null && !content.isEmpty()) {
            if (!finish.isEmpty()) {
              return lie("content after the finish reason");
            }
            text.append(content);
            tokens++;
          }
          if (choice.getValue("finish_reason") != null) {
            if (!finish.isEmpty()) {
              return lie("two finish reasons");
            }
            finish = choice.getString("finish_reason");
          }
        }
      }
      if (!expected.text().startsWith(text.toString())) {
        return lie("the text differs after " + common() + " characters");
      }
      if (roles > 1) {
        return lie(roles + " roles");
      }
      if (error != null) {
        return seen.end() == End.COMPLETE || seen.end() == End.CUT
            ? of(Kind.ERROR_FRAME, error, tokens + " tokens before: " + message)
            : of(Kind.BROKEN_OFF, error, "");
      }
      if (!done) {
        return switch (seen.end()) {
          case COMPLETE -> lie("a stream that ends properly without [DONE]");
          case LEFT -> of(Kind.LEFT, "", "");
          default -> of(Kind.BROKEN_OFF, "", tokens + " tokens before");
        };
      }
      if (text.length() != expected.text().length()) {
        return lie("[DONE] after " + text.length() + " of " + expected.text().length() + " chars");
      }
      if (seen.end() != End.COMPLETE) {
        return lie("[DONE], then " + seen.end());
      }
      if (finish.isEmpty()) {
        return lie("[DONE] without a finish reason");
      }
      if (usage == null) {
        return lie("[DONE] without the usage that was asked for");
      }
      int counted = usage.getInteger("completion_tokens");
      return counted == expected.completionTokens()
          ? of(Kind.WHOLE, "", "")
          : lie("usage says " + counted + " of " + expected.completionTokens() + " tokens");
    }

    private int common() {
      int at = 0;
      while (at < text.length()
          && at < expected.text().length()
          && text.charAt(at) == expected.text().charAt(at)) {
        at++;
      }
      return at;
    }

    private static String cut(String frame) {
      return frame.substring(0, Math.min(80, frame.length()));
    }

    Outcome lie(String why) {
      return of(Kind.LIE, "", why);
    }

    private Outcome of(Kind kind, String code, String detail) {
      return new Outcome(kind, seen.status(), code, detail, tokens, seen);
    }
  }

  /** For messages: what came. */
  String bodyTail() {
    String text = new String(seen.body(), StandardCharsets.UTF_8);
    return text.substring(Math.max(0, text.length() - 400));
  }
}
