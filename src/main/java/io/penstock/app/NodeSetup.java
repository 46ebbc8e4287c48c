package io.penstock.app;

import io.penstock.config.Loaded;
import io.penstock.telemetry.LogFormat;
import io.penstock.time.Clock;
import java.io.OutputStream;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What a node is given besides its configuration.
 *
 * @param version of Penstock
 * @param accessFormat how access lines look
 * @param accessOut where access lines go; not closed
 * @param file reads the node's file again, blocking; absent where the configuration is of none
 */
public record NodeSetup(
    String version,
    LogFormat accessFormat,
    OutputStream accessOut,
    Clock clock,
    Optional<Supplier<Loaded>> file) {
  /** For a configuration that is of no file. */
  public NodeSetup(String version, LogFormat accessFormat, OutputStream accessOut, Clock clock) {
    this(version, accessFormat, accessOut, clock, Optional.empty());
  }
}
