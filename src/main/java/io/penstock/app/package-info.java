/**
 * The composition root: builds a node from its configuration and takes it down. Nobody imports it
 * but the commands.
 *
 * <p>Owns the order of things. Up: a port is found for HTTP, the cluster joined, simulated engines
 * started and listed, the verticles deployed role by role (prober, batcher, router, ingress), then
 * the roles announced, then the node is ready once the roles that its requests need are taken
 * somewhere. Down: not ready, draining announced, the roles that another node has too given up so
 * that new owners take their census, live requests finished, the cluster left.
 *
 * <p>Hears the directory's view of the cluster, which readiness follows, and on HTTP, where the
 * node has no ingress, the questions for health and metrics. Sends no message: what it announces
 * and withdraws, {@code bus} says in the node's beacons.
 *
 * <p>Owns what may change while the node runs ({@code Settings}) and how: {@code Reloads} reads the
 * file on a worker thread, one reading at a time; {@code Changes} says what of it can be gone by
 * and what takes a restart; the rooms hear of it as settings, and the cluster of the new fleet's
 * hash when all of them have.
 *
 * <p>Decisions. A role that nobody else has is kept to the end: a queue that nobody could take over
 * is served while it can be. Simulated pools are for a node that is alone. Port 0 becomes a number
 * before the loops share it. A node without ingress serves health and metrics on the same port.
 */
@NullMarked
package io.penstock.app;

import org.jspecify.annotations.NullMarked;
