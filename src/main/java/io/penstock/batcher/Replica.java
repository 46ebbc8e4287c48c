package io.penstock.batcher;

import io.penstock.inference.Capability;
import io.penstock.inference.NodeId;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One replica as its pool's owner knows it: what it is, whether it may be used, how many live
 * grants it carries. Changed by {@link Roster} alone.
 */
final class Replica {
  private final ReplicaId id;

  /** Null while only a lease names it: its list has not been heard yet, or lists it no more. */
  private @Nullable ReplicaSpec spec;

  private int capabilities;
  private boolean usable;
  private boolean draining;
  private int live;

  /** Last word of a prober; null before the first. */
  @Nullable ReplicaState reported;

  /** Who said so. */
  @Nullable NodeId prober;

  /** Whether its API says that it can go on with a message; empty when it is not known. */
  Optional<Boolean> continuesMessages = Optional.empty();

  /**
   * Until when an heir's "never answered yet" does not count against a replica that was healthy.
   */
  long trustedUntilMillis;

  /** Ordinal of its last grant in the pool; 0 before the first. */
  long lastGrant;

  /** Its running credit under smooth weighted round robin. */
  double credit;

  /** The last pick of the bounded hash that had it among its candidates. */
  long candidateOf;

  Replica(ReplicaId id) {
    this.id = id;
  }

  ReplicaId id() {
    return id;
  }

  boolean listed() {
    return spec != null;
  }

  ReplicaSpec spec() {
    ReplicaSpec known = spec;
    if (known == null) {
      throw new IllegalStateException("replica " + id + ": not listed (expected: listed)");
    }
    return known;
  }

  /**
   * @param ofPool what the pool declares, taken where the replica declares nothing; where that is
   *     empty too nothing is known and nothing is held against it
   */
  void describe(ReplicaSpec newSpec, Set<Capability> ofPool) {
    spec = newSpec;
    Set<Capability> declared = newSpec.capabilities().isEmpty() ? ofPool : newSpec.capabilities();
    capabilities = declared.isEmpty() ? CapabilityMask.ALL : CapabilityMask.of(declared);
  }

  int capabilities() {
    return capabilities;
  }

  int live() {
    return live;
  }

  void addLive(int change) {
    live += change;
  }

  int maxConcurrent() {
    return spec == null ? 0 : spec.maxConcurrent();
  }

  double weight() {
    return spec == null ? 1 : spec.weight();
  }

  void usable(boolean now) {
    usable = now;
  }

  boolean usable() {
    return usable;
  }

  /** Whether it gets no new grants by somebody's order; neither unhealthy nor failed. */
  boolean draining() {
    return draining;
  }

  void draining(boolean now) {
    draining = now;
  }

  /** Whether it takes one more request now. */
  boolean open() {
    return usable && live < maxConcurrent();
  }

  boolean suits(int needs, Set<ReplicaId> excluded) {
    return (capabilities & needs) == needs && (excluded.isEmpty() || !excluded.contains(id));
  }

  @Override
  public String toString() {
    return id + " " + live + "/" + maxConcurrent() + (usable ? "" : " not usable");
  }
}
