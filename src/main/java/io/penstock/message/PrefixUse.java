package io.penstock.message;

/**
 * How a registered prefix was used.
 *
 * @param id of the prefix
 * @param requests that named it and were answered by an engine
 * @param hits those of them of whose prompt the engine had cached something, by its word
 * @param tokensSaved tokens of the prefix that were cached then
 */
public record PrefixUse(String id, long requests, long hits, long tokensSaved) {
  /** Both together. */
  public PrefixUse plus(PrefixUse other) {
    return new PrefixUse(
        id, requests + other.requests, hits + other.hits, tokensSaved + other.tokensSaved);
  }
}
