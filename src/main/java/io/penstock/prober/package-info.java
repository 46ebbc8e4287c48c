/**
 * Probes and scrapes a share of the replicas. Decides whether a replica is healthy and how loaded
 * its engine says it is; never counts requests.
 */
@NullMarked
package io.penstock.prober;

import org.jspecify.annotations.NullMarked;
