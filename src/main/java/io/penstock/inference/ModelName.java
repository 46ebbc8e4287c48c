package io.penstock.inference;

/** A model as a client or an engine writes it. */
public record ModelName(String value) implements Comparable<ModelName> {
  public ModelName {
    Checks.notBlank(value, "ModelName");
  }

  @Override
  public int compareTo(ModelName other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
