/**
 * How messages travel, who is in the cluster, and who owns a pool.
 *
 * <p>{@link io.penstock.bus.ClusterNode} starts Vert.x, with Hazelcast when there is a cluster, and
 * hands out the two ports that all rooms use: the {@link io.penstock.bus.Bus} and the {@link
 * io.penstock.bus.Directory} with its {@link io.penstock.bus.View}. It owns the addresses, the
 * codec and the wire form (golden files in {@code wire/v1} of the test resources), Hazelcast's
 * configuration, and the node's own station, where it hears and says {@link
 * io.penstock.message.Beacon}s: at the start, when asked, on every change, and each second. It also
 * hands out {@link io.penstock.bus.Drains}, the operators' orders that every node keeps and tells
 * the others, and defines {@link io.penstock.bus.Setting}, how a room hears of a configuration that
 * was read again. A {@link io.penstock.bus.KeptBook} is what operators have ordered by the admin
 * API and all nodes go by, in a {@link io.penstock.bus.MarkStore} that outlives them: it survives
 * as long as one node or one store does. Whoever listens to one of these is forgotten when its
 * verticle has gone: {@link io.penstock.bus.Listeners}.
 *
 * <p>Decisions:
 *
 * <ul>
 *   <li>A node is in the view when it is a member for Hazelcast <em>and</em> its beacon was heard
 *       in the last four seconds. A killed process leaves it by the first, a hanging or paused one
 *       or one that the bus does not reach by the second; see {@code Membership}.
 *   <li>Who is gone without a word may be working where this node can't see it; the nodes of each
 *       side use their share of every limit then; see {@code Roll}. Both go with the view, so that
 *       an owner never has one without the other.
 *   <li>A node is in the view before it has a role, and starts nothing before it has heard the
 *       other members; otherwise it would believe for a moment that it owned every pool.
 *   <li>The wire form is JSON: 150 to 400 bytes for the messages of a request, which have readers
 *       and writers of their own ({@code RequestForms}). Within a node the object itself is handed
 *       over, in about 0.5 µs.
 *   <li>What a loop sends to a station in one of its turns goes together when the turn ends, and
 *       with it what could wait for that ({@code Outbox}). All sockets of the bus are on one event
 *       loop, and a verticle to which other nodes say much may live there too ({@code BusLoop}): a
 *       message then wakes one thread, not three.
 *   <li>vertx-hazelcast keeps the registry of addresses in a multimap that can lose entries or keep
 *       those of the dead. Every five seconds each node compares it with what it consumes, puts
 *       back what is missing and removes what belongs to no member.
 *   <li>A report of one replica's change is no news to who has not heard the prober's share ({@link
 *       io.penstock.bus.HeardShares}).
 *   <li>{@code send} tells when nobody listens; whether a message was handled, only an answer can
 *       tell. There is no request and reply: it would wait out its timeout when a node dies.
 * </ul>
 */
@NullMarked
package io.penstock.bus;

import org.jspecify.annotations.NullMarked;
