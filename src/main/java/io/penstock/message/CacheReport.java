package io.penstock.message;

/**
 * What a replica's engine has found of its prompts in its prefix cache, and what the pool's owner
 * knows of that cache; both since the owner began.
 *
 * @param answers whose prompts the engine has counted
 * @param promptTokens of those prompts
 * @param cachedTokens of them, by the engine's word
 * @param predictedTokens of them that the owner expected to be cached; 0 under a strategy that does
 *     not look
 * @param indexHashes hashes of prompts that the owner keeps of the replica
 * @param indexBytes memory that they take
 * @param indexBytesMax most that they may take; 0 under a strategy that keeps none
 */
public record CacheReport(
    long answers,
    long promptTokens,
    long cachedTokens,
    long predictedTokens,
    int indexHashes,
    long indexBytes,
    long indexBytesMax) {
  /** Nothing yet. */
  public static final CacheReport NONE = new CacheReport(0, 0, 0, 0, 0, 0, 0);

  /** Both together. */
  public CacheReport plus(CacheReport other) {
    return new CacheReport(
        answers + other.answers,
        promptTokens + other.promptTokens,
        cachedTokens + other.cachedTokens,
        predictedTokens + other.predictedTokens,
        indexHashes + other.indexHashes,
        indexBytes + other.indexBytes,
        indexBytesMax + other.indexBytesMax);
  }
}
