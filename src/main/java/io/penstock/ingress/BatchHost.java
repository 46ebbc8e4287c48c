package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.RequestId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Batch;
import io.penstock.message.Grant;
import io.penstock.message.LaneEnd;
import io.penstock.openai.BodyScan;
import io.penstock.openai.Checked;
import io.penstock.openai.EmbeddingsSplit;
import io.penstock.openai.LaneBody;
import io.penstock.openai.ScannedBody;
import io.penstock.openai.Slice;
import io.penstock.openai.Spliced;
import io.penstock.stream.FailureClass;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes one call for several requests, on the loop of the first of them, and gives each its own
 * part of the answer. It holds the batch's slot; {@link Course} says which calls are made. What an
 * engine says of a call as a whole each lane is told as if it had asked alone, and does what a
 * request does then.
 */
final class BatchHost {
  private static final Logger LOG = LoggerFactory.getLogger(BatchHost.class);

  /** Longest answer to a call: 64 inputs of 4,096 numbers are some 5 MiB. */
  static final int ANSWER_MAX_BYTES = 64 << 20;

  private final LoopParts loop;
  private final Grant grant;
  private final Pool pool;
  private final Course course;
  private final Runnable whenOver;
  private final long sinceMillis;
  private final long untilMillis;
  private final Map<RequestId, Lane> lanes = new HashMap<>();
  private @Nullable Call call;
  private boolean over;
  private Outcome outcome = Outcome.CANCELLED;
  private TokenUsage usage = TokenUsage.NONE;
  private long retryAfterMillis;

  private record Lane(LaneBody body, Guest guest) {}

  /**
   * @param whenOver called once, when the slot has been given back
   */
  BatchHost(LoopParts loop, Batch batch, Pool pool, Runnable whenOver, long nowMillis) {
    this.loop = loop;
    this.grant = batch.grant();
    this.pool = pool;
    this.course = new Course(batch.lanes(), nowMillis);
    this.whenOver = whenOver;
    this.sinceMillis = nowMillis;
    this.untilMillis = nowMillis + loop.rules().get().config().deadlines().total().toMillis();
  }

  /** A lane comes with its inputs. */
  void open(RequestId id, LaneBody body, Guest guest) {
    on(
        () -> {
          if (!course.came(id)) {
            guest.fail(LaneEnd.LEFT_OUT);
            return;
          }
          lanes.put(id, new Lane(body, guest));
          goWhenDue();
        });
  }

  /** A lane has left. */
  void leave(RequestId id) {
    on(
        () -> {
          course.left(id);
          lanes.remove(id);
          if (course.isDeserted()) {
            finish();
          } else {
            goWhenDue();
          }
        });
  }

  void tick(long nowMillis) {
    on(
        () -> {
          if (nowMillis >= untilMillis) {
            finish(); // its lanes' own deadlines have passed before
          } else {
            goWhenDue();
          }
        });
  }

  /** The node ends: nobody gets an answer from here. */
  void abort() {
    on(this::finish);
  }

  private void on(Runnable event) {
    if (over) {
      return;
    }
    try {
      event.run();
    } catch (RuntimeException bug) {
      LOG.error("batch {} failed", grant.id(), bug);
      finish();
    }
  }

  private void goWhenDue() {
    if (course.isDue(loop.clock().millis())) {
      course.begin();
      next();
    }
  }

  private void next() {
    List<RequestId> ids = course.next();
    if (ids.isEmpty()) {
      finish();
      return;
    }
    Call made = new Call(ids);
    call = made;
    made.begin();
  }

  /** Gives the slot back; whoever still waits asks anew. */
  private void finish() {
    if (over) {
      return;
    }
    over = true;
    try {
      if (call != null) {
        call.cancel();
      }
      List.copyOf(lanes.values()).forEach(lane -> lane.guest().fail(LaneEnd.LEFT_OUT));
      lanes.clear();
    } finally {
      loop.slots()
          .release(
              grant.pool(),
              grant.id(),
              outcome,
              usage,
              -1,
              loop.clock().millis() - sinceMillis,
              retryAfterMillis);
      whenOver.run();
    }
  }

  /** One success makes the call one, whatever became of its halves. */
  private void note(Outcome of, TokenUsage used, long retryAfter) {
    outcome = outcome == Outcome.OK ? outcome : of;
    usage =
        new TokenUsage(
            usage.promptTokens() + used.promptTokens(),
            usage.completionTokens() + used.completionTokens(),
            usage.cachedTokens() + used.cachedTokens());
    retryAfterMillis = Math.max(retryAfterMillis, retryAfter);
  }

  /** One call to the replica. */
  private final class Call implements Upstream.Listener {
    private final List<RequestId> ids;
    private final List<LaneBody> bodies = new ArrayList<>();
    private @Nullable EngineCall upstream;
    private @Nullable EngineHead head;
    private boolean sent;
    private Buffer collected = Buffer.buffer();

    Call(List<RequestId> ids) {
      this.ids = ids;
    }

