package io.penstock.inference;

/** One JVM of the cluster, as the cluster manager names it; a new one after each start. */
public record NodeId(String value) implements Comparable<NodeId> {
  public NodeId {
    Checks.notBlank(value, "NodeId");
  }

  @Override
  public int compareTo(NodeId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
