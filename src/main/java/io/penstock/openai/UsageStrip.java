package io.penstock.openai;

/**
 * What of a stream's usage the client sees: the engine reports to the gateway what the client may
 * not have asked for.
 */
public final class UsageStrip {
  /** What the client sees of a frame. */
  public enum Sight {
    WHOLE,
    WITHOUT_USAGE,
    NOTHING
  }

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

  /** What the client sees of this frame; without usage only where it has a member of the name. */
  public Sight sightOf(SseFrame frame) {
    boolean only = frame.kind() == SseFrame.Kind.USAGE_ONLY;
    boolean member = frame.hasUsageMember();
    return switch (client) {
      case NONE -> only ? Sight.NOTHING : member ? Sight.WITHOUT_USAGE : Sight.WHOLE;
      case FINAL ->
          engine == UsageReporting.CONTINUOUS && !only && member
              ? Sight.WITHOUT_USAGE
              : Sight.WHOLE;
      case CONTINUOUS -> Sight.WHOLE;
    };
  }
}
