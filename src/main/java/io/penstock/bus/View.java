package io.penstock.bus;

import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.Role;
import io.penstock.inference.TenantId;
import io.penstock.measure.Rendezvous;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The cluster at one moment, the same on every node that has heard the same beacons.
 *
 * @param nodes sorted by id; draining nodes are among them with the roles that they still have
 */
public record View(List<Node> nodes) {
  public View {
    nodes = nodes.stream().sorted(Comparator.comparing(Node::id)).toList();
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
