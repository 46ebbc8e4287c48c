package io.penstock.faults;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** One cell of the matrix: a pool of its own with engines of its own, and what is done to them. */
final class Cell {
  /** What happens in it; expectations that fail are told to the run. */
  interface Body {
    void run(CellRun run) throws Exception;
  }

  /** Whether an outcome is one of those that may be. */
  interface Allowed {
    boolean holds(Outcome outcome);

    default Allowed or(Allowed other) {
      return outcome -> holds(outcome) || other.holds(outcome);
    }

    static Allowed whole() {
      return outcome -> outcome.kind() == Outcome.Kind.WHOLE;
    }

    static Allowed status(Integer... statuses) {
      Set<Integer> all = Set.of(statuses);
      return outcome ->
          outcome.kind() == Outcome.Kind.ERROR_STATUS && all.contains(outcome.status());
    }

    static Allowed frame(String... codes) {
      List<String> all = Arrays.asList(codes);
      return outcome ->
          outcome.kind() == Outcome.Kind.ERROR_FRAME
              && (all.isEmpty() || all.contains(outcome.code()));
    }

    static Allowed kind(Outcome.Kind... kinds) {
      List<Outcome.Kind> all = new ArrayList<>(Arrays.asList(kinds));
      return outcome -> all.contains(outcome.kind());
    }
  }

  /** As in a pool that says nothing. */
  static final int BREAKER_SECONDS = 60;

  final String fault;
  final Mode mode;
  final Body body;
  int replicas = 3;
  int zones;
  int maxConcurrent = 64;
  double stepMicros = 2_000;
  int recoverySeconds = 5;
  int breakerSeconds = BREAKER_SECONDS;
  int attemptsMax = 3;
  int queueMillis = 20_000;
  boolean isSolo;
  boolean isUnbounded;

  Cell(String fault, Mode mode, Body body) {
    this.fault = fault;
    this.mode = mode;
    this.body = body;
  }

  /** The pool's, and the model's, name. */
  String pool() {
    return fault.replaceAll("[^a-z0-9]+", "-") + "." + mode.label;
  }

  /** Runs beside no other, since it needs the machine or shows figures. */
  Cell solo() {
    isSolo = true;
    return this;
  }

  /** Time between two tokens of an answer. */
  Cell step(double micros) {
    stepMicros = micros;
    return this;
  }

  Cell concurrent(int max) {
    maxConcurrent = max;
    return this;
  }

  Cell replicas(int count) {
    replicas = count;
    return this;
  }

  /** Puts its replicas into so many zones in turn. */
  Cell zones(int count) {
    zones = count;
    return this;
  }

  Cell recovery(int seconds) {
    recoverySeconds = seconds;
    return this;
  }

  /** How long a breaker stays open; what comes back gets its full share at once. */
  Cell breaker(int seconds) {
    breakerSeconds = seconds;
    return this;
  }

  /** How many requests engines may see for one of a client. */
  Cell attempts(int max) {
    attemptsMax = max;
    return this;
  }

  Cell queue(int millis) {
    queueMillis = millis;
    return this;
  }
}
