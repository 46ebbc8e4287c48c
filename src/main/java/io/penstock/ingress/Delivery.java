package io.penstock.ingress;

import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.RequestId;
import io.penstock.inference.TierName;
import io.penstock.openai.Slice;
import io.penstock.openai.UsageSum;
import io.penstock.stream.RequestLife;
import io.penstock.stream.StreamState;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the client of one request gets of its attempts, and when: at once, or, of a tier that has
 * one above it, once it has been judged. Reads no faster than the client does, and keeps what
 * another replica needs to go on with a stream.
 */
final class Delivery {
  private final LoopParts loop;
  private final RequestId id;
  private final Ask ask;
  private final ClientAnswer answer;
  private final RequestLife life;
  private final Attempts attempts;
  private final Pursuit.Client client;

  private @Nullable Attempt source;

  /** What has come of a tier that has one above; null where all goes to the client. */
  private @Nullable HeldAnswer held;

  /** What stood before it, where it came in one piece. */
  private @Nullable EngineHead head;

  /** The same of drafts that were rejected; at most one for each tier. */
  private final Map<HeldAnswer, EngineHead> headsOfRejected = new HashMap<>(0);

  private @Nullable Resumption resumption;
  private boolean paused;

  Delivery(
      LoopParts loop,
      RequestId id,
      Ask ask,
      ClientAnswer answer,
      RequestLife life,
      Attempts attempts,
      Pursuit.Client client) {
    this.loop = loop;
    this.id = id;
    this.ask = ask;
    this.answer = answer;
    this.life = life;
    this.attempts = attempts;
    this.client = client;
  }

  /** A tier is tried; its answers are held to be judged, or go to the client. */
  void beginTier(@Nullable HeldAnswer draft) {
    over();
    held = draft;
  }

  /** Nothing that is held is needed any more. */
  void over() {
    if (held != null) {
      held.release();
      held = null;
    }
  }

  /**
   * The draft that was judged is rejected: whoever asks has it from now on.
   *
   * @param by pool of the tier
   */
  SpareDraft rejected(TierName tier, Pool by, Judging.Ruling ruling) {
    SpareDraft draft =
        new SpareDraft(
            tier,
            by,
            attempts.lastGrant().orElseThrow(),
            judged(),
            attempts.usageBefore(),
            attempts.usage(),
            ruling);
    if (head != null) {
      headsOfRejected.put(draft.answer(), head);
    }
    held = null;
    head = null;
    return draft;
  }

  private HeldAnswer judged() {
    if (held == null) {
      throw new IllegalStateException("nothing is held");
    }
    return held;
  }

  /** Whether what comes is held to be judged. */
  boolean holds() {
    return held != null;
  }

  /** From this attempt it comes; from none, once that is over. */
  void from(@Nullable Attempt next) {
    source = next;
  }

  /** A new attempt does not read while its client is behind. */
  void pauseIfBehind(Attempt next) {
    if (paused) {
      next.pause();
    }
  }

  /** The attempt has failed: nothing of what is held counts. */
  void discard() {
    if (held != null) {
      held.release();
    }
  }

  /** How the stream that has begun can go on. */
  Resumption resumption() {
    if (resumption == null) {
      throw new IllegalStateException("no stream has begun");
    }
    return resumption;
  }

  /**
   * Frames of a stream.
   *
   * @param begun whether there was content among them or before
   * @return whether the request's body may still be needed, to go on elsewhere
   */
  boolean frames(long nowMillis, Pool by, List<Slice> frames, boolean begun) {
    HeldAnswer draft = held;
    if (draft == null) {
      return give(nowMillis, by, frames, begun);
    }
    if (begun && life.state() == StreamState.AWAITING_FIRST) {
      life.draft(nowMillis);
      learn(by);
    }
    if (draft.take(frames)) {
      return true;
    }
    List<Slice> all = draft.frames();
    letGo(draft); // too much to be judged: it is the answer
    return give(nowMillis, by, all, true);
  }

  private void letGo(HeldAnswer draft) {
    Judging.Verdict why = draft.isTooLong() ? Judging.Verdict.UNJUDGED : Judging.Verdict.NO_ROOM;
    over();
    client.unjudged(why);
  }

