package io.penstock.calibrate;

/** Told how the asking for embeddings goes, after each batch, on the thread that calibrates. */
@FunctionalInterface
public interface EmbeddingsProgress {
  /** Tells nobody. */
  EmbeddingsProgress NONE = (done, of, cached) -> {};

  /**
   * So far.
   *
   * @param done of those that have to be asked for
   * @param of how many these are
   * @param cached how many prompts had theirs in the cache
   */
  void embedded(int done, int of, int cached);
}
