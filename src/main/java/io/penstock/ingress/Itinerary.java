package io.penstock.ingress;

import io.penstock.inference.ModelName;
import io.penstock.inference.PoolName;
import io.penstock.inference.TierName;
import io.penstock.message.Plan;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The router's plan for one request and how far it has got in it. Pure. */
final class Itinerary {
  /** How long routers may take, all of them together. */
  static final long ROUTE_MILLIS = 5_000;

  /** How long nodes that are reloaded one after another may not agree on a request's pools. */
  static final long AGREE_MILLIS = 10_000;

  /** Between two questions to the router meanwhile. */
  static final long ASK_AGAIN_MILLIS = 500;

  private boolean awaitsPlan;
  private long askedMillis = -1;
  private @Nullable Plan plan;
  private int poolIndex;

  /** How often it has gone up in a cascade. */
  private int stage;

  /** The stage that was tried first. */
  private int firstStage;

  private boolean staysBelow;

  private final List<TierName> tiers = new ArrayList<>(0);

  /** Since when some node has not known a pool that another named; -1 before. */
  private long disagreeSinceMillis = -1;

  /** Whether one of the plan's pools was not known. */
  private boolean isPoolUnknown;

  /** A router is asked. */
  void asked(long nowMillis) {
    awaitsPlan = true;
    askedMillis = nowMillis;
  }

  /**
   * A router has answered.
   *
   * @return whether it was waited for
   */
  boolean answered(Plan answered) {
    if (!awaitsPlan) {
      return false;
    }
    awaitsPlan = false;
    plan = answered;
    stage = Math.min(stage, answered.higher().size());
    poolIndex = 0;
    isPoolUnknown = false;
    int before = Math.max(0, Math.min(stage - firstStage, tiers.size()));
    List<TierName> gone = List.copyOf(tiers.subList(0, before));
    tiers.clear();
    tiers.addAll(gone);
    tier().ifPresent(tiers::add);
    return true;
  }

  /** Whether there is a tier above the one that is tried, and it may be tried. */
  boolean canGoUp() {
    return plan != null && !staysBelow && stage < plan.higher().size();
  }

  /** No tier above the one that is tried will be. */
  void stayBelow() {
    staysBelow = true;
  }

  /** The last tier is tried, and none of those between. */
  void goToTop() {
    stage = plan().higher().size();
    firstStage = stage;
    poolIndex = 0;
    isPoolUnknown = false;
    tiers.clear();
    tier().ifPresent(tiers::add);
  }

  /** The tier above is tried. */
  void goUp() {
    if (!canGoUp()) {
      throw new IllegalStateException("there is no tier above " + tiers);
    }
    stage++;
    poolIndex = 0;
    isPoolUnknown = false;
    tier().ifPresent(tiers::add);
  }

  /** The tier that is tried; empty where a model was named. */
  Optional<TierName> tier() {
    return stage == 0 ? plan().tier() : Optional.of(plan().higher().get(stage - 1).tier());
  }

  /** The tiers that were tried, the one that is tried the last; none where a model was named. */
  List<TierName> tiers() {
    return List.copyOf(tiers);
  }

  /** The last of them. */
  Optional<TierName> lastTier() {
    return tiers.isEmpty() ? Optional.empty() : Optional.of(tiers.get(tiers.size() - 1));
  }

  /** Whether there has been a plan. */
  boolean hasPlan() {
    return plan != null;
  }

  /** Whether routers were asked and have not answered in time. */
  boolean isSilent(long nowMillis) {
    return askedMillis >= 0 && nowMillis - askedMillis >= ROUTE_MILLIS;
  }

  /** What is asked for, under its own name; empty before there is a plan. */
  Optional<ModelName> model() {
    return Optional.ofNullable(plan)
        .map(known -> stage == 0 ? known.model() : known.higher().get(stage - 1).model());
  }

  /** The pool whose turn it is. */
  PoolName pool() {
    return pools().get(poolIndex);
  }

  private List<PoolName> pools() {
    return stage == 0 ? plan().pools() : plan().higher().get(stage - 1).pools();
  }

  /**
   * The pool whose turn it is can not serve it.
   *
   * @param unknown since some node does not know it
   * @return whether it is the next one's turn
   */
  boolean passOver(boolean unknown) {
    isPoolUnknown |= unknown;
    boolean more = poolIndex + 1 < pools().size();
    poolIndex += more ? 1 : 0;
    return more;
  }

  /** Whether the nodes may be in the middle of being reloaded one after another. */
  boolean maySoonAgree(long nowMillis) {
    if (!isPoolUnknown) {
      return false;
    }
    if (disagreeSinceMillis < 0) {
      disagreeSinceMillis = nowMillis;
    }
    return nowMillis - disagreeSinceMillis < AGREE_MILLIS;
  }

  private Plan plan() {
    if (plan == null) {
      throw new IllegalStateException("there is no plan yet");
    }
    return plan;
  }
}
