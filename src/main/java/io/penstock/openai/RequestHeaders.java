package io.penstock.openai;

import io.penstock.inference.Capability;
import io.penstock.inference.ModelName;
import io.penstock.inference.Priority;
import io.penstock.inference.RequestId;
import io.penstock.inference.TierName;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Reads the headers that the gateway understands. Null stands for a header that is not there, and
 * so does a blank one where that is not a mistake.
 */
public final class RequestHeaders {
  private static final String MODEL = "x-model-id";
  private static final String PRIORITY = "x-penstock-priority";
  private static final String CAPABILITIES = "x-penstock-capabilities";
  private static final String RESUME = "x-penstock-resume";
  private static final String TIMEOUT = "x-penstock-timeout-ms";
  private static final String TIER = "x-penstock-tier";
  private static final String LATENCY_BUDGET = "x-penstock-latency-budget-ms";
  private static final String MAX_COST = "x-penstock-max-cost";
  private static final String MIN_QUALITY = "x-penstock-min-quality";
  private static final String COMPLEXITY = "x-penstock-complexity";
  private static final Pattern TIER_NAME = Pattern.compile("[a-z0-9][a-z0-9_-]{0,31}");
  private static final Pattern DECIMAL = Pattern.compile("[0-9]{1,9}(\\.[0-9]{1,12})?");

  private static final int MAX_REQUEST_ID_CHARS = 128;

  /** 24 days: what fits an {@code int} of milliseconds, and far beyond any node's own limit. */
  private static final long MAX_TIMEOUT_MILLIS = Integer.MAX_VALUE;

  /** W3C Trace Context, section 3.2: version, trace id, parent id, flags, each after a hyphen. */
  private static final int TRACE_AT = 3;

  private static final int PARENT_AT = 36;
  private static final int FLAGS_AT = 53;
  private static final int TRACEPARENT_CHARS = 55;
  private static final int MAX_TRACEPARENT_CHARS = 512;

  private RequestHeaders() {}

  /**
   * {@code x-request-id}, kept if it is 1-128 of {@code [A-Za-z0-9._-]}; empty where a new one has
   * to be made.
   */
  public static Optional<RequestId> requestId(@Nullable String value) {
    if (value == null || value.isEmpty() || value.length() > MAX_REQUEST_ID_CHARS) {
      return Optional.empty();
    }
    for (int i = 0; i < value.length(); i++) {
      if (!isIdCharacter(value.charAt(i))) {
        return Optional.empty();
      }
    }
    return Optional.of(new RequestId(value));
  }

  private static boolean isIdCharacter(char c) {
    return c >= 'a' && c <= 'z'
        || c >= 'A' && c <= 'Z'
        || c >= '0' && c <= '9'
        || c == '.'
        || c == '_'
        || c == '-';
  }

  /** {@code x-model-id}. */
  public static Checked<Optional<ModelName>> model(@Nullable String value) {
    if (value == null) {
      return new Checked.Valid<>(Optional.empty());
    }
    String name = value.strip();
    if (name.isEmpty() || name.length() > BodyScan.MAX_MODEL_CHARS) {
      return wrong(
          MODEL, value, "the name of a model, at most " + BodyScan.MAX_MODEL_CHARS + " characters");
    }
    return new Checked.Valid<>(Optional.of(new ModelName(name)));
  }

  /** {@code x-penstock-priority}. */
  public static Checked<Optional<Priority>> priority(@Nullable String value) {
    if (value == null) {
      return new Checked.Valid<>(Optional.empty());
    }
    Optional<Priority> priority = Priority.of(value.strip().toLowerCase(Locale.ROOT));
    if (priority.isEmpty()) {
      return wrong(PRIORITY, value, "one of " + labels(Priority.values()));
    }
    return new Checked.Valid<>(priority);
  }

  /** {@code x-penstock-capabilities}: comma separated; every one is required. */
  public static Checked<Set<Capability>> capabilities(@Nullable String value) {
    EnumSet<Capability> found = EnumSet.noneOf(Capability.class);
    for (String each : value == null ? new String[0] : value.split(",", -1)) {
      String label = each.strip().toLowerCase(Locale.ROOT);
      Optional<Capability> capability = Capability.of(label);
      if (capability.isEmpty() && !label.isEmpty()) {
        return wrong(CAPABILITIES, each.strip(), "a list of " + labels(Capability.values()));
      }
      capability.ifPresent(found::add);
    }
    return new Checked.Valid<>(Set.copyOf(found));
  }

  /** {@code x-penstock-timeout-ms}: whole milliseconds, at least 1. */
  public static Checked<Optional<Duration>> timeout(@Nullable String value) {
    if (value == null) {
      return new Checked.Valid<>(Optional.empty());
    }
    long millis = digits(value.strip());
    if (millis < 1 || millis > MAX_TIMEOUT_MILLIS) {
      return wrong(TIMEOUT, value, "whole milliseconds from 1 to " + MAX_TIMEOUT_MILLIS);
    }
    return new Checked.Valid<>(Optional.of(Duration.ofMillis(millis)));
  }

