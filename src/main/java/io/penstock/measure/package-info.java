/**
 * Small instruments as plain objects: a moving average ({@link io.penstock.measure.Ewma}), growing
 * waits ({@link io.penstock.measure.Backoff}), hashes that are equal on every node ({@link
 * io.penstock.measure.Hash64} of names, {@link io.penstock.measure.XxHash64} of text), and two ways
 * to share keys out by it: {@link io.penstock.measure.Rendezvous} and {@link
 * io.penstock.measure.HashRing}.
 *
 * <p>Owns no state beyond the object at hand, hears and says nothing; every room may use it. It
 * reads no clock and draws no random number.
 *
 * <p>Decisions. What nodes must agree on without talking (who owns a pool, who probes a replica) is
 * settled by rendezvous hashing, which needs no structure to be kept alike; the ring is for one
 * node's own choice among weighted replicas, where the way on from a full one must be stable. The
 * hash is our own few lines since it is part of what nodes of two releases must compute alike, and
 * {@code hashCode} promises that to nobody. Quantiles are left to Micrometer and HdrHistogram.
 */
@NullMarked
package io.penstock.measure;

import org.jspecify.annotations.NullMarked;
