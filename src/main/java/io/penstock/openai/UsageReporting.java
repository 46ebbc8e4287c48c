package io.penstock.openai;

/** How a stream reports its token usage: what the client asked for, or what an engine is asked. */
public enum UsageReporting {
  /** Not at all. */
  NONE,
  /** {@code stream_options.include_usage}: one frame with empty choices before the end. */
  FINAL,
  /**
   * {@code continuous_usage_stats} besides, an extension of vLLM: every frame carries the usage so
   * far.
   */
  CONTINUOUS
}
