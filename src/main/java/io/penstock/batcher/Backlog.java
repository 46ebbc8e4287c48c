package io.penstock.batcher;

import org.jspecify.annotations.Nullable;

/**
 * The prompts that one replica has been given and not yet read, in the order of their grants, which
 * is the order in which engines read them.
 *
 * <p>How far the first of them has been read follows from how long it has been the first, and how
 * fast the replica reads. One that takes longer than it should is taken to need as long again as it
 * is late: the later, the less is it to be expected soon.
 *
 * <p>Where the holder does not tell of first tokens, that is for whole answers, a prompt counts as
 * read after the time it should have taken.
 */
final class Backlog {
  private @Nullable Errand first;
  private @Nullable Errand last;
  private long tokens;
  private int size;

  /** Tokens that were to be read, of all that are in it. */
  long tokens() {
    return tokens;
  }

  int size() {
    return size;
  }

  void add(Errand errand) {
    errand.beganMillis = first == null ? errand.grantedMillis : Long.MAX_VALUE;
    errand.before = last;
    errand.pending = true;
    if (last == null) {
      first = errand;
    } else {
      last.after = errand;
    }
    last = errand;
    tokens += errand.uncachedTokens();
    size++;
  }

  /** It has been read, or never will be. */
  void remove(Errand errand, long nowMillis) {
    if (!errand.pending) {
      return;
    }
    Errand before = errand.before;
    Errand after = errand.after;
    if (before == null) {
      first = after;
    } else {
      before.after = after;
    }
    if (after == null) {
      last = before;
    } else {
      after.before = before;
    }
    errand.pending = false;
    errand.before = null;
    errand.after = null;
    tokens -= errand.uncachedTokens();
    size--;
    begin(nowMillis);
  }

  private void begin(long nowMillis) {
    Errand head = first;
    if (head != null && head.beganMillis == Long.MAX_VALUE) {
      head.beganMillis = nowMillis;
    }
  }

  /** Until all has been read. */
  double waitMillis(Tempo tempo, long nowMillis) {
    Errand head = first;
    while (head != null && !head.streams) {
      double takes = tempo.readMillis(head.uncachedTokens(), nowMillis);
      if (nowMillis - head.beganMillis < takes) {
        break;
      }
      long doneAt = head.beganMillis + (long) takes;
      remove(head, doneAt);
      head = first;
    }
    if (head == null) {
      return 0;
    }
    double of = tempo.readMillis(head.uncachedTokens(), nowMillis);
    double left = Math.abs(of - (nowMillis - head.beganMillis));
    return left
        + (size - 1) * tempo.readBase(nowMillis)
        + (tokens - head.uncachedTokens()) * tempo.readSlope(nowMillis);
  }
}
