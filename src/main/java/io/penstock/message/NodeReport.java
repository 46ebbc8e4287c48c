package io.penstock.message;

import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import java.util.Set;

/**
 * How a node stands.
 *
 * @param question of the {@link AskNode}
 * @param live requests that it carries for clients
 * @param roles that it holds now
 */
public record NodeReport(long question, NodeId node, boolean draining, int live, Set<Role> roles)
    implements Message {}
