package io.penstock.batcher;

/**
 * Why a replica that its pool could use gets no ordinary work, mildest first: where every replica
 * is barred, the one that is barred most mildly is kept in use.
 */
enum Bar {
  /** Nothing is held against it. */
  NONE("none", 0, false),
  /** Its first tokens come many times later than those of its peers. Trials only. */
  SLOW("slow", 1, true),
  /** Its breaker is half-open. Trials only. */
  HALF_OPEN("breaker", 2, true),
  /** Its breaker is open. */
  OPEN("breaker", 2, false),
  /** Connections failed, and a trial is due. */
  SUSPECT_TRIED("transport", 3, true),
  /** Connections failed. */
  SUSPECT("transport", 3, false);

  private final String label;
  private final int severity;
  private final boolean tried;

  Bar(String label, int severity, boolean tried) {
    this.label = label;
    this.severity = severity;
    this.tried = tried;
  }

  /** The reason in metrics. */
  String label() {
    return label;
  }

  /** How bad it is: the same for the two halves of one reason. */
  int severity() {
    return severity;
  }

  /** Whether one request at a time may try it. */
  boolean isTried() {
    return tried;
  }
}
