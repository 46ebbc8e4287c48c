package io.penstock.inference;

/** A level of service that a model stands for, such as {@code fast}, {@code quality}. */
public record TierName(String value) implements Comparable<TierName> {
  public TierName {
    Checks.notBlank(value, "TierName");
  }

  @Override
  public int compareTo(TierName other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
