package io.penstock.batcher;

import org.jspecify.annotations.Nullable;

/**
 * What a strategy that learns keeps of one grant: what it expected. An element of its replica's
 * {@link Backlog} until its prompt has been read.
 */
final class Errand {
  /** Who made it; nobody else is told of it. */
  final Strategy by;

  final Prospect prospect;

  /** The prompt's length by the estimate of its Admit. */
  final int promptTokens;

  /** What was expected to be found in the replica's cache. */
  final int cachedTokens;

  /** What the index knew, however old. */
  final int knownTokens;

  /** How long ago, in tokens that the replica has read since, {@link #knownTokens} were touched. */
  final long knownAge;

  /**
   * Whether the replica had read them when it was granted. What others have only just been granted
   * too may not be found, however much a cache holds.
   */
  final boolean knownWasRead;

  /** Whether the first token will be told of. */
  final boolean streams;

  final long grantedMillis;

  /** When the engine is taken to have begun to read the prompt. */
  long beganMillis;

  /** Requests that ran on the replica when it was granted, itself not counted. */
  int others;

  boolean pending;
  @Nullable Errand before;
  @Nullable Errand after;

  Errand(
      Strategy by,
      Prospect prospect,
      int promptTokens,
      Prospect.Match match,
      boolean streams,
      long grantedMillis) {
    this.by = by;
    this.prospect = prospect;
    this.promptTokens = promptTokens;
    this.cachedTokens = Math.min(promptTokens, match.cachedTokens());
    this.knownTokens = Math.min(promptTokens, match.knownTokens());
    this.knownAge = match.knownAge();
    this.knownWasRead = match.wasRead();
    this.streams = streams;
    this.grantedMillis = grantedMillis;
  }

  /** Tokens of the prompt that the replica had to read. */
  int uncachedTokens() {
    return promptTokens - cachedTokens;
  }
}
