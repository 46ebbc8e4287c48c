package io.penstock.sim;

import org.jspecify.annotations.Nullable;

/** A request that the engine answers with an OpenAI error. */
final class Rejection extends RuntimeException {
  private final int status;
  private final String type;
  private final @Nullable String param;
  private final @Nullable String code;

  private Rejection(
      int status, String type, @Nullable String param, @Nullable String code, String message) {
    super(message, null, false, false);
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
  }

  static Rejection badRequest(@Nullable String param, @Nullable String code, String message) {
    return new Rejection(400, "invalid_request_error", param, code, message);
  }

  static Rejection invalid(String param, Object found, String expected) {
    return badRequest(
        param, "invalid_value", param + ": " + found + " (expected: " + expected + ")");
  }

  static Rejection notFound(@Nullable String param, String code, String message) {
    return new Rejection(404, "not_found_error", param, code, message);
  }

  static Rejection of(int status, String type, String code, String message) {
    return new Rejection(status, type, null, code, message);
  }

  int status() {
    return status;
  }

  /** The body: {@code {"error":{…}}}. */
  byte[] body() {
    return Json.error(String.valueOf(getMessage()), type, param, code);
  }
}
