package io.penstock.bus;

import io.penstock.inference.LimitShare;
import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.Role;
import io.penstock.inference.TenantId;
import io.penstock.measure.Rendezvous;
import io.penstock.message.Absent;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The cluster at one moment, the same on every node that has heard the same beacons but for the
 * reunions.
 *
 * @param nodes sorted by id; draining nodes are among them with the roles that they still have
 * @param missing who is gone and may be working where these can't see it, sorted by name
 * @param share which part of every limit these may use; less than all of it while somebody is
 *     missing, and for a moment after somebody has died
 * @param reunions how often, by this node's count, somebody came back who was missing, and may hold
 *     what an owner on another side has granted
 */
public record View(List<Node> nodes, List<Absent> missing, LimitShare share, long reunions) {
  public View {
    nodes = nodes.stream().sorted(Comparator.comparing(Node::id)).toList();
    missing = List.copyOf(missing);
  }

  /** Nobody is missing. */
  public View(List<Node> nodes) {
    this(nodes, List.of(), LimitShare.WHOLE, 0);
  }

  /**
   * One node.
   *
   * @param lanes number of its ingress loops
   */
  public record Node(
      NodeId id,
      String name,
      String zone,
      Set<Role> roles,
      int lanes,
      String fleetHash,
      boolean draining) {
    public Node {
      roles = Set.copyOf(roles);
    }
  }

  /** The nodes that advertise a role, sorted by id. */
  public List<NodeId> with(Role role) {
    return nodes.stream().filter(n -> n.roles().contains(role)).map(Node::id).toList();
  }

  /**
   * The node that keeps a tenant's limits: rendezvous hashing of his id over the nodes with the
   * role {@code ingress}.
   */
  public Optional<NodeId> keeperOf(TenantId tenant) {
    return Rendezvous.pick("limits of " + tenant.value(), with(Role.INGRESS), NodeId::value);
  }

  /** How many ingress loops there are. */
  public int ingressLoops() {
    int loops = 0;
    for (Node each : nodes) {
      loops += each.roles().contains(Role.INGRESS) ? each.lanes() : 0;
    }
    return loops;
  }

  /**
   * The node that owns a pool: rendezvous hashing of its name over the nodes with the role {@code
   * batcher}.
   */
  public Optional<NodeId> ownerOf(PoolName pool) {
    return Rendezvous.pick(pool.value(), with(Role.BATCHER), NodeId::value);
  }
}
