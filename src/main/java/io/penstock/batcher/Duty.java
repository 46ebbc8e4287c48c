package io.penstock.batcher;

/** What a replica is for under its pool's failover policy. */
enum Duty {
  /** Carries work whenever it can. */
  PRIMARY("primary"),
  /** Waits for all that stand before it to fail. */
  STANDBY("standby"),
  /** Held back until another is lost. */
  RESERVE("reserve");

  private final String label;

  Duty(String label) {
    this.label = label;
  }

  /** The name in reports and logs. */
  String label() {
    return label;
  }
}
