/**
 * The simulated engine: an OpenAI-compatible server over a deterministic continuous-batching core.
 *
 * <p>It owns its sockets, one per replica, and nothing of the cluster: it hears HTTP only and says
 * what an engine of the vLLM family says, on {@code /v1/*}, {@code /health}, {@code /metrics}
 * {@code /openapi.json} and {@code /version}; {@code /sim/*} arms faults and tells what the engine
 * saw, so that a test can check a gateway from the far side.
 *
 * <p>Where it is told to it publishes what its prefix cache holds as vLLM does, over ZeroMQ ({@link
 * io.penstock.sim.KvPublishing}), on a thread of its own.
 *
 * <p>Two halves. {@link io.penstock.sim.EngineCore} and {@link io.penstock.sim.KvCache} are plain
 * Java that takes the time as an argument: the verticle drives them by the machine's clock, the
 * replay by a virtual one. The other half is the shell. Decisions taken:
 *
 * <ul>
 *   <li>Text is a function of all text before it ({@link io.penstock.sim.SimText}), as with a real
 *       model at temperature 0; so a stream continued on another replica joins byte for byte, and
 *       tests predict every answer.
 *   <li>Frames are rendered when they are written, from a count of tokens: a slow reader costs a
 *       few integers, however far generation has run ahead.
 *   <li>Steps of equal composition are computed in closed form and the timer is set for the next
 *       token only; an idle replica has no timer.
 * </ul>
 */
@NullMarked
package io.penstock.sim;

import org.jspecify.annotations.NullMarked;
