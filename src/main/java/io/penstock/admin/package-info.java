/**
 * The admin API, {@code /admin/v1/**}, on a port and with a key of its own: how the fleet stands,
 * drains of replicas, pools and nodes, reload of the configuration.
 *
 * <p>{@link io.penstock.admin.AdminVerticle} runs on every node, since every node may be asked to
 * drain by another's API; it listens for HTTP only where a port is configured. It owns no state but
 * questions that are open: orders to drain live in {@link io.penstock.bus.Drains}, what a node does
 * about itself is behind {@link io.penstock.admin.NodeControl}. Hears PoolReport, Decisions and
 * NodeReport, and AskNode of its peers; says AskPool and AskDecisions to the pools' owners, AskNode
 * and NodeReport.
 *
 * <p>It also looks at the fleet every five seconds, and more often while nothing is healthy yet,
 * for the node's readiness and alarms: the owners of the pools are asked, since they alone know
 * what they would grant, and every node can ask them whatever its roles are.
 *
 * <p>Decisions: who does not answer within two seconds is named in the answer instead of holding it
 * up; without a key the API is for this machine alone, and a browser on it is turned away by its
 * Origin and by the name that it has called, so that no page can act through it; a drain says that
 * it is done only by the word of the pool's owner, after that has heard of the order.
 */
@NullMarked
package io.penstock.admin;

import org.jspecify.annotations.NullMarked;
