package io.penstock.openai;

import io.penstock.inference.ModelName;

/**
 * Builds the body that goes to an engine: the client's bytes, with {@code model} replaced by the
 * engine's name for it and {@code stream_options} extended. Nothing else changes.
 */
public final class Splice {
  private Splice() {}

  /**
   * The body to forward.
   *
   * @param scan what {@link BodyScan} found in {@code body}
   * @param model the engine's name for the model
   * @param ask the usage that the engine shall report; ignored for a body that does not stream.
   *     Never less than what the client asked for
   */
  public static Spliced forward(
      byte[] body, ScannedBody scan, ModelName model, UsageReporting ask) {
    throw new UnsupportedOperationException();
  }
}
