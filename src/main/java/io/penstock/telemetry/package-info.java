/**
 * The one table of metric names and the meters behind it, the access line, readiness, and the
 * health and metrics endpoints.
 *
 * <p>Owns the meter registry of the node, the thread that writes access lines, and the one that
 * watches the event loops ({@link io.penstock.telemetry.LoopWatch}). Hears calls from every event
 * loop and says nothing on the bus; everything here is thread-safe, for it is the one place where
 * the event loops of a node meet.
 *
 * <p>Decisions. Vert.x's own metrics stay off: they cost about a tenth of the CPU of a proxied
 * request and label by host and port; what they would tell of requests the ingress counts itself,
 * by model and outcome, and of the event loops {@link io.penstock.telemetry.EventLoopLag} tells. A
 * loop that hangs is looked for by a thread that is none, since the health endpoints are served on
 * loops too: another loop answers that the node is not ready, and after 30 s not live, or, where
 * there is none, the question is not answered at all, which Kubernetes takes for the same. Vert.x's
 * own check of blocked threads stays on as the second witness, after 30 s. Label values come from
 * the configuration and from enums, never from a client. Access lines do not go through the logging
 * library, which would format them on the event loop or drop them uncounted; they come out of the
 * same stream in the same form as the log.
 */
@NullMarked
package io.penstock.telemetry;

import org.jspecify.annotations.NullMarked;