  /** {@code x-penstock-resume}: {@code on} or {@code off}; on where it is not there. */
  public static Checked<Boolean> resume(@Nullable String value) {
    String word = value == null ? "on" : value.strip().toLowerCase(Locale.ROOT);
    return switch (word) {
      case "on" -> new Checked.Valid<>(true);
      case "off" -> new Checked.Valid<>(false);
      default -> wrong(RESUME, value == null ? "" : value, "on or off");
    };
  }

  /** {@code x-penstock-tier}: the name of a tier. */
  public static Checked<Optional<TierName>> tier(@Nullable String value) {
    if (value == null) {
      return new Checked.Valid<>(Optional.empty());
    }
    String name = value.strip();
    if (!TIER_NAME.matcher(name).matches()) {
      return wrong(TIER, value, "the name of a tier");
    }
    return new Checked.Valid<>(Optional.of(new TierName(name)));
  }

  /** {@code x-penstock-latency-budget-ms}: whole milliseconds, at least 1; 0 where not there. */
  public static Checked<Integer> latencyBudget(@Nullable String value) {
    if (value == null) {
      return new Checked.Valid<>(0);
    }
    long millis = digits(value.strip());
    if (millis < 1 || millis > MAX_TIMEOUT_MILLIS) {
      return wrong(LATENCY_BUDGET, value, "whole milliseconds from 1 to " + MAX_TIMEOUT_MILLIS);
    }
    return new Checked.Valid<>((int) millis);
  }

  /** {@code x-penstock-max-cost}: of 1,000 tokens, above 0; 0 where it is not there. */
  public static Checked<Double> maxCost(@Nullable String value) {
    double number = value == null ? 0 : decimal(value.strip());
    if (value != null && !(number > 0)) {
      return wrong(MAX_COST, value, "a cost of 1,000 tokens above 0, such as 0.01");
    }
    return new Checked.Valid<>(number);
  }

  /** {@code x-penstock-min-quality}: from 0 to 1; empty where it is not there. */
  public static Checked<Optional<Double>> minQuality(@Nullable String value) {
    return share(MIN_QUALITY, value);
  }

  /** {@code x-penstock-complexity}: from 0 to 1; empty where it is not there. */
  public static Checked<Optional<Double>> complexity(@Nullable String value) {
    return share(COMPLEXITY, value);
  }

  private static Checked<Optional<Double>> share(String header, @Nullable String value) {
    if (value == null) {
      return new Checked.Valid<>(Optional.empty());
    }
    double number = decimal(value.strip());
    if (!(number >= 0 && number <= 1)) {
      return wrong(header, value, "a number from 0 to 1");
    }
    return new Checked.Valid<>(Optional.of(number));
  }

  /** The number, or NaN where the text is not a decimal one without sign and exponent. */
  private static double decimal(String text) {
    return DECIMAL.matcher(text).matches() ? Double.parseDouble(text) : Double.NaN;
  }

  /** The number, or -1 where the text is not one of 1 to 10 digits. */
  private static long digits(String text) {
    if (text.isEmpty() || text.length() > 10) {
      return -1;
    }
    long number = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9') {
        return -1;
      }
      number = number * 10 + (c - '0');
    }
    return number;
  }

  /**
   * {@code traceparent}, where it is one by the W3C recommendation; else empty. Of a version after
   * 00, which may have more fields, the known ones are checked.
   */
  public static Optional<String> traceparent(@Nullable String value) {
    return value != null && isTraceparent(value) ? Optional.of(value) : Optional.empty();
  }

  private static boolean isTraceparent(String value) {
    int length = value.length();
    return length >= TRACEPARENT_CHARS
        && length <= MAX_TRACEPARENT_CHARS
        && isHex(value, 0, TRACE_AT - 1)
        && isHex(value, TRACE_AT, PARENT_AT - 1)
        && isHex(value, PARENT_AT, FLAGS_AT - 1)
        && isHex(value, FLAGS_AT, TRACEPARENT_CHARS)
        && (length == TRACEPARENT_CHARS
            || value.charAt(TRACEPARENT_CHARS) == '-' && !value.startsWith("00"))
        && !value.startsWith("ff")
        && !isZero(value, TRACE_AT, PARENT_AT - 1)
        && !isZero(value, PARENT_AT, FLAGS_AT - 1);
  }

  /** Whether there are only lower-case hexadecimal digits, after a hyphen where it is not first. */
  private static boolean isHex(String text, int from, int to) {
    if (from > 0 && text.charAt(from - 1) != '-') {
      return false;
    }
    for (int i = from; i < to; i++) {
      char c = text.charAt(i);
      if (!(c >= '0' && c <= '9' || c >= 'a' && c <= 'f')) {
        return false;
      }
    }
    return true;
  }

  private static boolean isZero(String text, int from, int to) {
    for (int i = from; i < to; i++) {
      if (text.charAt(i) != '0') {
        return false;
      }
    }
    return true;
  }

  private static String labels(Enum<?>[] values) {
    return Arrays.stream(values).map(Enum::toString).collect(Collectors.joining(", "));
  }

  private static <T> Checked<T> wrong(String header, String found, String expected) {
    Complaint complaint = new Complaint();
    complaint.wrong(header, "'" + Complaint.quoted(found) + "'", expected);
    return complaint.<T>verdict().orElseThrow();
  }
}
