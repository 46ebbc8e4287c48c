package io.penstock.cli;

/** A command ends here with this exit code; the message is all that the user needs. */
final class CliException extends RuntimeException {
  private final int exitCode;

  private CliException(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  /** It was asked for properly and did not work. */
  static CliException failed(String message) {
    return new CliException(ExitCode.FAILED, message);
  }

  /** It was asked for wrongly, or a configuration is wrong. */
  static CliException usage(String message) {
    return new CliException(ExitCode.USAGE, message);
  }

  int exitCode() {
    return exitCode;
  }
}
