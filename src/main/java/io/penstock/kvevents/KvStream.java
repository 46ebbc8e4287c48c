package io.penstock.kvevents;

import io.penstock.measure.XxHash64;
import io.penstock.message.KvCacheState;
import java.util.ArrayDeque;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The batches of one publisher in their order, and the {@link KvBook} that is kept by them. Pure:
 * the caller brings bytes and the time, and asks {@link #wantsReplay} after each call.
 *
 * <p>A publisher numbers its batches from 0 and sends each once; who was not connected, or too
 * slow, has missed some. It keeps the last ones, and sends again those from a number on to whoever
 * asks ({@code replay}). So:
 *
 * <ul>
 *   <li>after each connection the past is asked for, from the beginning the first time, and what
 *       comes before its answer is held;
 *   <li>a number beyond the next one is a <b>gap</b>: what was missed is asked for, and what comes
 *       meanwhile is held. Where it is not to be had any more the book is void and is begun anew (a
 *       <b>loss</b>): what was removed in the gap would else be held for ever;
 *   <li>a number that goes back is a publisher that has begun anew (a <b>restart</b>), whose cache
 *       is empty. Numbers may also go on by chance, since a new engine counts too. So a replay
 *       begins with the last batch that is known, and is of the same publisher only where that is
 *       the same, byte for byte (a 64-bit hash of it is kept; each has its time in it). Where it is
 *       dropped, nobody can tell, which is a loss; where there is nothing at all the publisher is a
 *       new one. Without replays a restart is only seen by a number that goes back.
 * </ul>
 *
 * <p>A batch that can not be read counts as heard, and the book is whole no more.
 */
public final class KvStream {
  /** Batches held while a replay is awaited; beyond it the first are dropped, which is a gap. */
  static final int HELD_MAX = 4_096;

  static final long HELD_BYTES_MAX = 32L << 20;

  /** Longest silence of a replay. */
  static final long REPLAY_MILLIS = 3_000;

  /**
   * Replays that have brought nothing, in a row, until what is missing is given up. A long one may
   * come in parts: what is too much for its socket an engine drops, its end included.
   */
  static final int TRIES_MAX = 3;

  private static final long UNKNOWN = -1;

  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Held(long sequence, byte[] payload) {}

  private final boolean replays;
  private final KvBook book;
  private boolean catchingUp;
  private boolean connected;
  private boolean settled;

  /** What comes next; unknown before the first batch. */
  private long next = UNKNOWN;

  /** Of the batch before it. */
  private long fingerprint;

  /** Of those that came by themselves and not by a replay. */
  private long newest = UNKNOWN;

  private final ArrayDeque<Held> held = new ArrayDeque<>();
  private long heldBytes;
  private boolean asked;
  private boolean answered;
  private long askedMillis;
  private int tries;

  private boolean whole;
  private long empties;
  private long emptiedMillis;

  /** Of the last batch, by the engine's clock. */
  private long engineMillis;

  private long heardMillis = UNKNOWN;
  private long changes;
  private long batches;
  private long events;
  private long gaps;
  private long replaysAsked;
  private long restarts;
  private long losses;
  private long overflows;
  private long malformed;
  private @Nullable String lastMistake;

  /**
   * @param replays whether the publisher can be asked for what was missed
   */
  public KvStream(boolean replays) {
    this(replays, new KvBook());
  }

  KvStream(boolean replays, KvBook book) {
    this.replays = replays;
    this.book = book;
    this.catchingUp = replays;
  }

  KvBook book() {
    return book;
  }

  /** Why the last batch that could not be read could not; null where all could. */
  public @Nullable String lastMistake() {
    return lastMistake;
  }

  // --- what the caller is to do ---

  /**
   * From which batch on a replay is to be asked for now; whoever does so says {@link #asked}.
   * Answers to an earlier question must not be brought any more.
   */
  public OptionalLong wantsReplay() {
    return catchingUp && connected && !asked
        ? OptionalLong.of(Math.max(0, next - 1))
        : OptionalLong.empty();
  }

  /** A replay has been asked for. */
  public void asked(long nowMillis) {
    asked = true;
    answered = false;
    askedMillis = nowMillis;
    replaysAsked++;
    changes++;
  }

  // --- what happens ---

  /** The publisher can be heard from now on, for the first time or again. */
  public void connected() {
    connected = true;
    changes++;
    if (replays) {
      catchUp();
    } else {
      settled = true;
    }
  }

  /** It can not be heard. */
  public void disconnected() {
    connected = false;
    changes++;
    asked = false;
    held.clear(); // the publisher that comes back may be a new one, and says again what it has
    heldBytes = 0;
  }

  /** A batch has come. */
  public void live(long sequence, byte[] payload, long nowMillis) {
    heardMillis = nowMillis;
    changes++;
    if (sequence < 0) {
      malformed++;
      return;
    }
    if (newest != UNKNOWN && sequence <= newest) {
      restart();
    }
    newest = sequence;
    if (catchingUp) {
      hold(sequence, payload);
    } else if (next == UNKNOWN) {
      begin(sequence, payload);
    } else if (sequence == next) {
      apply(sequence, payload);
    } else if (sequence > next) {
      gaps++;
      if (replays) {
        hold(sequence, payload);
        catchUp();
      } else {
        lose();
        begin(sequence, payload);
      }
    } // else a replay had it already
  }

  /** Something has come that is no batch. */
  public void unreadable() {
    malformed++;
    changes++;
  }

  /** A batch has come by a replay. */
  public void replayed(long sequence, byte[] payload, long nowMillis) {
    if (!catchingUp || !asked) {
      return;
    }
    askedMillis = nowMillis;
    if (next > 0 && sequence < next - 1) {
      return; // not asked for
    }
    boolean first = !answered;
    answered = true;
    if (first && sequence == next - 1 && fingerprint(payload) != fingerprint) {
      restart();
      return;
    }
    if (first && next > 0 && sequence >= next) {
      lose(); // it has dropped what is missing, or what tells whether it is the same
    }
    if (next == UNKNOWN) {
      begin(sequence, payload);
      tries = 0;
    } else if (sequence == next) {
      apply(sequence, payload);
      tries = 0;
    } // else known, or after one that was lost on the way: it is asked for again
  }

  /** A replay has come to its end. */
  public void replayEnded() {
    if (!catchingUp || !asked) {
      return;
    }
    if (!answered && next > 0) {
      restart(); // not even its last one is there
      return;
    }
    settle();
  }

  /** Time has passed. */
  public void tick(long nowMillis) {
    if (catchingUp && asked && nowMillis - askedMillis > REPLAY_MILLIS) {
      asked = false;
      if (++tries >= TRIES_MAX) {
        release();
      }
    }
  }

  // --- catching up ---

  private void catchUp() {
    catchingUp = true;
    asked = false;
    answered = false;
    tries = 0;
  }

  private void hold(long sequence, byte[] payload) {
    held.add(new Held(sequence, payload));
    heldBytes += payload.length;
    while (held.size() > HELD_MAX || heldBytes > HELD_BYTES_MAX) {
      heldBytes -= held.remove().payload().length;
    }
  }

  /** What was held goes on where the replay has ended, unless something is still missing. */
  private void settle() {
    Held gap = takeIn();
    if (gap != null && ++tries < TRIES_MAX) {
      asked = false;
      return;
    }
    release();
  }

  /** Nothing more is waited for: what is missing is lost. */
  private void release() {
    while (true) {
      Held gap = takeIn();
      if (gap == null) {
        break;
      }
      lose();
    }
    catchingUp = false;
    asked = false;
    settled = true;
    changes++;
  }

  /** Takes in what was held; stops before a gap and says what comes after it. */
  private @Nullable Held takeIn() {
    while (!held.isEmpty()) {
      Held each = held.element();
      if (next != UNKNOWN && each.sequence() > next) {
        return each;
      }
      held.remove();
      heldBytes -= each.payload().length;
      if (next == UNKNOWN) {
        begin(each.sequence(), each.payload());
      } else if (each.sequence() == next) {
        apply(each.sequence(), each.payload());
      }
    }
    return null;
  }

  // --- the book ---

  /** The first batch of a book. */
  private void begin(long sequence, byte[] payload) {
    whole = sequence == 0;
    apply(sequence, payload);
  }

  private void apply(long sequence, byte[] payload) {
    next = sequence + 1;
    fingerprint = fingerprint(payload);
    batches++;
    changes++;
    KvBatch batch;
    try {
      batch = KvDecoder.decode(payload);
    } catch (MalformedBatchException e) {
      malformed++;
      whole = false;
      lastMistake = e.getMessage();
      return;
    }
    engineMillis = Math.max(engineMillis, batch.epochMillis());
    if (sequence == 0 && emptiedMillis == 0) {
      emptiedMillis = engineMillis;
    }
    batch.events().forEach(this::apply);
    events += batch.events().size();
  }

  private void apply(KvEvent event) {
    if (event instanceof KvEvent.Stored stored) {
      for (long block : stored.blocks()) {
        if (!book.store(block, stored.blockTokens(), stored.group())) {
          overflows++;
          whole = false;
          book.clear();
          book.store(block, stored.blockTokens(), stored.group());
        }
      }
    } else if (event instanceof KvEvent.Removed removed) {
      for (long block : removed.blocks()) {
        book.remove(block);
      }
    } else {
      book.clear();
      whole = true;
      emptied(Math.max(engineMillis, emptiedMillis + 1));
    }
  }

  private void emptied(long whenMillis) {
    emptiedMillis = whenMillis;
    if (settled) {
      empties++; // of the past nobody has seen anything
    }
  }

  /** The publisher is a new one, and its cache was empty when it began. */
  private void restart() {
    restarts++;
    book.clear();
    whole = false;
    emptied(Math.max(engineMillis, emptiedMillis) + 1);
    next = UNKNOWN;
    newest = UNKNOWN;
    held.clear();
    heldBytes = 0;
    if (replays) {
      catchUp();
    }
  }

  /** What was missed is not to be had. */
  private void lose() {
    losses++;
    book.clear();
    whole = false;
    next = UNKNOWN;
  }

  private static long fingerprint(byte[] payload) {
    return XxHash64.of(payload, 0, payload.length, 0);
  }

  /** Grows whenever {@link #state} may be another than before. */
  public long changes() {
    return changes;
  }

  /** How often the cache was seen to become empty. */
  public long empties() {
    return empties;
  }

  /** What is known now; costs a sort of {@value KvBook#AGES} numbers. */
  public KvCacheState state(long nowMillis) {
    return new KvCacheState(
        connected && settled && !catchingUp,
        whole,
        book.blocks(),
        book.tokens(),
        book.keepsTokens(),
        book.storedTokens(),
        book.removedTokens(),
        empties,
        emptiedMillis,
        batches,
        events,
        gaps,
        replaysAsked,
        restarts,
        losses,
        overflows,
        malformed,
        heardMillis == UNKNOWN ? -1 : Math.max(0, nowMillis - heardMillis));
  }
}
