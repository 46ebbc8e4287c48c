package io.penstock.cli;

import io.penstock.config.Spelling;
import io.penstock.telemetry.Logging;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line. What a command has to say goes to stdout; errors, in one readable form, and
 * logs go to stderr.
 */
public final class Main {
  private Main() {}

  /** Ends the process with 0 when done, 1 when failed, 2 for wrong usage or configuration. */
  public static void main(String[] args) {
    // Java 22 gives a console to a process without a terminal unless told otherwise.
    System.setProperty("jdk.console", "java.base");
    int code =
        run(
            args,
            System.getenv(),
            new PrintWriter(System.out, true, StandardCharsets.UTF_8),
            new PrintWriter(System.err, true, StandardCharsets.UTF_8));
    Logging.close();
    System.exit(code);
  }

  /** Runs one command and gives its exit code. */
  static int run(String[] args, Map<String, String> environment, PrintWriter out, PrintWriter err) {
    Logging logging;
    try {
      logging = Logging.of(environment, Main::atTerminal);
    } catch (IllegalArgumentException e) {
      err.println("penstock: " + e.getMessage());
      return ExitCode.USAGE;
    }
    logging.install();
    return commandLine(logging).setOut(out).setErr(err).execute(args);
  }

  @SuppressWarnings("SystemConsoleNull") // see jdk.console above
  private static boolean atTerminal() {
    return System.console() != null;
  }

  private static CommandLine commandLine(Logging logging) {
    CommandLine penstock = new CommandLine(new PenstockCommand());
    penstock.getCommandSpec().mixinStandardHelpOptions(true).versionProvider(new Version());
    for (Object command :
        new Object[] {
          new RunCommand(logging),
          new CheckCommand(),
          new EngineSimCommand(),
          new LoadCommand(),
          new ReplayCommand(),
          new CalibrateCommand(),
          new VersionCommand()
        }) {
      penstock.addSubcommand(command);
    }
    for (CommandLine command : penstock.getSubcommands().values()) {
      withHelp(command);
    }
    return penstock
        .setUsageHelpWidth(100)
        .setUsageHelpAutoWidth(true)
        .setParameterExceptionHandler(Main::wrongUsage)
        .setExecutionExceptionHandler(Main::failed);
  }

  private static void withHelp(CommandLine command) {
    if (command.getCommandSpec().findOption("--help") == null) {
      command
          .getCommandSpec()
          .addOption(
              CommandLine.Model.OptionSpec.builder("-h", "--help")
                  .usageHelp(true)
                  .description("Shows this.")
                  .build());
    }
  }

  private static int wrongUsage(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    if (args.length == 0) {
      command.usage(err);
      return ExitCode.USAGE;
    }
    String name = command.getCommandSpec().qualifiedName();
    err.println(name + ": " + inWords(e));
    err.println("Try '" + name + " --help'.");
    err.flush();
    return ExitCode.USAGE;
  }

  private static String inWords(ParameterException e) {
    if (e instanceof UnmatchedArgumentException unmatched && !unmatched.getUnmatched().isEmpty()) {
      String typed = unmatched.getUnmatched().get(0);
      CommandLine command = unmatched.getCommandLine();
      Set<String> known =
          unmatched.isUnknownOption()
              ? command.getCommandSpec().optionsMap().keySet()
              : command.getSubcommands().keySet();
      return "'"
          + typed
          + "' is no "
          + (unmatched.isUnknownOption() ? "option" : "argument or command")
          + " here"
          + Spelling.nearest(typed, known).map(near -> " (did you mean " + near + "?)").orElse("");
    }
    return String.valueOf(e.getMessage());
  }

  private static int failed(Exception e, CommandLine command, CommandLine.ParseResult parsed) {
    PrintWriter err = command.getErr();
    if (e instanceof CliException expected) {
      String name = command.getCommandSpec().qualifiedName();
      String.valueOf(expected.getMessage())
          .lines()
          .forEach(line -> err.println(line.startsWith(" ") ? line : name + ": " + line));
      err.flush();
      return expected.exitCode();
    }
    LoggerFactory.getLogger(Main.class).error("a bug: please report it", e);
    return ExitCode.FAILED;
  }
}