  private boolean give(long nowMillis, Pool by, List<Slice> frames, boolean begun) {
    if (begun && life.state() != StreamState.STREAMING) {
      began(nowMillis, by);
    }
    answer.frames(frames);
    boolean mayGoOn = resumption == null || resumption.relayed(frames);
    holdBackIfFull();
    return mayGoOn;
  }

  /** The first content, of the request or of a replica that goes on. */
  private void began(long nowMillis, Pool by) {
    boolean resumed = life.state() == StreamState.RESUMING;
    boolean learned = life.state() == StreamState.DRAFTING;
    life.firstContent(nowMillis);
    if (!learned) {
      learn(by);
    }
    if (resumed) {
      resumption().resumed(by.name(), life.gapMillis());
    } else {
      tellHeaders();
      resumption = new Resumption(loop.books(), by, ask.scan(), ask.resume());
    }
  }

  /** The owner is told how long the first token took, where it goes by that. */
  private void learn(Pool by) {
    if (by.routingStrategy().learnsFromFirstTokens()) {
      loop.slots().firstToken(by.name(), id, life.grantToFirstContentMillis());
    }
  }

  private void holdBackIfFull() {
    if (!paused && source != null && answer.isFull()) {
      paused = true;
      source.pause();
      answer.onDrain(() -> client.on(this::caughtUp));
    }
  }

  /** Told each time that the client's socket has room again. */
  private void caughtUp(long nowMillis) {
    if (paused) {
      paused = false;
      life.heldBack(nowMillis);
      if (source != null) {
        source.resume();
      }
    }
  }

  /** An answer too large to be held; pieces follow. */
  void beginPieces(long nowMillis, int status, MultiMap engineHeaders) {
    if (held != null) {
      over();
      client.unjudged(Judging.Verdict.UNJUDGED);
    }
    life.firstContent(nowMillis);
    answer.beginPiping(status, engineHeaders);
  }

  void piece(Buffer piece) {
    answer.piece(piece);
    holdBackIfFull();
  }

  /**
   * An answer in one piece.
   *
   * @return whether it is held; else it is the client's, unjudged
   */
  boolean holds(EngineHead engine, byte[] body) {
    HeldAnswer draft = held;
    if (draft == null) {
      return false;
    }
    if (draft.take(body)) {
      head = engine;
      return true;
    }
    letGo(draft);
    return false;
  }

  /** All of an answer is there, and held: it is to be judged. */
  void judge(long nowMillis) {
    HeldAnswer draft = judged();
    life.judge(nowMillis);
    client.judge(nowMillis, draft);
  }

  /** What is held is the answer. */
  void accept(long nowMillis) {
    HeldAnswer draft = judged();
    byte[] whole = draft.whole();
    if (whole == null) {
      life.firstContent(nowMillis);
    }
    if (life.finish(nowMillis)) {
      if (whole == null || head == null) {
        tellHeaders();
        answer.frames(draft.frames());
        answer.end();
      } else {
        whole(head, whole);
      }
      client.settle(Outcome.OK);
    }
  }

  /** The tier that was to answer has failed: the draft of one below is the answer. */
  void instead(long nowMillis, SpareDraft draft) {
    byte[] whole = draft.answer().whole();
    if (life.finishWithDraft(nowMillis)) {
      EngineHead was = headsOfRejected.get(draft.answer());
      if (whole != null && was != null) {
        answer.whole(was.status(), was.headers(), draft.whole(whole, attempts.usage()));
      } else {
        tellHeaders();
        answer.frames(draft.frames(attempts.usage()));
        answer.end();
      }
      client.settle(Outcome.OK);
    }
  }

  /** A ping may have taken the headers along before it was known what they are to say. */
  private void tellHeaders() {
    String late = answer.isCommitted() ? client.lateHeaders() : "";
    if (!late.isEmpty()) {
      byte[] comments = late.getBytes(StandardCharsets.UTF_8);
      answer.frames(List.of(Slice.of(comments)));
    }
  }

  /** An answer in one piece for the client, with the usage of the tiers before it. */
  void whole(EngineHead engine, byte[] body) {
    answer.whole(engine.status(), engine.headers(), UsageSum.of(body, attempts.usageBefore()));
  }

  /** Whether the client is why nothing comes, if nothing does. */
  void tick(long nowMillis) {
    if (paused) {
      life.heldBack(nowMillis); // the client is slow, not the engine
    }
  }
}
