/**
 * Decides whether a replica is healthy, and learns how loaded its engine says it is and whether it
 * can go on with another's message; never counts requests.
 *
 * <p><b>Owns</b> the probes and scrapes of this node's share of the replicas, and each one's state.
 * A replica belongs to one prober of the cluster: rendezvous hashing of its id over the nodes that
 * advertise {@code health-prober}, so a prober that comes or goes moves only its own share.
 *
 * <p><b>Hears</b> the cluster's views, each pool's replica list ({@link
 * io.penstock.prober.ReplicaLists}), the answers of engines ({@link
 * io.penstock.prober.EngineProbes}) and what they publish of their prefix caches ({@link
 * io.penstock.prober.CacheEvents}), the reports of the other probers and the doubts of pools'
 * owners ({@link io.penstock.message.Doubt}). <b>Says</b> one {@link
 * io.penstock.message.HealthReport} to the batchers, the routers and the other probers: of its
 * whole share every signal interval and when a room asks that knows nothing ({@link
 * io.penstock.message.AskHealth}), and at once of each replica whose state, description or ability
 * has changed, that has left its list, whose cache has become empty, or of which a doubt is
 * answered. Only of those: a share can be thousands, and when a rack fails its states change for
 * seconds on end.
 *
 * <p><b>Decisions.</b> A share moves without a gap: whoever takes a replica over starts from the
 * state that the last report told, says nothing of a replica it knows nothing about while somebody
 * else may know more, and whoever gives it up goes on until the new one has spoken, 5 s at most.
 * One that is started afresh, since the one before it failed, begins in the same way. A doubted
 * replica is checked at once, every 200 ms at most, and falls on one failure: the requests that
 * failed are the first witness. A replica that flaps must prove itself longer ({@code
 * FlapDamping}). A replica that has left its list is reported as removed for 30 s, because reports
 * may be lost. What an engine can do is asked once after each rise ({@code Ability}), and only
 * where the pool's {@code resume} leaves it to the engine. Scrapes go to healthy replicas only, and
 * neither checks nor scrapes of one replica ever overlap. When the configuration is read again a
 * replica that stays goes on from what is known of it, and one that is gone has left its list. The
 * events of a prefix cache are followed by whoever probes the replica, so that they are heard once
 * in the cluster and move as the probes do; of what they say a few numbers go into each report, at
 * once where the cache has become empty.
 */
@NullMarked
package io.penstock.prober;

import org.jspecify.annotations.NullMarked;
