package io.penstock.ingress;

import io.penstock.inference.RequestId;
import io.penstock.message.LaneAnswer;
import io.penstock.message.LaneEnd;
import io.penstock.message.Seat;
import io.penstock.openai.LaneBody;
import io.penstock.openai.Slice;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A request's part of a call that is made for several: to its attempt a call like any other. Its
 * host may be another node, which may be lost without a word; so it says every few seconds that it
 * is there, and is told when it is known no more.
 */
final class LaneCall implements Upstream, Guest {
  static final long BEAT_MILLIS = 2_000;

  /** After so many pieces the host is told. */
  private static final int CREDIT_PIECES = LaneAnswer.WINDOW / 2;

  private static final byte[] NOTHING = {};

  private final Lanes lanes;
  private final Seat seat;
  private final LaneBody body;
  private final Listener listener;
  private final Deque<Piece> unread = new ArrayDeque<>();
  private long unreadBytes;
  private boolean sent;
  private boolean headCame;
  private boolean complete;
  private boolean paused;
  private boolean over;
  private int expected;
  private int read;
  private int told;
  private long beatMillis;

  /**
   * Part of the answer.
   *
   * @param head where it begins; null later
   */
  private record Piece(@Nullable EngineHead head, byte[] bytes, LaneEnd end, boolean counts) {}

  LaneCall(Lanes lanes, Seat seat, LaneBody body, Listener listener, long nowMillis) {
    this.lanes = lanes;
    this.seat = seat;
    this.body = body;
    this.listener = listener;
    this.beatMillis = nowMillis + BEAT_MILLIS;
  }

  RequestId id() {
    return seat.id();
  }

  Seat seat() {
    return seat;
  }

  LaneBody body() {
    return body;
  }

  @Override
  public void start() {
    lanes.open(this);
  }

  @Override
  public void sent() {
    if (!over && !sent) {
      sent = true;
      listener.sent();
    }
  }

  @Override
  public void begin(int status, String contentType, String retryAfter) {
    take(new Piece(head(status, contentType, retryAfter), NOTHING, LaneEnd.MORE, false));
  }

  @Override
  public void more(List<Slice> part) {
    take(new Piece(null, Slice.join(part), LaneEnd.MORE, false));
  }

  @Override
  public void done() {
    fail(LaneEnd.DONE);
  }

  @Override
  public void fail(LaneEnd end) {
    if (over || complete) {
      return;
    }
    if (end == LaneEnd.TOO_SLOW || end == LaneEnd.LEFT_OUT) {
      letGo(); // it is not waited for
      paused = false;
    }
    take(new Piece(null, NOTHING, end, false));
  }

  private void take(Piece piece) {
    if (!over && !complete) {
      complete = piece.end() != LaneEnd.MORE;
      unread.add(piece);
      unreadBytes += piece.bytes().length;
      read();
    }
  }

  private void letGo() {
    unread.clear();
    unreadBytes = 0;
  }

  @Override
  public long unreadBytes() {
    return unreadBytes;
  }

  /** A piece of the answer, of a host elsewhere. */
  void onAnswer(LaneAnswer answer) {
    if (over || complete || (answer.number() >= 0 && answer.number() < expected)) {
      return;
    }
    if (answer.number() != expected) {
      lost(answer.number() < 0 ? "its host does not know it" : "a piece of its answer was lost");
      return;
    }
    expected++;
    LaneEnd end = answer.end();
    if (end == LaneEnd.TOO_SLOW || end == LaneEnd.LEFT_OUT) {
      fail(end);
      return;
    }
    boolean begins = answer.status() > 0 && !headCame;
    headCame |= begins;
    take(
        new Piece(
            begins ? head(answer.status(), answer.contentType(), answer.retryAfter()) : null,
            answer.piece().value(),
            end,
            true));
  }

  /** Its host is lost, or can not be reached. */
  void lost(String why) {
    if (!over && !complete) { // else it only has to be read
      over = true;
      letGo();
      lanes.closed(this);
      listener.failed(new LaneLostException(why));
    }
  }

  private void read() {
    while (!paused && !over && !unread.isEmpty()) {
      Piece next = unread.remove();
      unreadBytes -= next.bytes().length;
      read += next.counts() ? 1 : 0;
      EngineHead head = next.head();
      if (head != null) {
        sent();
        listener.head(head.status(), head.headers());
      }
      if (!over && next.bytes().length > 0) {
        listener.data(Slice.of(next.bytes()));
      }
      if (!over && next.end() != LaneEnd.MORE) {
        end(next.end());
      }
    }
    if (!over && !complete && read - told >= CREDIT_PIECES) {
      told = read;
      lanes.credit(this, read);
    }
  }

  private static EngineHead head(int status, String contentType, String retryAfter) {
    MultiMap headers = HttpHeaders.headers();
    if (!contentType.isEmpty()) {
      headers.set(HttpHeaders.CONTENT_TYPE, contentType);
    }
    if (!retryAfter.isEmpty()) {
      headers.set("retry-after", retryAfter);
    }
    return new EngineHead(status, headers);
  }

  private void end(LaneEnd end) {
    over = true;
    lanes.closed(this);
    switch (end) {
      case DONE, MORE -> listener.ended();
      case LEFT_OUT -> listener.failed(new LaneLostException("the call went without it"));
      case UNREACHABLE, BROKEN_OFF -> listener.failed(new IOException(end.name()));
      case CONNECT_TIMEOUT -> listener.failed(new TimeoutException(end.name()));
      case ENDED_EARLY -> listener.failed(new EndedEarlyException());
      case MALFORMED -> listener.failed(new NotSplitException());
      case TOO_SLOW -> listener.failed(new SlowReaderException());
    }
  }

  /** Says that it is there, from time to time. */
  void tick(long nowMillis) {
    if (!over && !complete && nowMillis >= beatMillis) {
      beatMillis = nowMillis + BEAT_MILLIS;
      told = read;
      lanes.credit(this, read);
    }
  }

  @Override
  public void pause() {
    paused = true;
  }

  @Override
  public void resume() {
    paused = false;
    read();
  }

  @Override
  public void finish() {
    cancel();
  }

  @Override
  public void cancel() {
    if (!over) {
      over = true;
      letGo();
      lanes.closed(this);
      lanes.leave(seat);
    }
  }
}
