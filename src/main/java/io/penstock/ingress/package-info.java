/**
 * Client connections and connections to engines. It carries a request through and tells the truth
 * about how it ended; it decides nothing about the fleet and never picks a replica.
 *
 * <p>Owns the HTTP server, the engines' connections and every live {@code Exchange}, one loop each:
 * both sockets of a stream live on the loop that accepted it. An exchange is one request: its
 * {@code Reception}, its {@code Allowance} of what is limited, its {@code Itinerary} of pools, and
 * the {@code Pursuit} of an answer by one {@code Attempt} after the other, each one grant on one
 * replica, whose end is a value, and the {@code Delivery} of what they bring. Says {@code Route}
 * and {@code ListModels} to a router, {@code Admit}, {@code Withdraw}, {@code Renew}, {@code
 * Release}, {@code Remark} and {@code CensusAnswer} to a pool's owner; hears their answers and
 * {@code Census}.
 *
 * <p>A call that requests share is made by the loop of the first of them, its {@code BatchHost}; to
 * the others, on this loop or another, it is a {@code LaneCall} that looks to their attempts like a
 * call of their own, so that whatever becomes of it is told, retried and counted like any other.
 * Loops say {@code LaneOpen}, {@code LaneSent}, {@code LaneAnswer}, {@code LaneCredit} and {@code
 * LaneLeave} to each other ({@code Lanes}). What the host makes of the one answer is the {@code
 * SharedCall}'s: {@code EmbeddingsCall} cuts it, {@code CompletionsCall} takes a stream apart while
 * it comes.
 *
 * <p>Before a tier is chosen the request is appraised ({@code Appraising}, by its loop's {@code
 * Appraisals}): at once, or when an {@code EmbedCall} has had a model of the fleet embed its
 * prompt, for which it waits some tens of milliseconds at most and holds no slot. Calls that a loop
 * makes of itself, this one and that of a model that judges, are {@code SideCall}s.
 *
 * <p>In a cascade the plan has tiers, and the itinerary goes up; how far it has come is the {@code
 * Cascade}'s. What comes of a tier that has one above it is a {@code HeldAnswer}, bounded, and all
 * of them by the loop's {@code DraftRoom}, whose slot goes back when it is whole; {@code Judging}
 * asks the judges, of which a model of the fleet is a {@code JudgeCall} with a slot of its own, and
 * then it is the client's, or the next tier is tried, for which the {@code Allowance} reserves
 * anew. The best that was rejected is kept as the {@code SpareDraft}: it is the answer when the
 * tier above fails, and a {@code FailedEscalation} says so. The last tier is held back by nothing.
 * All that was generated for the client counts, {@code Attempts} tier by tier.
 *
 * <p>A stream's frames go past Vert.x's queues where both sides speak HTTP/1.1: a {@code BodyTap}
 * takes them from the socket, {@code ChunkFraming} out of their chunks, the scanner reads them, and
 * when the socket has been read, before the next one is ({@code ReadEnd}), a {@code ChunkWire}
 * gives them to the client's, in one buffer. Vert.x has the heads, the ends, and the connections.
 * The body of a request over HTTP/1.1 is copied once less: an {@code IntakeTap} puts it into its
 * {@code BodyIntake} and gives Vert.x views of it. Nothing of a request outlives it: what an engine
 * has still to end is one of the loop's {@code Tails}.
 *
 * <p>Decisions: what waits at an owner is kept here too ({@code SlotClaims}) and asked for again
 * when owners change, so that no client sees it. A stream that broke goes on at another replica of
 * its pool ({@code Resumption}); each replica is released with the outcome of its own attempt. A
 * bug in one exchange ends that exchange, settled. Deadlines are compared on a tick, not scheduled
 * one by one. What an engine's words mean is judged in one place ({@code EngineAnswer}), and they
 * lose addresses and keys before a client sees them. A request is written a second time to the same
 * replica only where a kept-alive connection broke without a byte of an answer; else another
 * attempt goes to another replica, with a slot of its own, and only while the client has seen
 * nothing of the one before. Nodes that are reloaded one after another know different pools for a
 * while: a request whose pools are not known to all whom it needs asks the router again, for some
 * seconds. It keeps the deadlines that it began with when the configuration changes. What the
 * client is told when no attempt is left is what the last replica said.
 */
@NullMarked
package io.penstock.ingress;

import org.jspecify.annotations.NullMarked;
