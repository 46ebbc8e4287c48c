package io.penstock.openai;

import io.penstock.fault.Fault;
import java.util.Optional;

/** The OpenAI error object: {@code {"error":{"message","type","param","code"}}}, in UTF-8. */
public final class ErrorBody {
  private static final byte[] MESSAGE = JsonText.ascii("{\"error\":{\"message\":");
  private static final byte[] TYPE = JsonText.ascii(",\"type\":");
  private static final byte[] PARAM = JsonText.ascii(",\"param\":");
  private static final byte[] CODE = JsonText.ascii(",\"code\":");
  private static final byte[] CLOSE = JsonText.ascii("}}");
  private static final byte[] NULL = JsonText.ascii("null");
  private static final byte[] DATA = JsonText.ascii("data: ");
  private static final byte[] END_OF_FRAME = JsonText.ascii("\n\n");

  private ErrorBody() {}

  /**
   * The body of an error response.
   *
   * @param param the field at fault; empty becomes null
   */
  public static byte[] of(Fault fault, String message, String param) {
    return of(
        message,
        fault.type(),
        param.isEmpty() ? Optional.empty() : Optional.of(param),
        Optional.of(fault.code()));
  }

  /** The same as the last event of a stream that can not be finished. */
  public static byte[] frame(Fault fault, String message, String param) {
    return JsonText.concat(DATA, of(fault, message, param), END_OF_FRAME);
  }

  /**
   * An engine's own error, for the client: {@code body} itself where it is an OpenAI error object,
   * else one made of what it says: vLLM's and SGLang's flat object, TGI's and llama.cpp's forms,
   * FastAPI's {@code detail}, or plain text. At most 4096 characters of its message are kept.
   *
   * @param status the engine's HTTP status
   */
  public static byte[] reshape(int status, byte[] body) {
    EngineError said = EngineError.read(body);
    if (said.isOpenAi()) {
      return body;
    }
    return of(
        said.message().orElse("The engine answered with status " + status + " and gave no reason."),
        said.type().orElse(type(status)),
        said.param(),
        said.code().filter(code -> !code.equals(Integer.toString(status))));
  }

  private static String type(int status) {
    return switch (status) {
      case 401 -> "authentication_error";
      case 403 -> "permission_error";
      case 404 -> "not_found_error";
      case 408, 504 -> "timeout_error";
      case 429 -> "rate_limit_error";
      default -> status < 500 ? "invalid_request_error" : "upstream_error";
    };
  }

  private static byte[] of(
      String message, String type, Optional<String> param, Optional<String> code) {
    return JsonText.concat(
        MESSAGE,
        JsonText.quote(message),
        TYPE,
        JsonText.quote(type),
        PARAM,
        param.map(JsonText::quote).orElse(NULL),
        CODE,
        code.map(JsonText::quote).orElse(NULL),
        CLOSE);
  }
}
