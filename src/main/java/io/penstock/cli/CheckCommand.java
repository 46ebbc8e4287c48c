package io.penstock.cli;

import io.penstock.config.ConfigLoader;
import io.penstock.config.Loaded;
import io.penstock.config.Machine;
import io.penstock.config.NodeConfig;
import io.penstock.inference.Role;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code penstock check}. */
@Command(
    name = "check",
    header = "Checks a node's configuration without starting anything.",
    description = {
      "",
      "Reports every mistake at once, each with its path, what was found and what was expected, and"
          + " ends with 2. Without a mistake it prints advice and ends with 0.",
      "Opens no port and asks nobody; files that only the node's own machine has may be absent."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  penstock check conf/standalone.json", "  PORT=9000 penstock check node.json"})
final class CheckCommand implements Callable<Integer> {
  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli
  private CommandSpec spec;

  @Parameters(
      paramLabel = "FILE",
      description =
          "The node's configuration. A fleet's file is checked with a node's file that names it.")
  @SuppressWarnings("NullAway.Init") // set by picocli
  private Path file;

  @Override
  public Integer call() {
    Loaded.Ok loaded =
        Configurations.require(
            ConfigLoader.load(file, Configurations.environment(), Machine.ANOTHER),
            file.toString());
    PrintWriter out = spec.commandLine().getOut();
    out.println(summary(loaded.config()));
    loaded.advice().forEach(advice -> out.println("  advice: " + advice));
    out.flush();
    return ExitCode.OK;
  }

  private String summary(NodeConfig config) {
    int pools = config.fleet().pools().size();
    return file
        + ": no mistake; node "
        + config.name()
        + " with "
        + config.roles().stream().sorted().map(Role::label).collect(Collectors.joining(", "))
        + (config.cluster().isPresent() ? " in a cluster" : ", alone")
        + ", "
        + (pools == 1 ? "1 pool" : pools + " pools");
  }
}
