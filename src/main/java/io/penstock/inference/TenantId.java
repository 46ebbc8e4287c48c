package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.util.regex.Pattern;

/** Who is asking and who is charged: 1 to 64 letters, digits, dots, underscores or dashes. */
public record TenantId(String value) implements Comparable<TenantId> {
  private static final Pattern FORM = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  /** Whoever asks where nobody has to say who he is. */
  public static final TenantId ANONYMOUS = new TenantId("anonymous");

  public TenantId {
    require(isValid(value), "TenantId", "'" + value + "'", "1-64 characters of [A-Za-z0-9._-]");
  }

  /** Whether a tenant can be called so. */
  public static boolean isValid(String value) {
    return FORM.matcher(value).matches();
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
