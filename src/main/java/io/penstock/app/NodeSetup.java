package io.penstock.app;

import io.penstock.telemetry.LogFormat;
import io.penstock.time.Clock;
import java.io.OutputStream;

/**
 * What a node is given besides its configuration.
 *
 * @param version of Penstock
 * @param accessFormat how access lines look
 * @param accessOut where access lines go; not closed
 */
public record NodeSetup(
    String version, LogFormat accessFormat, OutputStream accessOut, Clock clock) {}
