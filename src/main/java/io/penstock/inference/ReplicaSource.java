package io.penstock.inference;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Where a pool's list of replicas comes from. */
public sealed interface ReplicaSource {
  /** Written out in the configuration. */
  record Listed(List<ReplicaSpec> replicas) implements ReplicaSource {
    public Listed {
      replicas = List.copyOf(replicas);
    }
  }

  /**
   * A name in the DNS. {@code A}: one replica per address, all on {@code port}. {@code SRV}: one
   * replica per record, with the record's port and weight.
   *
   * @param scheme {@code http} or {@code https}
   * @param port port of every replica; ignored for SRV
   * @param nameServer {@code host:port} to ask; the system's resolver when absent
   */
  record Dns(
      String name,
      RecordType type,
      String scheme,
      int port,
      Duration refresh,
      Optional<String> nameServer)
      implements ReplicaSource {}

  /** A JSON file with a list like {@link Listed}'s, read again whenever it changes. */
  record Watched(Path file) implements ReplicaSource {}

  /**
   * Simulated engines in this process, started with the node.
   *
   * @param profile name of a GPU and model size that the simulator knows
   */
  record Simulated(int count, String profile) implements ReplicaSource {}

  /** Kinds of DNS record that can list replicas. */
  enum RecordType {
    A,
    SRV
  }
}
