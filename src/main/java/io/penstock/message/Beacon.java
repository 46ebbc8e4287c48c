package io.penstock.message;

import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import java.util.List;
import java.util.Set;

/**
 * A node says who it is: when its verticles are up, when it is asked, when something of this
 * changes, and every second.
 *
 * @param roles what it does now; a draining node gives its roles up one by one
 * @param lanes number of its ingress loops
 * @param fleetHash digest of its fleet section
 * @param wantsAnswers whether the sender has just arrived and asks all others for theirs
 * @param address {@code host:port} at which it listens for other members; empty without a cluster
 * @param missing whom it misses
 * @param dead who is not to be missed: processes that have ended, and nodes that owned no pools
 * @param seats the equal parts of every limit, and who has them
 */
public record Beacon(
    NodeId node,
    String name,
    String zone,
    Set<Role> roles,
    int lanes,
    String fleetHash,
    boolean draining,
    boolean wantsAnswers,
    String address,
    List<Absent> missing,
    List<NodeId> dead,
    List<LimitSeat> seats)
    implements Message {
  public Beacon {
    roles = Set.copyOf(roles);
    missing = List.copyOf(missing);
    dead = List.copyOf(dead);
    seats = List.copyOf(seats);
  }
}
