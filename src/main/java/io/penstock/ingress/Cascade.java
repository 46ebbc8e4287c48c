package io.penstock.ingress;

import io.penstock.inference.CascadePolicy;
import io.penstock.inference.ModelName;
import io.penstock.inference.TierName;
import io.penstock.inference.TierPolicy;
import io.penstock.tiers.Draft;
import io.penstock.tiers.RuleJudge;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How far up a request has come in its cascade: whether what the tier of now says is held and
 * judged, whether the answer has been found, and the best of the drafts that were rejected. Lives
 * as long as its exchange, on its loop.
 */
final class Cascade {
  private final DraftRoom room;
  private final Books books;
  private final Tiering tiering;
  private final Itinerary itinerary;
  private boolean accepted;
  private @Nullable Judging judging;
  private @Nullable Draft shown;
  private @Nullable SpareDraft spare;
  private @Nullable FailedEscalation failed;

  /**
   * The cascade of one request.
   *
   * @param room of its loop
   */
  Cascade(DraftRoom room, Books books, Tiering tiering, Itinerary itinerary) {
    this.room = room;
    this.books = books;
    this.tiering = tiering;
    this.itinerary = itinerary;
  }

  private Optional<CascadePolicy> policy() {
    return tiering.policy().flatMap(TierPolicy::cascade);
  }

  /**
   * Before the first tier: where the loop can hold no more drafts there is no cascade. As where a
   * judge fails, the policy says whether the chosen tier is to be believed, or the last one asked.
   */
  void begin() {
    Optional<CascadePolicy> policy = policy();
    if (!holds() || !room.isFull(policy.orElseThrow().heldMaxBytes())) {
      return;
    }
    itinerary.tier().ifPresent(tier -> count(tier, Judging.Verdict.NO_ROOM));
    if (policy.orElseThrow().acceptsOnFailure()) {
      itinerary.stayBelow();
    } else {
      itinerary.goToTop();
    }
  }

  /** Whether what the tier of now says is held and judged. */
  boolean holds() {
    return itinerary.canGoUp() && policy().isPresent();
  }

  /** Where it is held; null where it is the client's. */
  @Nullable HeldAnswer hold() {
    return holds() ? new HeldAnswer(policy().orElseThrow(), room) : null;
  }

  /**
   * Whether it is known which tier answers. A ping may take the headers along before that.
   *
   * @param hasContent whether the client gets content, of the tier of now or of a draft
   */
  boolean isDecided(boolean hasContent) {
    return accepted || failed != null || !(holds() || (spare != null && !hasContent));
  }

  /** Asks the judges about the draft of the tier of now. */
  void judge(
      Judging.Panel panel,
      String requestId,
      ModelName model,
      Draft draft,
      Consumer<Judging.Ruling> then) {
    TierName tier = itinerary.tier().orElseThrow();
    double threshold = tiering.policy().orElseThrow().qualityThreshold();
    shown = draft;
    judging =
        new Judging(
            panel,
            policy().orElseThrow(),
            new Judging.Case(requestId, tier, model, draft, threshold),
            ruling -> {
              count(tier, ruling.verdict());
              accepted = ruling.verdict() != Judging.Verdict.REJECTED;
              then.accept(ruling);
            });
    judging.begin();
  }

  /** The request has no time left: what a judge has not said by now, it will not say. */
  void expire() {
    if (judging != null) {
      judging.expire();
    }
  }

  /** The answer of the tier of now is the client's, though it could have been judged. */
  void unjudged(Judging.Verdict why) {
    accepted = true;
    itinerary.tier().ifPresent(tier -> count(tier, why));
  }

  private void count(TierName tier, Judging.Verdict verdict) {
    books.cascade(tier, verdict.label());
  }

  /**
   * The draft that was judged last was rejected: it is kept if it may be served and none before it
   * is better; of equal ones the higher tier's.
   *
   * @param isLimited whether the client has bounded the answer's length
   */
  void setAside(SpareDraft draft, boolean isLimited) {
    CascadePolicy policy = policy().orElseThrow();
    SpareDraft before = spare;
    boolean keeps =
        policy.servesDrafts()
            && shown != null
            && RuleJudge.isServable(shown, isLimited, Judging::isJson)
            && room.isForSpares(policy.heldMaxBytes())
            && (before == null || draft.ruling().rank() >= before.ruling().rank());
    shown = null;
    if (!keeps) {
      draft.answer().release();
      return;
    }
    if (before != null) {
      before.answer().release();
    }
    spare = draft;
  }

  /** What may be served when the tier of now fails. */
  Optional<SpareDraft> spare() {
    return Optional.ofNullable(spare);
  }

  /**
   * The tier of now has failed, and the draft is served.
   *
   * @param code why
   */
  void failed(SpareDraft served, String code) {
    failed =
        new FailedEscalation(
            served.tier(),
            itinerary.tier().orElseThrow(),
            code,
            served.ruling().quality(),
            served.ruling().by(),
            tiering.policy().orElseThrow().qualityThreshold());
    books.draftServed(served.tier(), code);
  }

  /** Whether a rejected draft is the answer, and why. */
  Optional<FailedEscalation> failure() {
    return Optional.ofNullable(failed);
  }

  /** The tier whose answer the client has, or that was tried last; empty where it named a model. */
  Optional<TierName> answered() {
    return failure().map(FailedEscalation::tier).or(itinerary::lastTier);
  }

  /** The request is over: no judge goes on, and nothing is held. */
  void over() {
    if (judging != null) {
      judging.cancel();
    }
    if (spare != null) {
      spare.answer().release();
      spare = null;
    }
  }
}
