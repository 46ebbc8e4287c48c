package io.penstock.ingress;

import io.penstock.inference.Operation;
import io.penstock.inference.Pool;
import io.penstock.message.Company;
import io.penstock.message.Grant;
import io.penstock.message.Seat;
import io.penstock.openai.LaneBody;
import io.vertx.core.MultiMap;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One request's part in calls that others share. */
final class Ride {
  /** Its body, while it waits for a call that others may share. */
  private @Nullable LaneBody lane;

  private boolean follows;

  /**
   * With whom it may share its next call, where it is of a kind that can be shared. Once a call has
   * failed it goes alone, so that one that breaks engines takes nobody along twice.
   */
  Optional<Company> company(
      Pool of, Operation operation, MultiMap headers, byte[] body, Attempts before) {
    boolean may =
        of.batching().shares(operation)
            && (before.next() == 1 || before.onlyPressed())
            && Headers.saysNothing(headers);
    lane = may ? LaneBody.of(operation, body).orElse(null) : null;
    return Optional.ofNullable(lane).map(each -> new Company(each.key(), each.inputs()));
  }

  /** It has a slot of its own. */
  void alone() {
    follows = false;
  }

  /** It shares a call; the grant that stands for the slot that it does not have. */
  Grant share(Seat seat) {
    follows = !seat.leads();
    return new Grant(
        seat.id(),
        seat.pool(),
        seat.epoch(),
        seat.replica(),
        "",
        seat.queuedMillis(),
        Optional.empty(),
        false);
  }

  /** What it asks in the place of a call of its own. */
  Upstream call(Lanes lanes, Seat seat, Upstream.Listener listener) {
    if (lane == null) {
      throw new IllegalStateException("it has not asked for company");
    }
    return lanes.call(seat, lane, listener);
  }

  /** Whether its call is one that others share, and it is not the first of them. */
  boolean follows() {
    return follows;
  }

  /** Nothing of it is needed any more. */
  void over() {
    lane = null;
  }
}
