package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.RequestId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Grant;
import io.penstock.message.LaneEnd;
import io.penstock.openai.LaneBody;
import io.penstock.openai.Slice;
import io.penstock.stream.FailureClass;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One call to a replica for the requests of a batch, or for those of them that are left. An answer
 * in one piece that is no success is each one's own, as if it had asked alone.
 */
abstract class SharedCall implements Upstream.Listener {
  /** Longest answer to a call: 64 inputs of 4,096 numbers are some 5 MiB. */
  static final int ANSWER_MAX_BYTES = 64 << 20;

  /** Whose call it is. All but the first are called within {@link #on}. */
  interface Host {
    /** Runs an event, unless the batch is over; catches what it throws. */
    void on(Runnable event);

    /** A lane that has not left; null for one that has. */
    @Nullable Guest guest(RequestId id);

    /** The same, and it is told its end next. */
    @Nullable Guest last(RequestId id);

    /** What became of a call; one success makes the slot's outcome one. */
    void note(Outcome outcome, TokenUsage usage, long retryAfterMillis);

    /** The engine has refused a call of several for what it asks. */
    void refused(List<RequestId> ids);

    /** The call is over. */
    void next();
  }

  private final LoopParts loop;
  private final Grant grant;
  private final Pool pool;
  private final Host host;
  private final List<RequestId> ids;
  private final List<LaneBody> bodies;
  private @Nullable EngineCall upstream;
  private @Nullable EngineHead head;
  private long sentMillis = -1;
  private Buffer collected = Buffer.buffer();

  /**
   * @param bodies of the lanes with these ids, one operation and key
   */
  SharedCall(
      LoopParts loop,
      Grant grant,
      Pool pool,
      Host host,
      List<RequestId> ids,
      List<LaneBody> bodies) {
    this.loop = loop;
    this.grant = grant;
    this.pool = pool;
    this.host = host;
    this.ids = List.copyOf(ids);
    this.bodies = new ArrayList<>(bodies);
  }

  /**
   * Makes it.
   *
   * @param body what all of them ask for
   */
  final void begin(Buffer body) {
    EngineCall made =
        EngineRequest.shared(loop, grant, pool, bodies.get(0).operation(), body, this);
    upstream = made;
    made.start();
  }

  /** Ends it, in whatever phase it is. */
  void cancel() {
    upstream().cancel();
  }

  /** A lane has left. */
  void left(RequestId id) {}

  /** Compares times. */
  void tick(long nowMillis) {}

  /** Whether lanes are being told of their ends, and the call says itself when it is over. */
  boolean isTelling() {
    return false;
  }

  /** Whether the engine has not said for longer than it may what it should. */
  boolean isOverdue(long nowMillis) {
    return false;
  }

  /** When the engine began to say something; -1 while it has not. */
  long firstContentMillis() {
    return -1;
  }

  final LoopParts loop() {
    return loop;
  }

  final Host host() {
    return host;
  }

  /** Of the lanes that it was made for. */
  final List<RequestId> ids() {
    return ids;
  }

  final List<LaneBody> bodies() {
    return bodies;
  }

  final EngineCall upstream() {
    if (upstream == null) {
      throw new IllegalStateException("the call has not begun");
    }
    return upstream;
  }

  final @Nullable EngineHead answered() {
    return head;
  }

  /** When it was written to the engine; -1 while it was not. */
  final long sentMillis() {
    return sentMillis;
  }

  final String who() {
    return "replica " + grant.replica();
  }

  @Override
  public final void sent() {
    host.on(
        () -> {
          sentMillis = loop.clock().millis();
          for (RequestId id : ids) {
            Guest guest = host.guest(id);
            if (guest != null) {
              guest.sent();
            }
          }
        });
  }

  @Override
  public final void head(int status, MultiMap headers) {
    EngineHead engine = new EngineHead(status, headers);
    host.on(
        () -> {
          head = engine;
          headCame(engine);
        });
  }

  /** The engine begins to answer. */
  void headCame(EngineHead engine) {}

  @Override
  public final void data(Slice piece) {
    host.on(() -> came(piece));
  }

  /** A piece of the answer. */
  void came(Slice piece) {
    collected.appendBytes(piece.bytes(), piece.offset(), piece.length());
    if (collected.length() > ANSWER_MAX_BYTES) {
      cancel();
      fail(LaneEnd.MALFORMED, FailureClass.MALFORMED);
    }
  }

  @Override
  public final void ended() {
    host.on(this::endCame);
  }

  /** The engine has ended its answer. */
  void endCame() {
    judge();
    host.next();
  }

  private void judge() {
    int status = head == null ? 0 : head.status();
    byte[] answer = collected.getBytes();
    collected = Buffer.buffer();
    EngineAnswer judged =
        EngineAnswer.judge(who(), status, header(HttpHeaderNames.RETRY_AFTER), answer);
    if (judged instanceof EngineAnswer.Refused no) {
      host.note(no.failure().row().outcome(), TokenUsage.NONE, no.failure().retryAfterMillis());
      tell(status, answer);
    } else if (judged instanceof EngineAnswer.Passed passed) {
      if (blamesAnInput(status) && ids.size() > 1) {
        host.refused(ids);
      } else if (passed.outcome() != Outcome.OK || ids.size() == 1) {
        host.note(passed.outcome(), passed.usage(), 0);
        tell(status, answer);
      } else {
        split(answer, passed.usage());
      }
    }
  }

  /** Gives each lane its part of a success in one piece. */
  abstract void split(byte[] answer, TokenUsage used);

  /** Other refusals, as of the model's name, are of all lanes alike. */
  private static boolean blamesAnInput(int status) {
    return status == 400 || status == 413 || status == 422;
  }

  final String header(CharSequence name) {
    String value = head == null ? null : head.headers().get(name);
    return value == null ? "" : value;
  }

  /** All lanes of the call get what the engine said. */
  private void tell(int status, byte[] answer) {
    List<Slice> whole = List.of(Slice.of(answer));
    ids.forEach(id -> answer(id, status, whole));
  }

  /** A lane leaves with its answer; those that have left before want none. */
  final void answer(RequestId id, int status, List<Slice> body) {
    Guest guest = host.last(id);
    if (guest != null) {
      guest.answer(
          status, header(HttpHeaderNames.CONTENT_TYPE), header(HttpHeaderNames.RETRY_AFTER), body);
    }
  }

  @Override
  public final void failed(Throwable cause) {
    host.on(
        () -> {
          if (sentMillis >= 0) {
            broken();
          } else if (cause instanceof TimeoutException) {
            fail(LaneEnd.CONNECT_TIMEOUT, FailureClass.CONNECT_TIMEOUT);
          } else {
            fail(LaneEnd.UNREACHABLE, FailureClass.UNREACHABLE);
          }
        });
  }

  /** The connection broke after the call had been written. */
  void broken() {
    fail(LaneEnd.BROKEN_OFF, FailureClass.BROKEN_OFF);
  }

  final void fail(LaneEnd end, FailureClass row) {
    failAll(end, row);
    host.next();
  }

  final void failAll(LaneEnd end, FailureClass row) {
    host.note(row.outcome(), TokenUsage.NONE, 0);
    for (RequestId id : ids) {
      Guest guest = host.last(id);
      if (guest != null) {
        guest.fail(end);
      }
    }
  }
}
