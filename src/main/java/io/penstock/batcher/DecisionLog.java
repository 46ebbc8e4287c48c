package io.penstock.batcher;

import io.penstock.inference.RequestId;
import io.penstock.message.Decision;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The receipts of a pool's latest choices. Where few are made all are kept; of more than {@link
 * #PER_SECOND} a second a sample, and the others cost nothing. The oldest are dropped beyond {@link
 * #KEPT_MAX}. At level DEBUG each that is kept is logged. Requests that share a call share its
 * receipt.
 */
final class DecisionLog {
  static final int KEPT_MAX = 256;

  /** Most that are kept of those of one second, in the long run. */
  static final int PER_SECOND = 20;

  private static final Logger LOG = LoggerFactory.getLogger(DecisionLog.class);
  private static final long GAP_MILLIS = 1_000 / PER_SECOND;

  /**
   * A receipt.
   *
   * @param company who went in the same call, by the ids that their clients know
   */
  private record Kept(long atMillis, Decision decision, Set<RequestId> company) {
    /** The receipt of one request, if it is one of these. */
    Optional<Decision> of(RequestId request) {
      return decision.request().equals(request)
          ? Optional.of(decision)
          : company.contains(request) ? Optional.of(decision.by(request)) : Optional.empty();
    }
  }

  private final @Nullable Kept[] ring = new @Nullable Kept[KEPT_MAX];
  private long added;
  private long nextMillis = Long.MIN_VALUE;

  /** Whether the choice that is being made is to be kept. */
  boolean samples(long nowMillis) {
    if (nextMillis > nowMillis) {
      return false;
    }
    nextMillis = Math.max(nextMillis, nowMillis - 1_000) + GAP_MILLIS;
    return true;
  }

  void add(Decision decision, Set<RequestId> company, long nowMillis) {
    ring[(int) (added++ % KEPT_MAX)] = new Kept(nowMillis, decision, Set.copyOf(company));
    LOG.debug("{}", decision);
  }

  /** Something is to be said of the latest choice that was made for a request, if it is kept. */
  void remark(RequestId request, String text) {
    for (long at = added - 1; at >= 0 && at >= added - KEPT_MAX; at--) {
      Kept kept = ring[(int) (at % KEPT_MAX)];
      if (kept != null && kept.decision().request().equals(request)) {
        Decision remarked = kept.decision().remarked(text);
        ring[(int) (at % KEPT_MAX)] = new Kept(kept.atMillis(), remarked, kept.company());
        return;
      }
    }
  }

  /** The newest first. */
  List<Decision> last(Optional<RequestId> request, int most, long nowMillis) {
    List<Decision> found = new ArrayList<>();
    for (long at = added - 1; at >= 0 && at >= added - KEPT_MAX && found.size() < most; at--) {
      Kept kept = ring[(int) (at % KEPT_MAX)];
      if (kept != null) {
        request
            .map(kept::of)
            .orElse(Optional.of(kept.decision()))
            .ifPresent(told -> found.add(told.aged(nowMillis - kept.atMillis())));
      }
    }
    return found;
  }
}
