package io.penstock.inference;

/** A set of replicas that serve one model alike. */
public record PoolName(String value) implements Comparable<PoolName> {
  public PoolName {
    Checks.notBlank(value, "PoolName");
  }

  @Override
  public int compareTo(PoolName other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
