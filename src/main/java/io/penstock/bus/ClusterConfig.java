package io.penstock.bus;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How a node finds the others of its region.
 *
 * @param name clusters of different names never join
 * @param host the address that others reach this node at
 * @param port Hazelcast's port; exactly this one
 * @param busPort the event bus's port
 * @param heartbeatInterval how often members say that they live
 * @param maxNoHeartbeat silence after which a member is removed
 * @param census how long a new owner of a pool waits for the ingress nodes' live grants
 * @param forgetMissing after which a majority of the nodes takes one that is missing for dead;
 *     zero: never
 * @param hazelcastFile a Hazelcast configuration of the user's own that replaces everything but
 *     {@code host} and {@code busPort}
 */
public record ClusterConfig(
    String name,
    String host,
    int port,
    int busPort,
    Join join,
    Duration heartbeatInterval,
    Duration maxNoHeartbeat,
    Duration census,
    Duration forgetMissing,
    Optional<Path> hazelcastFile) {

  /** How members are found. */
  public sealed interface Join {
    /** {@code host:port} of each node, this one included or not. */
    record Static(List<String> members) implements Join {
      public Static {
        members = List.copyOf(members);
      }
    }

    /** The A records of a headless service. */
    record Dns(String service) implements Join {}

    /** The endpoints of a service, asked of the Kubernetes API. */
    record Kubernetes(String namespace, String service) implements Join {}
  }
}
