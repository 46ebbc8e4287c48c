package io.penstock.inference;

/** One engine process behind one base URL. Never an address. */
public record ReplicaId(String value) implements Comparable<ReplicaId> {
  public ReplicaId {
    Checks.notBlank(value, "ReplicaId");
  }

  @Override
  public int compareTo(ReplicaId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
