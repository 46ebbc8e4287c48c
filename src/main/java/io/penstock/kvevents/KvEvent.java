package io.penstock.kvevents;

/** One thing that an engine says of its prefix cache. */
sealed interface KvEvent {

  /**
   * Blocks can be found from now on. Of one hash there may be several copies.
   *
   * @param blocks one key for each
   * @param blockTokens tokens of each; > 0
   * @param group of layers that keep their blocks for themselves; 0 where all keep the same
   */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  record Stored(long[] blocks, int blockTokens, int group) implements KvEvent {}

  /**
   * One copy of each can be found no more: its room was needed.
   *
   * @param blocks one key for each
   */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  record Removed(long[] blocks) implements KvEvent {}

  /** Nothing can be found any more. */
  record Cleared() implements KvEvent {}
}
