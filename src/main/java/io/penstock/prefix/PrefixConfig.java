package io.penstock.prefix;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where the book of prefixes is kept.
 *
 * @param file of this node; empty: not in a file
 * @param redisUrl where all nodes keep it; empty: not in Redis
 */
public record PrefixConfig(Optional<Path> file, Optional<String> redisUrl) {
  /** In memory alone. */
  public static final PrefixConfig MEMORY = new PrefixConfig(Optional.empty(), Optional.empty());
}
