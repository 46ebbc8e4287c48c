package io.penstock.openai;

import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import java.util.Optional;

/**
 * Reads a request's body in one pass: checks that it is well-formed JSON in UTF-8 and takes out
 * what routing needs. No tree, no copy of the prompt.
 */
public final class BodyScan {
  private BodyScan() {}

  /**
   * Scans a whole body.
   *
   * @param override the model that a header names; the body's is then neither needed nor checked
   */
  public static Checked<ScannedBody> scan(
      Operation operation, byte[] body, Optional<ModelName> override) {
    throw new UnsupportedOperationException();
  }
}
