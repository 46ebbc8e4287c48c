package io.penstock.inference;

/**
 * A request's name, unique in the cluster while it lives; the client's {@code x-request-id} where
 * it is well formed.
 */
public record RequestId(String value) implements Comparable<RequestId> {
  public RequestId {
    Checks.notBlank(value, "RequestId");
  }

  @Override
  public int compareTo(RequestId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
