package io.penstock.message;

import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import java.util.Set;

/**
 * A node says who it is: when its verticles are up, when it is asked, when something of this
 * changes, and every second.
 *
 * @param roles what it does now; a draining node gives its roles up one by one
 * @param lanes number of its ingress loops
 * @param fleetHash digest of its fleet section
 * @param wantsAnswers whether the sender has just arrived and asks all others for theirs
 */
public record Beacon(
    NodeId node,
    String name,
    String zone,
    Set<Role> roles,
    int lanes,
    String fleetHash,
    boolean draining,
    boolean wantsAnswers)
    implements Message {}
