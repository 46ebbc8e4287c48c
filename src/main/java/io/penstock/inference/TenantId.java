package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.util.regex.Pattern;

/** Who is asking and who is charged: 1-64 characters of {@code [A-Za-z0-9._-]}. */
public record TenantId(String value) implements Comparable<TenantId> {
  private static final Pattern FORM = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  /** Whoever calls where no keys are asked for. */
  public static final TenantId ANONYMOUS = new TenantId("anonymous");

  public TenantId {
    require(
        FORM.matcher(value).matches(),
        "TenantId",
        "'" + value + "'",
        "1-64 characters of [A-Za-z0-9._-]");
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
