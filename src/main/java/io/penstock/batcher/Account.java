package io.penstock.batcher;

import io.penstock.inference.TenantId;
import io.penstock.measure.Ewma;
import java.util.ArrayList;
import java.util.List;

/** What one tenant waits for, and has been given, in one class of a pool. Changed by its class. */
final class Account {
  private static final double OUTPUT_ALPHA = 0.1;

  final TenantId tenant;

  /**
   * Tokens that it was given, by {@link TokenCost} and per unit of weight; the fair order's key.
   */
  double counter;

  /** Ordinal, in its class, of the last grant that it got; 0 before the first. */
  long lastGrant;

  /** Since when it waits without being given anything. */
  long sinceMillis;

  /** Requests of it that wait. */
  int waiting;

  /** Requests of it that run. */
  int live;

  /** By its newest request. */
  double weight = 1;

  /** Place among those who wait, by counter. */
  int place = Heap.NOWHERE;

  /** One for each line in which it waits. */
  final List<Turn> turns = new ArrayList<>(1);

  /** How often it gets a grant while it always waits. */
  final Pace pace = new Pace();

  /** Tokens that its requests came to generate. */
  final Ewma outputTokens = new Ewma(OUTPUT_ALPHA);

  Account(TenantId tenant) {
    this.tenant = tenant;
  }

  /** The fair order: who was given least; of several the one whose last grant is longest ago. */
  boolean isBefore(Account other) {
    return counter != other.counter ? counter < other.counter : lastGrant < other.lastGrant;
  }
}
