package io.penstock.openai;

import io.penstock.openai.JsonCursor.Kind;
import java.util.Optional;

/** What an engine says in the body of an error, whatever its form. */
final class EngineError {
  private static final int MAX_MESSAGE_CHARS = 4096;
  private static final int MAX_NAME_CHARS = 128;

  private static final byte[] ERROR = JsonText.ascii("error");
  private static final byte[] MESSAGE = JsonText.ascii("message");
  private static final byte[] TYPE = JsonText.ascii("type");
  private static final byte[] ERROR_TYPE = JsonText.ascii("error_type");
  private static final byte[] PARAM = JsonText.ascii("param");
  private static final byte[] CODE = JsonText.ascii("code");
  private static final byte[] DETAIL = JsonText.ascii("detail");
  private static final byte[] MSG = JsonText.ascii("msg");
  private static final byte[] LOC = JsonText.ascii("loc");

  private final byte[] body;
  private final JsonCursor in = new JsonCursor(false);
  private Optional<String> message = Optional.empty();
  private Optional<String> type = Optional.empty();
  private Optional<String> param = Optional.empty();
  private Optional<String> code = Optional.empty();
  private boolean messageIsString;
  private boolean typeIsString;
  private boolean paramIsStringOrNull;
  private boolean codeIsStringOrNull;
  private boolean openAi;

  private EngineError(byte[] body) {
    this.body = body;
  }

  static EngineError read(byte[] body) {
    EngineError said = new EngineError(body);
    said.read();
    return said;
  }

  /** Whether the body is an OpenAI error object as it is. */
  boolean isOpenAi() {
    return openAi;
  }

  Optional<String> message() {
    return message.map(text -> JsonText.shorten(text, MAX_MESSAGE_CHARS));
  }

  Optional<String> type() {
    return type.map(text -> JsonText.shorten(text, MAX_NAME_CHARS));
  }

  Optional<String> param() {
    return param.map(text -> JsonText.shorten(text, MAX_NAME_CHARS));
  }

  Optional<String> code() {
    return code.map(text -> JsonText.shorten(text, MAX_NAME_CHARS));
  }

  private void read() {
    Kind kind = in.reset(body, 0, body.length).peek();
    if (kind == Kind.OBJECT) {
      in.enterObject();
      while (in.nextMember()) {
        member();
      }
    } else if (kind == Kind.STRING) {
      message = string();
    } else {
      in.skipValue();
    }
    in.expectEnd();
    if (in.failed()) {
      forget();
      message = plainText();
    }
  }

  private void forget() {
    openAi = false;
    type = Optional.empty();
    param = Optional.empty();
    code = Optional.empty();
  }

  /** Text that is not JSON; a web page says nothing to a program. */
  private Optional<String> plainText() {
    int enough = Math.min(body.length, 4 * (MAX_MESSAGE_CHARS + 1));
    String text = JsonText.decode(body, 0, enough).strip();
    return text.isEmpty() || text.startsWith("<") ? Optional.empty() : Optional.of(text);
  }

  private void member() {
    if (in.nameIs(ERROR)) {
      if (in.peek() == Kind.OBJECT) {
        in.enterObject();
        while (in.nextMember()) {
          field();
        }
        openAi = messageIsString && typeIsString && paramIsStringOrNull && codeIsStringOrNull;
      } else {
        message = string().or(() -> message);
      }
    } else if (in.nameIs(DETAIL)) {
      detail();
    } else {
      field();
    }
  }

  private void field() {
    if (in.nameIs(MESSAGE)) {
      messageIsString = in.peek() == Kind.STRING;
      message = string().or(() -> message);
    } else if (in.nameIs(TYPE) || in.nameIs(ERROR_TYPE)) {
      typeIsString = in.peek() == Kind.STRING;
      type = string().or(() -> type);
    } else if (in.nameIs(PARAM)) {
      paramIsStringOrNull = isStringOrNull();
      param = string();
    } else if (in.nameIs(CODE)) {
      codeIsStringOrNull = isStringOrNull();
      code = stringOrNumber();
    } else {
      in.skipValue();
    }
  }

  private boolean isStringOrNull() {
    Kind kind = in.peek();
    return kind == Kind.STRING || kind == Kind.NULL;
  }

  /** FastAPI: a string, or a list of what is wrong, of which the first is told. */
  private void detail() {
    if (in.peek() != Kind.ARRAY) {
      message = string().or(() -> message);
      return;
    }
    in.enterArray();
    boolean first = true;
    while (in.nextElement()) {
      if (first && in.peek() == Kind.OBJECT) {
        in.enterObject();
        while (in.nextMember()) {
          violation();
        }
      } else {
        in.skipValue();
      }
      first = false;
    }
  }

  private void violation() {
    if (in.nameIs(MSG)) {
      message = string().or(() -> message);
    } else if (in.nameIs(LOC)) {
      location();
    } else {
      in.skipValue();
    }
  }

  /** {@code ["body","messages",0,"role"]} becomes {@code messages[0].role}. */
  private void location() {
    if (in.peek() != Kind.ARRAY) {
      in.skipValue();
      return;
    }
    StringBuilder path = new StringBuilder();
    in.enterArray();
    while (in.nextElement()) {
      boolean index = in.peek() == Kind.NUMBER;
      String step = stringOrNumber().orElse("");
      if (index) {
        path.append('[').append(step).append(']');
      } else if (!step.equals("body") || path.length() > 0) {
        path.append(path.length() == 0 ? "" : ".").append(step);
      }
    }
    param = path.length() == 0 ? Optional.empty() : Optional.of(path.toString());
  }

  private Optional<String> string() {
    boolean string = in.peek() == Kind.STRING;
    in.skipValue();
    return string && !in.failed() ? Optional.of(in.text()) : Optional.empty();
  }

  private Optional<String> stringOrNumber() {
    boolean number = in.peek() == Kind.NUMBER;
    int from = in.position();
    if (!number) {
      return string();
    }
    in.skipValue();
    return Optional.of(JsonText.decode(body, from, in.position()));
  }
}
