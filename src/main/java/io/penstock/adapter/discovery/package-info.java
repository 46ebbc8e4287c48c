/**
 * Where replica lists come from: the implementation of {@link io.penstock.prober.ReplicaLists}.
 *
 * <p>A list is written out in the configuration, the answer to a DNS question (A or SRV) asked
 * again at intervals, or a JSON file that is read again when its content changes. A source that
 * fails keeps its last list and says so in the log once, not at every try: an empty fleet because a
 * name server was away for a second would be worse than a list that is a minute old, and the health
 * checks find out who is really there.
 *
 * <p><b>Decisions.</b> A replica that is not named gets an id of its pool's name and a short hash
 * of its address, the same on every node and never the address itself. An answer without records,
 * NXDOMAIN too, counts as a failure. Files are compared by content, not by time stamp, and polled,
 * not watched: notifications miss the symbolic links that Kubernetes swaps, and network mounts. A
 * name server that is slow or down is not asked by every pool at every turn: each server has one
 * {@link io.penstock.adapter.guard.Guard}. That a name does not exist is an answer, and no fault of
 * its server.
 */
@NullMarked
package io.penstock.adapter.discovery;

import org.jspecify.annotations.NullMarked;
