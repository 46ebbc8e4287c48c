package io.penstock.openai;

import io.penstock.inference.Capability;
import io.penstock.inference.ModelName;
import io.penstock.inference.Priority;
import io.penstock.inference.RequestId;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the headers that the gateway understands; null stands for a header that is not there. */
public final class RequestHeaders {
  private RequestHeaders() {}

  /**
   * {@code x-request-id}, kept if it is 1-128 of {@code [A-Za-z0-9._-]}; empty where a new one has
   * to be made.
   */
  public static Optional<RequestId> requestId(@Nullable String value) {
    throw new UnsupportedOperationException();
  }

  /** {@code x-model-id}. */
  public static Checked<Optional<ModelName>> model(@Nullable String value) {
    throw new UnsupportedOperationException();
  }

  /** {@code x-penstock-priority}. */
  public static Checked<Optional<Priority>> priority(@Nullable String value) {
    throw new UnsupportedOperationException();
  }

  /** {@code x-penstock-capabilities}: comma separated; every one is required. */
  public static Checked<Set<Capability>> capabilities(@Nullable String value) {
    throw new UnsupportedOperationException();
  }

  /** {@code x-penstock-timeout-ms}: whole milliseconds, at least 1. */
  public static Checked<Optional<Duration>> timeout(@Nullable String value) {
    throw new UnsupportedOperationException();
  }

  /** {@code traceparent}, where it is one by the W3C recommendation; else empty. */
  public static Optional<String> traceparent(@Nullable String value) {
    throw new UnsupportedOperationException();
  }
}
