package io.penstock.batcher;

/**
 * What one zone of a pool carries; where the pool is not to spread over zones, one for all of it.
 * Kept up to date by {@link Roster} and its replicas, so that a choice costs no sum.
 */
final class ZoneLoad {
  private final String zone;
  private int replicas;
  private int live;
  private int slots;

  /** The last choice in which it was a zone to keep away from. */
  long avoidedIn;

  ZoneLoad(String zone) {
    this.zone = zone;
  }

  /** Empty where it is not known, or does not matter. */
  String zone() {
    return zone;
  }

  /** How many replicas of the pool are in it. */
  int replicas() {
    return replicas;
  }

  /** A replica with so many live grants comes. */
  void enter(int itsLive) {
    replicas++;
    live += itsLive;
  }

  /** A replica with so many live grants goes. */
  void leave(int itsLive) {
    replicas--;
    live -= itsLive;
  }

  int live() {
    return live;
  }

  void addLive(int change) {
    live += change;
  }

  /** How many requests its usable replicas take at a time now. */
  int slots() {
    return slots;
  }

  void addSlots(int change) {
    slots += change;
  }

  void noSlots() {
    slots = 0;
  }

  /** Negative when {@code a} carries less than {@code b} of what it takes, as exact fractions. */
  static int compare(ZoneLoad a, ZoneLoad b) {
    return Long.compare((long) a.live * b.slots, (long) b.live * a.slots);
  }
}
