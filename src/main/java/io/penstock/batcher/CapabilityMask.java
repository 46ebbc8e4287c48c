package io.penstock.batcher;

import io.penstock.inference.Capability;
import java.util.Set;

/** Sets of capabilities as bits, so that a test against 64 replicas is 64 ands. */
final class CapabilityMask {
  /** Every capability; also what a replica counts for that declares nothing. */
  static final int ALL = (1 << Capability.values().length) - 1;

  private CapabilityMask() {}

  /** A mask lives and dies in one process, so that the order of the constants may change. */
  @SuppressWarnings("EnumOrdinal")
  static int of(Set<Capability> capabilities) {
    int mask = 0;
    for (Capability each : capabilities) {
      mask |= 1 << each.ordinal();
    }
    return mask;
  }
}
