package io.penstock.openai;

import java.util.Optional;

/**
 * Takes out of a stream the usage that the engine reports to the gateway and the client did not ask
 * for.
 */
public final class UsageStrip {
  private final UsageReporting client;
  private final UsageReporting engine;

  /**
   * For one stream.
   *
   * @param client what the client asked for
   * @param engine what the engine was asked for
   */
  public UsageStrip(UsageReporting client, UsageReporting engine) {
    this.client = client;
    this.engine = engine;
  }

  /**
   * The frame that the client sees: the same object where nothing is taken out; empty where nothing
   * is left.
   */
  public Optional<SseFrame> apply(SseFrame frame) {
    return switch (client) {
      case NONE ->
          frame.kind() == SseFrame.Kind.USAGE_ONLY
              ? Optional.empty()
              : Optional.of(frame.withoutUsage());
      case FINAL ->
          Optional.of(
              engine == UsageReporting.CONTINUOUS && frame.kind() != SseFrame.Kind.USAGE_ONLY
                  ? frame.withoutUsage()
                  : frame);
      case CONTINUOUS -> Optional.of(frame);
    };
  }
}
