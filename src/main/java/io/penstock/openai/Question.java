package io.penstock.openai;

import io.penstock.inference.Operation;

/**
 * What a request asks, as far as its complexity and the judges of its answer are concerned.
 *
 * @param text of the last message of the role {@code user}, or of the last message where there is
 *     none; of the first prompt of a completion. Empty for token ids. Cut to its last characters
 * @param asksForJson whether {@code response_format} asks for JSON
 */
public record Question(String text, boolean asksForJson) {
  /** Of which nothing is known. */
  public static final Question NONE = new Question("", false);

  private static final byte[] MESSAGES = JsonText.ascii("messages");
  private static final byte[] PROMPT = JsonText.ascii("prompt");
  private static final byte[] ROLE = JsonText.ascii("role");
  private static final byte[] CONTENT = JsonText.ascii("content");
  private static final byte[] TEXT = JsonText.ascii("text");
  private static final byte[] USER = JsonText.ascii("user");
  private static final byte[] RESPONSE_FORMAT = JsonText.ascii("response_format");
  private static final byte[] TYPE = JsonText.ascii("type");
  private static final byte[] JSON_OBJECT = JsonText.ascii("json_object");
  private static final byte[] JSON_SCHEMA = JsonText.ascii("json_schema");

  /** An escape takes six bytes of JSON at most, so this many are enough for a character. */
  private static final int BYTES_PER_CHAR = 6;

  /**
   * Reads a body that {@link BodyScan} has found to be well-formed.
   *
   * @param charsMax of the text
   */
  public static Question of(Operation operation, byte[] body, int charsMax) {
    return new Reader(operation, body, charsMax).read();
  }

  private static final class Reader {
    private final JsonCursor in = new JsonCursor(false);
    private final Operation operation;
    private final byte[] body;
    private final int charsMax;
    private String text = "";
    private boolean ofUser;
    private boolean json;

    Reader(Operation operation, byte[] body, int charsMax) {
      this.operation = operation;
      this.body = body;
      this.charsMax = charsMax;
    }

    Question read() {
      in.reset(body, 0, body.length).peek();
      in.enterObject();
      while (in.nextMember()) {
        if (operation == Operation.CHAT && in.nameIs(MESSAGES)) {
          messages();
        } else if (operation != Operation.CHAT && in.nameIs(PROMPT)) {
          text = first();
        } else if (in.nameIs(RESPONSE_FORMAT)) {
          format();
        } else {
          in.skipValue();
        }
      }
      return new Question(text, json);
    }

    private void messages() {
      if (in.peek() != JsonCursor.Kind.ARRAY) {
        in.skipValue();
        return;
      }
      in.enterArray();
      while (in.nextElement()) {
        if (in.peek() == JsonCursor.Kind.OBJECT) {
          message();
        } else {
          in.skipValue();
        }
      }
    }

    private void message() {
      boolean user = false;
      String said = "";
      in.enterObject();
      while (in.nextMember()) {
        if (in.nameIs(ROLE) && in.peek() == JsonCursor.Kind.STRING) {
          in.readString();
          user = in.textIs(USER);
        } else if (in.nameIs(CONTENT)) {
          said = content();
        } else {
          in.skipValue();
        }
      }
      if (user || !ofUser) {
        text = said;
        ofUser |= user;
      }
    }

    private String content() {
      return switch (in.peek()) {
        case STRING -> string();
        case ARRAY -> parts();
        default -> {
          in.skipValue();
          yield "";
        }
      };
    }

    private String parts() {
      StringBuilder all = new StringBuilder();
      in.enterArray();
      while (in.nextElement()) {
        if (in.peek() == JsonCursor.Kind.STRING) {
          all.append(string());
        } else if (in.peek() == JsonCursor.Kind.OBJECT) {
          in.enterObject();
          while (in.nextMember()) {
            if (in.nameIs(TEXT) && in.peek() == JsonCursor.Kind.STRING) {
              all.append(all.isEmpty() ? "" : "\n").append(string());
            } else {
              in.skipValue();
            }
          }
        } else {
          in.skipValue();
        }
      }
      return last(all.toString());
    }

    /** A prompt, or the first of several. */
    private String first() {
      switch (in.peek()) {
        case STRING:
          return string();
        case ARRAY:
          String found = "";
          boolean seen = false;
          in.enterArray();
          while (in.nextElement()) {
            if (!seen && in.peek() == JsonCursor.Kind.STRING) {
              found = string();
            } else {
              in.skipValue();
            }
            seen = true;
          }
          return found;
        default:
          in.skipValue();
          return "";
      }
    }

    private void format() {
      json = false;
      if (in.peek() != JsonCursor.Kind.OBJECT) {
        in.skipValue();
        return;
      }
      in.enterObject();
      while (in.nextMember()) {
        if (in.nameIs(TYPE) && in.peek() == JsonCursor.Kind.STRING) {
          in.readString();
          json = in.textIs(JSON_OBJECT) || in.textIs(JSON_SCHEMA);
        } else {
          in.skipValue();
        }
      }
    }

    private String string() {
      in.readString();
      int end = in.textEnd();
      int from = Math.max(in.textStart(), end - BYTES_PER_CHAR * charsMax);
      while (from > in.textStart() && from < end && !isBetweenWords(from)) {
        from++;
      }
      if (from == in.textStart() || from == end) {
        return last(in.text());
      }
      byte[] plain = in.textEscaped() ? JsonText.unescape(body, from, end) : null;
      return last(plain == null ? JsonText.decode(body, from, end) : JsonText.decode(plain));
    }

    /** Where neither an escape nor a character is cut in two. */
    private boolean isBetweenWords(int at) {
      return body[at] == ' ' && body[at - 1] != '\\';
    }

    private String last(String of) {
      return of.length() <= charsMax ? of : of.substring(of.length() - charsMax);
    }
  }
}
