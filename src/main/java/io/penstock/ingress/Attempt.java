package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Grant;
import io.penstock.openai.Slice;
import io.penstock.stream.StreamRelay;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One grant on one replica: the call, what has come of its answer, and its end as a value. Knows
 * nothing of the attempts before and after it, and nothing of the client but what its owner says.
 */
final class Attempt implements Upstream.Listener {
  /** Successful answers that do not stream are collected up to this, to be judged whole. */
  static final int COLLECT_MAX_BYTES = 8 << 20;

  /** Of other answers, this much is enough to say what the engine said. */
  static final int ERROR_MAX_BYTES = 64 << 10;

  /** Whose attempt it is. All but the first are called within {@link #on}. */
  interface Owner {
    /** Runs an event, unless the attempt or the request is over; catches what it throws. */
    void on(Attempt attempt, LongConsumer event);

    /** Whether the client has its status line. */
    boolean isCommitted();

    /** Whether the client has content of this stream, of this attempt or one before. */
    boolean hasContent();

    /** The request has been written to the engine. */
    void sent(long nowMillis);

    /** Something came. */
    void heard(long nowMillis);

    /**
     * Frames for the client.
     *
     * @param begun whether there was content among them or before; else they are all of an answer
     *     that has none
     */
    void frames(long nowMillis, List<Slice> frames, boolean begun);

    /** An answer too large to be held; {@link #piece pieces} follow. */
    void beginPieces(long nowMillis, int status, MultiMap engineHeaders);

    void piece(Buffer piece);

    /** The last that is heard of the attempt. */
    void ended(long nowMillis, AttemptEnd end);
  }

  private final Owner owner;
  private final Pool pool;
  private final Grant grant;
  private final long connectMillis;
  private final @Nullable StreamRelay streamed;

  private @Nullable Upstream call;
  private boolean connected;
  private @Nullable EngineHead head;
  private @Nullable StreamRelay relay;
  private Buffer collected = Buffer.buffer();
  private boolean piping;
  private boolean over;
  private TokenUsage usage = TokenUsage.NONE;

  /**
   * @param connectMillis for the words of a failure
   * @param streamed what to do with an event stream; null for a request that does not stream
   */
  Attempt(Owner owner, Pool pool, Grant grant, long connectMillis, @Nullable StreamRelay streamed) {
    this.owner = owner;
    this.pool = pool;
    this.grant = grant;
    this.connectMillis = connectMillis;
    this.streamed = streamed;
  }

  void start(Upstream made) {
    call = made;
    made.start();
  }

  Pool pool() {
    return pool;
  }

  /** The replica, for messages. */
  String who() {
    return "replica " + grant.replica();
  }

  /** What the engine has reported so far. */
  TokenUsage usage() {
    return usage;
  }

  /** What relays its event stream; null for a request that does not stream. */
  @Nullable StreamRelay relay() {
    return streamed;
  }

  /** Tokens generated so far, by the engine's count or else by frames. */
  int generatedTokens() {
    return Math.max(usage.completionTokens(), relay == null ? 0 : relay.payloadFrames());
  }

  /** Whether the client has part of an answer in one piece. */
  boolean isPiping() {
    return piping;
  }

  /** Stops reading until {@link #resume}. */
  void pause() {
    if (call != null) {
      call.pause();
    }
  }

  void resume() {
    if (call != null) {
      call.resume();
    }
  }

  /** Ends it from outside, without a word to the owner: the engine's connection is reset. */
  void abort() {
    over = true;
    collected = Buffer.buffer();
    if (call != null) {
      call.cancel();
    }
  }

  private void on(LongConsumer event) {
    if (!over) {
      owner.on(this, event);
    }
  }

  @Override
  public void sent() {
    connected = true;
    on(owner::sent);
  }

  @Override
  public void head(int status, MultiMap headers) {
    on(
        now -> {
          head = new EngineHead(status, headers);
          String type = headers.get(HttpHeaderNames.CONTENT_TYPE);
          if (streamed != null
              && status == 200
              && type != null
              && type.startsWith("text/event-stream")) {
            relay = streamed;
          }
        });
  }

  @Override
  public void data(Slice piece) {
    on(
        now -> {
          owner.heard(now);
          if (relay != null) {
            relay.feed(piece);
            judge(now, relay);
          } else {
            collect(now, piece);
          }
        });
  }

