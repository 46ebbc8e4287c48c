/**
 * The role {@code batcher}: the queue of each pool that this node owns, and the ledger of its live
 * grants. It decides <em>when, where and with whom</em> a request runs, and never opens a client
 * connection.
 *
 * <p>A pool has one owner in the cluster, named by rendezvous hashing over the nodes of the role,
 * so that a limit of 100 is 100 whatever the number of gateways and least loaded is exact. {@link
 * io.penstock.batcher.PoolOwner} is the node's part in that: epochs and the census of a new owner.
 * {@link io.penstock.batcher.Admission} lets requests in and grants, {@link
 * io.penstock.batcher.FairQueue} says who is next, {@link io.penstock.batcher.Outlook} how long
 * others will wait, {@link io.penstock.batcher.Ledger} what lives, {@link
 * io.penstock.batcher.Roster} the pool's replicas, {@link io.penstock.batcher.Strategy} the choice
 * among those that are free. All of them are plain objects on one event loop that are handed the
 * time; {@link io.penstock.batcher.BatcherVerticle} alone knows the bus, the clock and the timer.
 *
 * <p>Strategies that learn are told what becomes of each grant: {@link
 * io.penstock.batcher.Prospects} keeps what is expected of each replica, which is what its prefix
 * cache holds ({@link io.penstock.batcher.PrefixIndex}, corrected by what engines say they found
 * or, where their events are followed, by what those say: {@link io.penstock.batcher.EngineCache}),
 * how fast it reads and writes ({@link io.penstock.batcher.Tempo}) and what it has still to read
 * ({@link io.penstock.batcher.Backlog}). The receipts of choices are in {@link
 * io.penstock.batcher.DecisionLog}.
 *
 * <p>Requests that ask for the same share calls: {@link io.penstock.batcher.Gathering} says which,
 * the owner being the only one that sees all that wait.
 *
 * <p>What becomes of grants is what the owner learns of its replicas: {@link
 * io.penstock.batcher.Conduct} keeps for each its {@link io.penstock.batcher.Breaker}, failed
 * connections ({@link io.penstock.batcher.Suspicion}), refusals ({@link
 * io.penstock.batcher.BackPressure}) and time to the first token ({@link
 * io.penstock.batcher.Latency}, {@link io.penstock.batcher.Outliers}), and {@link
 * io.penstock.batcher.Formation} says who carries work under the pool's failover policy. What each
 * zone carries is kept in {@link io.penstock.batcher.ZoneLoad}. A new owner starts with a clean
 * slate and learns anew.
 *
 * <p>Hears Admit, Withdraw, FirstToken, Release, Remark and Renew of the ingress loops,
 * CensusAnswer, and HealthReport of the probers, AskPool and AskDecisions of the admin API. Says
 * Grant, Batch, Seat, Refusal, NotOwner, RenewAnswer, PoolReport, Decisions, Census to all ingress
 * loops, and Doubt and AskHealth to the probers.
 *
 * <p>Decisions: a replica is chosen when a slot is free, not when a request arrives; a retry goes
 * first in its class; classes are served in strict order but for their floors and ages, and inside
 * a class tenants get equal tokens by their weights, of what this owner has seen: after a hand-over
 * counters start anew; a request that must wait longer than it may is refused at once; a replica
 * that fails gets no new grants and keeps those it has until they are released; leases last 15 s
 * without renewal, and a renewal is all that its holder has, so that a lost release costs no slot
 * for longer; an idle pool costs no timer. A batcher that is started afresh since the one before it
 * failed is an owner that takes over from itself: the same census under a higher epoch, asked of
 * the same ingress loops, which then ask again for what waits. When the configuration is read again
 * a pool that has changed keeps its queue, ledger, epoch and what is known of its replicas, one
 * that has not is not touched, and one that is gone refuses who waits and keeps account of what
 * runs until it has ended.
 */
@NullMarked
package io.penstock.batcher;

import org.jspecify.annotations.NullMarked;
