/**
 * The commands: run, check, engine-sim, load, replay, version.
 *
 * <p>Owns the process: its arguments, its environment, its signals, its two output streams and its
 * exit code. A command parses its options into the records of the room that does the work, and
 * starts it.
 *
 * <p>Decisions. What a command has to say goes to stdout, everything else to stderr. Mistakes of
 * the user are sentences with what was found and what was expected, never stack traces. Exit codes:
 * 0 done, 1 failed, 2 wrong usage or configuration.
 */
@NullMarked
package io.penstock.cli;

import org.jspecify.annotations.NullMarked;
