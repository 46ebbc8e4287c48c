package io.penstock.message;

import io.penstock.inference.NodeId;
import java.util.List;

/** How a node's requests have used the registered prefixes, since it began. */
public record PrefixUses(long question, NodeId node, List<PrefixUse> uses) implements Message {
  public PrefixUses {
    uses = List.copyOf(uses);
  }
}