  private void judge(long nowMillis, StreamRelay relay) {
    usage = relay.usage();
    switch (relay.verdict()) {
      case HOLDING -> {}
      case FLOWING -> hand(nowMillis, relay);
      case DONE -> {
        hand(nowMillis, relay);
        end(nowMillis, new AttemptEnd.Done());
      }
      case ENGINE_ERROR -> {
        byte[] frame = relay.engineError().map(Slice::toByteArray).orElseGet(() -> new byte[0]);
        handIfCommitted(nowMillis, relay);
        fail(nowMillis, FailureText.errorFrame(who(), frame));
      }
      case MALFORMED -> {
        handIfCommitted(nowMillis, relay);
        fail(nowMillis, FailureText.malformedFrame(who(), relay.malformation()));
      }
      case RESTARTED -> fail(nowMillis, FailureText.startedAnew(who()));
    }
  }

  /** Frames that came before a failure; while the client has none, another attempt is better. */
  private void handIfCommitted(long nowMillis, StreamRelay relay) {
    if (owner.hasContent() && relay.contentFrames() > 0) {
      hand(nowMillis, relay);
    }
  }

  private void hand(long nowMillis, StreamRelay relay) {
    List<Slice> frames = relay.drain();
    if (!frames.isEmpty()) {
      boolean begun = relay.contentFrames() > 0 || relay.verdict() == StreamRelay.Verdict.FLOWING;
      owner.frames(nowMillis, frames, begun);
    }
  }

  private void collect(long nowMillis, Slice piece) {
    if (piping) {
      owner.piece(Buffers.of(piece));
      return;
    }
    collected.appendBytes(piece.bytes(), piece.offset(), piece.length());
    int status = answered().status();
    if (status >= 300) {
      if (collected.length() > ERROR_MAX_BYTES) {
        judgeWhole(nowMillis);
      }
    } else if (collected.length() > COLLECT_MAX_BYTES) {
      if (owner.isCommitted()) {
        fail(nowMillis, FailureText.notAStream(who()));
      } else {
        piping = true;
        owner.beginPieces(nowMillis, status, answered().headers());
        Buffer soFar = collected;
        collected = Buffer.buffer();
        owner.piece(soFar);
      }
    }
  }

  @Override
  public void ended() {
    on(
        now -> {
          if (piping) {
            end(now, new AttemptEnd.Done());
          } else if (relay == null) {
            judgeWhole(now);
          } else {
            relay.end();
            judge(now, relay);
            fail(now, FailureText.endedEarly(who()));
          }
        });
  }

  private void judgeWhole(long nowMillis) {
    EngineHead engine = answered();
    String retryAfter = engine.headers().get(HttpHeaderNames.RETRY_AFTER);
    EngineAnswer judged =
        EngineAnswer.judge(
            who(), engine.status(), retryAfter == null ? "" : retryAfter, collected.getBytes());
    if (judged instanceof EngineAnswer.Refused no) {
      fail(nowMillis, no.failure());
    } else if (judged instanceof EngineAnswer.Passed passed) {
      usage = passed.usage();
      if (passed.outcome() == Outcome.OK && owner.isCommitted()) {
        fail(nowMillis, FailureText.notAStream(who()));
      } else {
        end(nowMillis, new AttemptEnd.Whole(passed));
      }
    }
  }

  /** The engine's head, of an attempt that has got that far. */
  EngineHead answered() {
    if (head == null) {
      throw new IllegalStateException("the engine has not answered");
    }
    return head;
  }

  @Override
  public void failed(Throwable cause) {
    on(
        now -> {
          if (cause instanceof LaneLostException && !owner.isCommitted()) {
            end(now, new AttemptEnd.LeftOut());
          } else {
            fail(now, failure(cause));
          }
        });
  }

  private Failure failure(Throwable cause) {
    if (cause instanceof NotSplitException) {
      return FailureText.notSplit(who());
    }
    if (cause instanceof BadFramingException) {
      return FailureText.badFraming(who(), cause.getMessage());
    }
    if (cause instanceof EndedEarlyException) {
      return FailureText.endedEarly(who());
    }
    if (cause instanceof LaneLostException) {
      return FailureText.sharedCallLost(who(), cause.getMessage());
    }
    if (cause instanceof SlowReaderException) {
      return FailureText.readTooSlowly(who());
    }
    if (!connected) {
      return cause instanceof TimeoutException
          ? FailureText.connectTimeout(who(), connectMillis)
          : FailureText.unreachable(who());
    }
    return relay != null || piping
        ? FailureText.brokeInMidStream(who())
        : FailureText.brokenOff(who(), head != null);
  }

  private void fail(long nowMillis, Failure failure) {
    end(nowMillis, new AttemptEnd.Failed(failure));
  }

  private void end(long nowMillis, AttemptEnd end) {
    if (over) {
      return;
    }
    over = true;
    collected = Buffer.buffer();
    if (call != null) {
      if (end instanceof AttemptEnd.Done) {
        call.finish();
      } else {
        call.cancel(); // without effect on an answer that came whole
      }
    }
    owner.ended(nowMillis, end);
  }
}
