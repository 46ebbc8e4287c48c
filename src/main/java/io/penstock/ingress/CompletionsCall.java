package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.RequestId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Grant;
import io.penstock.message.LaneEnd;
import io.penstock.openai.CompletionSplit;
import io.penstock.openai.LaneBody;
import io.penstock.openai.Slice;
import io.penstock.openai.SseFrame;
import io.penstock.openai.SseScanner;
import io.penstock.stream.FailureClass;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A completion for several requests. It always streams, whether one of them does or not: only in a
 * stream can tokens be told apart, to be counted and cut for each. What comes goes on to each as it
 * comes; a request that is alone in the call gets the engine's answer byte by byte.
 *
 * <p>The engine is read from only as fast as the slowest client reads, but not for ever: when more
 * than {@link #UNREAD_MAX_BYTES} wait for one, reading stops as it would for that client alone, and
 * after half of idle_ms, before the others would take the engine for lost, it is cut and they go
 * on. Where nobody else waits nobody is cut.
 */
final class CompletionsCall extends SharedCall implements CompletionSplit.Outlet {
  /** What may wait for one client. */
  static final int UNREAD_MAX_BYTES = 256 << 10;

  private final long firstTokenMillis;
  private final long idleMillis;
  private final Set<RequestId> begun = new HashSet<>();

  /** Of several requests. */
  private @Nullable CompletionSplit split;

  /** Of one. */
  private @Nullable Single single;

  private boolean telling;
  private boolean noted;

  /** Whether one of them has had all of its answer. */
  private boolean served;

  private long heardMillis = -1;
  private long firstContentMillis = -1;
  private long pausedSinceMillis = -1;

  CompletionsCall(
      LoopParts loop,
      Grant grant,
      Pool pool,
      Host host,
      List<RequestId> ids,
      List<LaneBody> bodies) {
    super(loop, grant, pool, host, ids, bodies);
    IngressConfig.Deadlines deadlines = loop.rules().get().config().deadlines();
    firstTokenMillis = deadlines.firstToken().toMillis();
    idleMillis = deadlines.idle().toMillis();
  }

  /** What has become of a stream that one request has alone. */
  private static final class Single {
    final SseScanner scanner = new SseScanner(this::onFrame);
    boolean begun;
    SseFrame.@Nullable Kind last;
    TokenUsage usage = TokenUsage.NONE;

    private void onFrame(SseFrame frame) {
      TokenUsage told = frame.usage();
      usage = told == null ? usage : told;
      switch (frame.kind()) {
        case CONTENT -> begun = true;
        case DONE, ERROR, MALFORMED, TOO_LARGE -> last = last == null ? frame.kind() : last;
        case EMPTY, USAGE_ONLY, COMMENT -> {}
      }
    }
  }

  @Override
  void headCame(EngineHead engine) {
    boolean streams =
        engine.status() == 200
            && header(HttpHeaderNames.CONTENT_TYPE).startsWith(Headers.EVENT_STREAM.toString());
    if (!streams) {
      return;
    }
    if (ids().size() > 1) {
      split = new CompletionSplit(bodies(), this);
      for (int i = 0; i < ids().size(); i++) {
        if (host().guest(ids().get(i)) == null) {
          split.left(i);
        }
      }
    } else {
      single = new Single();
    }
  }

  @Override
  void came(Slice piece) {
    heardMillis = loop().clock().millis();
    if (split != null) {
      feed(split, piece);
    } else if (single != null) {
      pass(single, piece);
    } else {
      super.came(piece);
      return;
    }
    regulate(heardMillis);
  }

  private void feed(CompletionSplit of, Slice piece) {
    telling = true;
    try {
      CompletionSplit.Verdict verdict = of.feed(piece);
      noteContent(of.hasBegun());
      conclude(of, verdict);
    } finally {
      telling = false;
    }
  }

  private void conclude(CompletionSplit of, CompletionSplit.Verdict verdict) {
    switch (verdict) {
      case GOING -> endIfOver(of);
      case DONE -> {
        note(Outcome.OK);
        upstream().finish();
        host().next();
      }
      case ERROR -> {
        note(FailureClass.ERROR_IN_ANSWER.outcome());
        cancel();
        byte[] frame = of.engineError().map(Slice::toByteArray).orElseGet(() -> new byte[0]);
        ids().forEach(id -> tellError(id, frame));
        host().next();
      }
      case MALFORMED -> {
        note(FailureClass.MALFORMED.outcome());
        cancel();
        fail(LaneEnd.MALFORMED, FailureClass.MALFORMED);
      }
    }
  }

  /** All have what they wanted; the engine may not even have got so far. */
  private void endIfOver(CompletionSplit of) {
    if (of.isOver()) {
      note(Outcome.OK);
      if (of.isFinished()) {
        upstream().finish();
      } else {
        cancel();
      }
      host().next();
    }
  }

  private void tellError(RequestId id, byte[] frame) {
    LaneBody body = bodies().get(ids().indexOf(id));
    Guest guest = host().last(id);
    if (guest == null) {
      return;
    }
    if (body.streams()) {
      beginOnce(id, guest);
      guest.more(List.of(Slice.of(frame)));
      guest.done();
    } else {
      byte[] error = FailureText.json(frame);
      guest.answer(200, Headers.JSON.toString(), "", List.of(Slice.of(error)));
    }
  }

  private void pass(Single of, Slice piece) {
    telling = true;
    try {
      of.scanner.feed(piece);
      noteContent(of.begun);
      conclude(of, piece);
    } finally {
      telling = false;
    }
  }

  private void conclude(Single of, Slice piece) {
    RequestId id = ids().get(0);
    if (of.last == null) {
      Guest guest = host().guest(id);
      if (guest != null) {
        beginOnce(id, guest);
        guest.more(List.of(piece));
      }
      if (host().guest(id) == null) { // it has left
        cancel();
        host().next();
      }
      return;
    }
    switch (of.last) {
      case DONE -> {
        note(Outcome.OK);
        upstream().finish();
      }
      case ERROR -> note(FailureClass.ERROR_IN_ANSWER.outcome());
      default -> note(FailureClass.MALFORMED.outcome());
    }
    Guest guest = host().last(id);
    if (guest != null) {
      beginOnce(id, guest);
      guest.more(List.of(piece));
      guest.done();
    }
    cancel(); // without effect on what is done
    host().next();
  }

  private void noteContent(boolean isThere) {
    if (isThere && firstContentMillis < 0) {
      firstContentMillis = heardMillis;
    }
  }

  private void note(Outcome outcome) {
    if (!noted) {
      noted = true;
      host().note(outcome, used(), 0);
    }
  }

  private TokenUsage used() {
    return split != null ? split.usage() : single != null ? single.usage : TokenUsage.NONE;
  }

  @Override
  public void more(int lane, byte[] frames) {
    RequestId id = ids().get(lane);
    Guest guest = host().guest(id);
    if (guest != null) {
      beginOnce(id, guest);
      guest.more(List.of(Slice.of(frames)));
    }
  }

  @Override
  public void done(int lane) {
    served = true;
    Guest guest = host().last(ids().get(lane));
    if (guest != null) {
      guest.done();
    }
  }

  @Override
  public void whole(int lane, byte[] answer) {
    served = true;
    Guest guest = host().last(ids().get(lane));
    if (guest != null) {
      guest.answer(200, Headers.JSON.toString(), "", List.of(Slice.of(answer)));
    }
  }

  @Override
  public void broken(int lane) {
    Guest guest = host().last(ids().get(lane));
    if (guest != null) {
      guest.fail(LaneEnd.MALFORMED);
    }
  }

  private void beginOnce(RequestId id, Guest guest) {
    if (begun.add(id)) {
      guest.begin(200, header(HttpHeaderNames.CONTENT_TYPE), "");
    }
  }

  @Override
  void endCame() {
    if (split != null) {
      telling = true;
      try {
        CompletionSplit.Verdict verdict = split.end();
        if (verdict == CompletionSplit.Verdict.GOING) {
          cutShort(LaneEnd.ENDED_EARLY, FailureClass.TRUNCATED);
        } else {
          conclude(split, verdict);
        }
      } finally {
        telling = false;
      }
    } else if (single != null) {
      single.scanner.end();
      if (single.last == SseFrame.Kind.DONE) {
        conclude(single, Slice.of(new byte[0]));
      } else {
        cutShort(LaneEnd.ENDED_EARLY, FailureClass.TRUNCATED);
      }
    } else {
      super.endCame();
    }
  }

  @Override
  void broken() {
    if (split != null) {
      split.end();
    }
    cutShort(
        LaneEnd.BROKEN_OFF,
        firstContentMillis < 0 ? FailureClass.BROKEN_OFF : FailureClass.TRUNCATED);
  }

  /**
   * The stream is over before its end: who reads a stream sees that by how it ends, who waits for
   * an answer in one piece is told.
   *
   * @param how {@link LaneEnd#ENDED_EARLY} where the engine has ended it, else the connection broke
   */
  private void cutShort(LaneEnd how, FailureClass row) {
    note(row.outcome());
    for (int i = 0; i < ids().size(); i++) {
      RequestId id = ids().get(i);
      Guest guest = host().last(id);
      if (guest == null) {
        continue;
      }
      if (how == LaneEnd.ENDED_EARLY && bodies().get(i).streams()) {
        beginOnce(id, guest);
        guest.done();
      } else {
        guest.fail(how);
      }
    }
    host().next();
  }

  /** An engine that was asked to stream and answers several requests in one piece. */
  @Override
  void split(byte[] answer, TokenUsage used) {
    failAll(LaneEnd.MALFORMED, FailureClass.MALFORMED);
  }

  @Override
  void left(RequestId id) {
    int lane = ids().indexOf(id);
    if (split == null || lane < 0) {
      return;
    }
    split.left(lane);
    if (!telling) {
      endIfOver(split);
    }
  }

  @Override
  boolean isTelling() {
    return telling;
  }

  @Override
  void cancel() {
    note(served ? Outcome.OK : Outcome.CANCELLED);
    upstream().cancel();
  }

  @Override
  long firstContentMillis() {
    return firstContentMillis;
  }

  @Override
  boolean isOverdue(long nowMillis) {
    boolean streams = bodies().size() > 1 || bodies().get(0).streams();
    if (!streams || sentMillis() < 0 || pausedSinceMillis >= 0) {
      return false;
    }
    return firstContentMillis < 0
        ? nowMillis - sentMillis() >= firstTokenMillis
        : nowMillis - heardMillis >= idleMillis;
  }

  @Override
  void tick(long nowMillis) {
    regulate(nowMillis);
  }

  /** Stops and goes on reading from the engine, and cuts whom the others have waited for enough. */
  private void regulate(long nowMillis) {
    if (split == null && single == null) {
      return;
    }
    if (pausedSinceMillis < 0) {
      if (any(guest -> guest.unreadBytes() > UNREAD_MAX_BYTES)) {
        pausedSinceMillis = nowMillis;
        upstream().pause();
      }
      return;
    }
    heardMillis = nowMillis; // the engine is not asked for more
    if (nowMillis - pausedSinceMillis >= idleMillis / 2 && any(guest -> !isSlow(guest))) {
      cutTheSlow();
    }
    if (!any(CompletionsCall::isSlow)) {
      pausedSinceMillis = -1;
      upstream().resume();
    }
  }

  private static boolean isSlow(Guest guest) {
    return guest.unreadBytes() > UNREAD_MAX_BYTES / 2;
  }

  private boolean any(Predicate<Guest> which) {
    for (RequestId id : ids()) {
      Guest guest = host().guest(id);
      if (guest != null && which.test(guest)) {
        return true;
      }
    }
    return false;
  }

  private void cutTheSlow() {
    for (RequestId id : ids()) {
      Guest guest = host().guest(id);
      if (guest != null && isSlow(guest)) {
        Guest last = host().last(id);
        if (last != null) {
          last.fail(LaneEnd.TOO_SLOW);
        }
        left(id);
      }
    }
  }
}
