package io.penstock.batcher;

import io.penstock.inference.FailoverPolicy;
import io.penstock.inference.FailoverStrategy;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which of a pool's replicas carry work, by its failover policy. Pure.
 *
 * <ul>
 *   <li>active_active: all.
 *   <li>active_passive: the first of the list that is sound. When it is lost the next sound one
 *       takes over at once; one that stands before it takes over again when it has been sound for
 *       the failback time. One that was never lost need not wait.
 *   <li>n_plus_one: all but one, while all are sound. The one in reserve is the last of the list,
 *       but for one without which the others would stand in fewer zones. When any is lost it joins,
 *       and steps back when all have been sound for the failback time.
 * </ul>
 *
 * <p>A replica that may prove itself by trial requests gets them where it would carry work if it
 * were sound: not behind one that does.
 */
final class Formation {
  private FailoverPolicy policy;
  private @Nullable Replica active;
  private @Nullable Replica reserve;
  private boolean waits;

  Formation(FailoverPolicy policy) {
    this.policy = policy;
  }

  /** Goes by another policy from now on; who carries the work goes on if the new one allows it. */
  void policy(FailoverPolicy next) {
    policy = next;
  }

  /** Whether time alone may change it. */
  boolean isUnsettled() {
    return waits;
  }

  /** Gives each replica its duty. */
  void form(List<Replica> inOrder, long nowMillis) {
    waits = false;
    switch (policy.strategy()) {
      case ACTIVE_ACTIVE -> inOrder.forEach(each -> each.duty(Duty.PRIMARY));
      case ACTIVE_PASSIVE -> formBehindOne(inOrder, nowMillis);
      case N_PLUS_ONE -> formWithReserve(inOrder, nowMillis);
    }
  }

  private void formBehindOne(List<Replica> inOrder, long nowMillis) {
    @Nullable Replica next = null;
    boolean stays = active != null && active.sound() && inOrder.contains(active);
    for (Replica each : inOrder) {
      if (stays && each == active) {
        next = each;
        break;
      }
      if (each.sound()) {
        if (!stays || isStable(each, nowMillis)) {
          next = each;
          break;
        }
        waits = true;
      }
    }
    active = next;
    boolean before = true;
    for (Replica each : inOrder) {
      boolean works = each == next || (before && !each.sound());
      each.duty(works ? Duty.PRIMARY : Duty.STANDBY);
      before &= each != next;
    }
  }

  private void formWithReserve(List<Replica> inOrder, long nowMillis) {
    int listed = 0;
    boolean whole = true;
    boolean stable = true;
    for (Replica each : inOrder) {
      if (each.isInList()) {
        listed++;
        whole &= each.sound();
        stable &= isStable(each, nowMillis);
      }
    }
    if (!whole || listed < 2) {
      reserve = null;
    } else if (reserve == null || !inOrder.contains(reserve) || !reserve.isInList()) {
      waits = !stable;
      reserve = stable ? mostDispensable(inOrder) : null;
    }
    for (Replica each : inOrder) {
      each.duty(each == reserve ? Duty.RESERVE : Duty.PRIMARY);
    }
  }

  private boolean isStable(Replica replica, long nowMillis) {
    return !replica.wasLost()
        || nowMillis - replica.soundSinceMillis() >= policy.failback().toMillis();
  }

  private static @Nullable Replica mostDispensable(List<Replica> inOrder) {
    @Nullable Replica best = null;
    int bestZones = -1;
    for (int i = inOrder.size() - 1; i >= 0; i--) {
      Replica each = inOrder.get(i);
      int zones = each.isInList() ? zonesWithout(each, inOrder) : -1;
      if (zones > bestZones) {
        best = each;
        bestZones = zones;
      }
    }
    return best;
  }

  private static int zonesWithout(Replica left, List<Replica> inOrder) {
    Set<String> zones = new HashSet<>();
    for (Replica each : inOrder) {
      if (each != left && each.isInList()) {
        zones.add(each.zone());
      }
    }
    return zones.size();
  }

  /** Whether the strategy holds sound replicas back at all. */
  boolean isSelective() {
    return policy.strategy() != FailoverStrategy.ACTIVE_ACTIVE;
  }
}
