package io.penstock.inference;

/** Who is asking and who is charged. */
public record TenantId(String value) implements Comparable<TenantId> {
  public TenantId {
    Checks.notBlank(value, "TenantId");
  }

  @Override
  public int compareTo(TenantId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
