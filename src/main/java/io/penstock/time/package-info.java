/**
 * The clock as a port: {@link io.penstock.time.Clock}, monotonic for durations and deadlines, wall
 * clock for logs and records.
 *
 * <p>Owns the one place that asks the machine for the time; hears and says nothing. Verticles are
 * handed a clock, read it once per event and pass {@code nowMillis} to their core.
 *
 * <p>Decisions. A core is never handed a clock, so that virtual time is a number in a test. Timers
 * stay with Vert.x, for they belong to an event loop.
 */
@NullMarked
package io.penstock.time;

import org.jspecify.annotations.NullMarked;
