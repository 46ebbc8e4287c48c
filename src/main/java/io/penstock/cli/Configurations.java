package io.penstock.cli;

import io.penstock.config.Loaded;
import io.penstock.config.Mistake;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** How the commands treat what came of loading a configuration. */
final class Configurations {
  private Configurations() {}

  /** The environment, as the loader asks for it. */
  static Function<String, Optional<String>> environment() {
    return name -> Optional.ofNullable(System.getenv(name));
  }

  /**
   * What was loaded.
   *
   * @param name of the file; empty when the configuration came from the command line
   * @throws CliException listing every mistake
   */
  static Loaded.Ok require(Loaded loaded, String name) {
    return loaded.fold(
        ok -> ok,
        failed -> {
          throw CliException.usage(list(failed.mistakes(), name));
        });
  }

  private static String list(List<Mistake> mistakes, String name) {
    String all = mistakes.stream().map(m -> "  " + m).collect(Collectors.joining("\n"));
    if (name.isEmpty()) {
      return mistakes.stream().map(Mistake::toString).collect(Collectors.joining("\n"));
    }
    return name
        + ": "
        + (mistakes.size() == 1 ? "1 mistake" : mistakes.size() + " mistakes")
        + "\n"
        + all;
  }
}
