package io.penstock.ingress;

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
import io.penstock.openai.LaneBody;
import io.penstock.openai.ScannedBody;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes one call for several requests, on the loop of the first of them, and gives each its own
 * part of the answer. It holds the batch's slot; {@link Course} says which calls are made. What an
 * engine says of a call as a whole each lane is told as if it had asked alone, and does what a
 * request does then.
 */
final class BatchHost implements SharedCall.Host {
  private static final Logger LOG = LoggerFactory.getLogger(BatchHost.class);

  private final LoopParts loop;
  private final Grant grant;
  private final Pool pool;
  private final Course course;
  private final Runnable whenOver;
  private final long sinceMillis;
  private final long untilMillis;
  private final Map<RequestId, Lane> lanes = new HashMap<>();
  private @Nullable SharedCall call;
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
          boolean wasHere = lanes.remove(id) != null;
          SharedCall made = call;
          if (made != null && wasHere) {
            made.left(id);
          }
          if (made != null && made.isTelling()) {
            return; // it says when it is over
          }
          if (course.isDeserted()) {
            finish();
          } else if (made != null && made == call && wasHere && isForNobody(made)) {
            made.cancel();
            next(); // it is the others' turn
          } else {
            goWhenDue();
          }
        });
  }

  /** Whether all of a call's lanes have left it; others of the batch may still wait for theirs. */
  private boolean isForNobody(SharedCall made) {
    return made.ids().stream().noneMatch(lanes::containsKey);
  }

  void tick(long nowMillis) {
    on(
        () -> {
          if (nowMillis >= untilMillis) {
            finish(); // its lanes' own deadlines have passed before
          } else {
            goWhenDue();
            if (call != null) {
              call.tick(nowMillis);
            }
          }
        });
  }

  /** The node ends: nobody gets an answer from here. */
  void abort() {
    on(this::finish);
  }

  @Override
  public void on(Runnable event) {
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

  @Override
  public void next() {
    if (over) {
      return;
    }
    List<RequestId> ids = course.next();
    if (ids.isEmpty()) {
      finish();
      return;
    }
    List<LaneBody> bodies = new ArrayList<>();
    for (RequestId id : ids) {
      bodies.add(lane(id).body());
    }
    SharedCall made =
        bodies.get(0).operation() == Operation.EMBEDDINGS
            ? new EmbeddingsCall(loop, grant, pool, this, ids, bodies)
            : new CompletionsCall(loop, grant, pool, this, ids, bodies);
    call = made;
    made.begin(body(bodies));
  }

  /** One call for all of these; the body of one that is alone goes as it came. */
  private Buffer body(List<LaneBody> bodies) {
    if (bodies.size() > 1) {
      return Buffers.of(LaneBody.join(bodies, pool.nameForEngine()).slices());
    }
    LaneBody alone = bodies.get(0);
    Checked<ScannedBody> scan =
        BodyScan.scan(alone.operation(), alone.bytes(), Optional.of(pool.model()));
    return EngineRequest.body(alone.bytes(), ((Checked.Valid<ScannedBody>) scan).value(), pool);
  }

  private Lane lane(RequestId id) {
    Lane lane = lanes.get(id);
    if (lane == null) {
      throw new IllegalStateException("lane " + id + ": not here (expected: here)");
    }
    return lane;
  }

  @Override
  public @Nullable Guest guest(RequestId id) {
    Lane lane = lanes.get(id);
    return lane == null ? null : lane.guest();
  }

  @Override
  public @Nullable Guest last(RequestId id) {
    Lane lane = lanes.remove(id);
    course.left(id);
    return lane == null ? null : lane.guest();
  }

  @Override
  public void refused(List<RequestId> ids) {
    course.refused(ids);
  }

  /** Gives the slot back; whoever still waits asks anew. */
  private void finish() {
    if (over) {
      return;
    }
    long nowMillis = loop.clock().millis();
    SharedCall last = call;
    if (last != null && last.isOverdue(nowMillis)) {
      note(Outcome.TIMEOUT, TokenUsage.NONE, 0); // why its lanes have left
    }
    over = true;
    try {
      if (last != null) {
        last.cancel();
      }
      List.copyOf(lanes.values()).forEach(lane -> lane.guest().fail(LaneEnd.LEFT_OUT));
      lanes.clear();
    } finally {
      long first = last == null ? -1 : last.firstContentMillis();
      loop.slots()
          .release(
              grant.pool(),
              grant.id(),
              outcome,
              usage,
              first < 0 ? -1 : first - sinceMillis,
              nowMillis - sinceMillis,
              retryAfterMillis);
      whenOver.run();
    }
  }

  /** One success makes the call one, whatever became of its halves. */
  @Override
  public void note(Outcome of, TokenUsage used, long retryAfter) {
    boolean says = of != Outcome.CANCELLED; // else it ends with what is known
    outcome = outcome == Outcome.OK || !says ? outcome : of;
    usage =
        new TokenUsage(
            usage.promptTokens() + used.promptTokens(),
            usage.completionTokens() + used.completionTokens(),
            usage.cachedTokens() + used.cachedTokens());
    retryAfterMillis = Math.max(retryAfterMillis, retryAfter);
  }
}
