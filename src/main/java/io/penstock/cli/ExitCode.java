package io.penstock.cli;

/** What a process says by its end. */
final class ExitCode {
  static final int OK = 0;

  /** It was asked for properly and did not work. */
  static final int FAILED = 1;

  /** It was asked for wrongly, or a configuration is wrong. */
  static final int USAGE = 2;

  private ExitCode() {}
}
