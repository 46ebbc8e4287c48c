package io.penstock.batcher;

import io.penstock.batcher.AdmissionDecision.Refused;
import io.penstock.fault.Fault;
import io.penstock.inference.LimitShare;
import io.penstock.inference.Pool;
import io.penstock.message.Admit;
import io.penstock.message.Refusal;
import java.util.Optional;

/** Why a pool turns requests away, in words for clients. */
final class Refusals {
  static final long RETRY_AFTER_MIN_MILLIS = 1_000;
  static final long RETRY_AFTER_MAX_MILLIS = 60_000;

  private Refusals() {}

  static AdmissionDecision noReplica(Admit admit, Pool pool, Roster roster) {
    if (!roster.share().isWhole() && roster.isShareNothing()) {
      return noShare(admit, roster.share());
    }
    if (roster.allDrain()) {
      return refused(
          admit,
          Fault.DRAINING,
          "All replicas of pool '" + pool.name() + "' are being drained.",
          RETRY_AFTER_MIN_MILLIS);
    }
    String tried =
        admit.excluded().isEmpty() ? "" : " beyond the " + admit.excluded().size() + " tried";
    return refused(
        admit,
        Fault.NO_REPLICA,
        "Pool '" + pool.name() + "' has no healthy replica for this request" + tried + ".",
        pool.health().recoveryProbeInterval().toMillis());
  }

  private static AdmissionDecision noShare(Admit admit, LimitShare share) {
    return refused(
        admit,
        Fault.NO_REPLICA,
        "The cluster is split: "
            + share.present()
            + " of "
            + share.expected()
            + " shares of every limit are on this side, and that of pool '"
            + admit.pool()
            + "' is no slot at all. The other side may serve the request.",
        RETRY_AFTER_MIN_MILLIS);
  }

  static AdmissionDecision paused(Admit admit, long pausedMillis) {
    return refused(
        admit,
        Fault.QUEUE_FULL,
        "All replicas of pool '"
            + admit.pool()
            + "' that could serve this request have asked to be left alone for another "
            + pausedMillis
            + " ms, which is longer than it may wait.",
        bounded(pausedMillis));
  }

  static AdmissionDecision drained(Admit admit) {
    return refused(
        admit,
        Fault.DRAINING,
        "Pool '"
            + admit.pool()
            + "' is being drained and takes no new requests; no other pool could serve this one.",
        RETRY_AFTER_MIN_MILLIS);
  }

  static AdmissionDecision retired(Admit admit) {
    return refused(
        admit,
        Fault.UNKNOWN_POOL,
        "Pool '" + admit.pool() + "' has been taken out of the configuration.",
        RETRY_AFTER_MIN_MILLIS);
  }

  static AdmissionDecision queueFull(Admit admit, String why, long retryAfterMillis) {
    return refused(
        admit,
        Fault.QUEUE_FULL,
        "The queue of pool '" + admit.pool() + "' is full: " + why + ".",
        bounded(retryAfterMillis));
  }

  /**
   * @param waitMillis that a request like it would have now
   */
  static AdmissionDecision timedOut(Admit admit, long waitedMillis, long waitMillis) {
    return refused(
        admit,
        Fault.QUEUE_TIMEOUT,
        "Pool '" + admit.pool() + "' had no free slot within " + waitedMillis + " ms.",
        bounded(waitMillis));
  }

  private static long bounded(long retryAfterMillis) {
    return Math.max(RETRY_AFTER_MIN_MILLIS, Math.min(RETRY_AFTER_MAX_MILLIS, retryAfterMillis));
  }

  private static AdmissionDecision refused(
      Admit admit, Fault fault, String detail, long retryAfterMillis) {
    return new Refused(
        admit.replyTo(),
        new Refusal(admit.id(), Optional.of(admit.pool()), fault, detail, "", retryAfterMillis));
  }
}
