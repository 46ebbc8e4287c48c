package io.penstock.tenancy;

import io.penstock.fault.Fault;
import java.util.function.Consumer;

/** Whether a caller comes in. */
public sealed interface Verdict {
  /** He does. */
  record Known(Identity identity) implements Verdict {
    @Override
    public void tell(Consumer<Known> known, Consumer<Denied> denied) {
      known.accept(this);
    }
  }

  /**
   * He does not.
   *
   * @param retryAfterMillis when another try may succeed; 0 when none will
   */
  record Denied(Fault fault, String message, long retryAfterMillis) implements Verdict {
    @Override
    public void tell(Consumer<Known> known, Consumer<Denied> denied) {
      denied.accept(this);
    }
  }

  /** Hands it to the one or the other. */
  void tell(Consumer<Known> known, Consumer<Denied> denied);

  /** For who has shown nothing that opens. */
  static Denied invalid(String message) {
    return new Denied(Fault.INVALID_API_KEY, message, 0);
  }
}
