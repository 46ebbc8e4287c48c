/**
 * The replay behind {@code penstock replay}: what a fleet would make of a recorded trace under each
 * way of choosing replicas, in virtual time.
 *
 * <p>It owns no sockets, no threads and no clock. The pool's owner is the batcher's own ({@link
 * io.penstock.batcher.StandalonePool}: queue, ledger, roster, strategies and what is held against
 * replicas), the engines are those of the simulator ({@link io.penstock.sim.EngineCore}), and
 * {@link io.penstock.replay.VirtualFleet} lets events happen in the order of their times: arrivals,
 * ends of engines' runs, the owner's ticks, the probers' reports, and what the fleet file scripts.
 * It plays the ingress: asks for slots, retries what a dead replica lost, says when the first token
 * was there and what was used.
 *
 * <p>Decisions. Same trace, fleet, load and seed: same bytes of report; so nothing here reads a
 * clock, and how fast the replay itself was is for the command to say. Sessions are closed loops: a
 * request follows its answer by the think time of the trace, so that a slow fleet is asked less;
 * all else is open loop. Policies that are not Penstock's ({@link io.penstock.replay.Peer}, {@link
 * io.penstock.replay.Omniscient}) choose among the same free replicas as the strategies do, behind
 * the same queue: it is the choice that is compared.
 */
@NullMarked
package io.penstock.replay;

import org.jspecify.annotations.NullMarked;
