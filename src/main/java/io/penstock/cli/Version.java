package io.penstock.cli;

import io.vertx.core.internal.VertxInternal;
import java.util.Objects;
import picocli.CommandLine.IVersionProvider;

/** What is running, from the jar's manifest. */
final class Version implements IVersionProvider {
  private static final String UNPACKED = "dev"; // run from class files

  static String penstock() {
    return Objects.requireNonNullElse(
        Version.class.getPackage().getImplementationVersion(), UNPACKED);
  }

  @Override
  public String[] getVersion() {
    return new String[] {
      "penstock "
          + penstock()
          + " (Java "
          + Runtime.version()
          + ", Vert.x "
          + VertxInternal.version()
          + ")"
    };
  }
}