    void begin() {
      for (RequestId id : ids) {
        bodies.add(lane(id).body());
      }
      EngineCall made = EngineRequest.shared(loop, grant, pool, body(), this);
      upstream = made;
      made.start();
    }

    void cancel() {
      if (upstream != null) {
        upstream.cancel();
      }
    }

    private Buffer body() {
      if (bodies.size() > 1) {
        return Buffers.of(LaneBody.join(bodies, pool.nameForEngine()).slices());
      }
      byte[] alone = bodies.get(0).bytes();
      Checked<ScannedBody> scan =
          BodyScan.scan(Operation.EMBEDDINGS, alone, Optional.of(pool.model()));
      return EngineRequest.body(alone, ((Checked.Valid<ScannedBody>) scan).value(), pool);
    }

    private Lane lane(RequestId id) {
      Lane lane = lanes.get(id);
      if (lane == null) {
        throw new IllegalStateException("lane " + id + ": not here (expected: here)");
      }
      return lane;
    }

    @Override
    public void sent() {
      on(
          () -> {
            sent = true;
            for (RequestId id : ids) {
              if (lanes.get(id) != null) {
                lane(id).guest().sent();
              }
            }
          });
    }

    @Override
    public void head(EngineHead answered) {
      on(() -> head = answered);
    }

    @Override
    public void data(Buffer piece) {
      on(
          () -> {
            collected.appendBuffer(piece);
            if (collected.length() > ANSWER_MAX_BYTES) {
              cancel();
              fail(LaneEnd.MALFORMED, FailureClass.MALFORMED);
            }
          });
    }

    @Override
    public void ended() {
      on(this::judge);
    }

    private void judge() {
      int status = head == null ? 0 : head.status();
      byte[] answer = collected.getBytes();
      collected = Buffer.buffer();
      EngineAnswer judged =
          EngineAnswer.judge(
              "replica " + grant.replica(), status, header(HttpHeaderNames.RETRY_AFTER), answer);
      if (judged instanceof EngineAnswer.Refused no) {
        note(no.failure().row().outcome(), TokenUsage.NONE, no.failure().retryAfterMillis());
        tell(status, answer);
      } else if (judged instanceof EngineAnswer.Passed passed) {
        if (blamesAnInput(status) && ids.size() > 1) {
          course.refused(ids);
        } else if (passed.outcome() != Outcome.OK || ids.size() == 1) {
          note(passed.outcome(), passed.usage(), 0);
          tell(status, answer);
        } else {
          split(answer, passed.usage());
        }
      }
      next();
    }

    /** Other refusals, as of the model's name, are of all lanes alike. */
    private static boolean blamesAnInput(int status) {
      return status == 400 || status == 413 || status == 422;
    }

    private String header(CharSequence name) {
      String value = head == null ? null : head.headers().get(name);
      return value == null ? "" : value;
    }

    /** All lanes of the call get what the engine said. */
    private void tell(int status, byte[] answer) {
      List<Slice> whole = List.of(new Slice(answer, 0, answer.length));
      ids.forEach(id -> answer(id, status, whole));
    }

    private void split(byte[] answer, TokenUsage used) {
      int[] inputs = bodies.stream().mapToInt(LaneBody::inputs).toArray();
      long[] weights = bodies.stream().mapToLong(LaneBody::weight).toArray();
      Optional<List<Spliced>> parts = EmbeddingsSplit.split(answer, inputs, weights);
      if (parts.isEmpty()) {
        failAll(LaneEnd.MALFORMED, FailureClass.MALFORMED);
        return;
      }
      note(Outcome.OK, used, 0);
      for (int i = 0; i < ids.size(); i++) {
        answer(ids.get(i), 200, parts.get().get(i).slices());
      }
    }

    /** A lane leaves with its answer; those that have left before want none. */
    private void answer(RequestId id, int status, List<Slice> body) {
      Lane lane = lanes.remove(id);
      course.left(id);
      if (lane != null) {
        lane.guest()
            .answer(
                status,
                header(HttpHeaderNames.CONTENT_TYPE),
                header(HttpHeaderNames.RETRY_AFTER),
                body);
      }
    }

    @Override
    public void failed(Throwable cause) {
      on(
          () -> {
            if (sent) {
              fail(LaneEnd.BROKEN_OFF, FailureClass.BROKEN_OFF);
            } else if (cause instanceof TimeoutException) {
              fail(LaneEnd.CONNECT_TIMEOUT, FailureClass.CONNECT_TIMEOUT);
            } else {
              fail(LaneEnd.UNREACHABLE, FailureClass.UNREACHABLE);
            }
          });
    }

    private void fail(LaneEnd end, FailureClass row) {
      failAll(end, row);
      next();
    }

    private void failAll(LaneEnd end, FailureClass row) {
      note(row.outcome(), TokenUsage.NONE, 0);
      for (RequestId id : ids) {
        Lane lane = lanes.remove(id);
        course.left(id);
        if (lane != null) {
          lane.guest().fail(end);
        }
      }
    }
  }
}
