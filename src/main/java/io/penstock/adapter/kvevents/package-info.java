/**
 * The events of engines' prefix caches over ZeroMQ: the prober's {@link
 * io.penstock.prober.CacheEvents}.
 *
 * <p>Owns the sockets, on one thread of its own for all replicas of the node's share, which alone
 * touches them and the books ({@link io.penstock.kvevents.KvStream}); the event loop hears of each
 * replica a few numbers, the latest that there are. One prober of the cluster follows a replica, as
 * one probes it: the events are heard once, the handing over is that of the probes, and what comes
 * of them travels in the same report. A pool's owner would have been the other choice; but owners
 * move with the pools, all of a pool's replicas at once, and the past would have to be asked for
 * again from each.
 */
@NullMarked
package io.penstock.adapter.kvevents;

import org.jspecify.annotations.NullMarked;
