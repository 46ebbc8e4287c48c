package io.penstock.ingress;

import io.penstock.inference.Appraisal;
import io.penstock.inference.Cost;
import io.penstock.inference.Fleet;
import io.penstock.inference.Outcome;
import io.penstock.inference.PoolName;
import io.penstock.inference.Priority;
import io.penstock.inference.PromptPrefix;
import io.penstock.inference.RequestId;
import io.penstock.inference.TierName;
import io.penstock.inference.TokenUsage;
import io.penstock.stream.RequestLife;
import io.penstock.stream.StreamState;
import io.penstock.telemetry.AccessLine;
import io.penstock.telemetry.AccessLog;
import io.penstock.telemetry.Phase;
import io.penstock.telemetry.RequestMeters;
import java.util.concurrent.TimeUnit;

/** Writes each request's end into the meters and the access log. */
final class Books {
  private final String node;
  private final RequestMeters meters;
  private final AccessLog log;

  Books(String node, RequestMeters meters, AccessLog log) {
    this.node = node;
    this.meters = meters;
    this.log = log;
  }

  /** These are the models and pools of now. */
  void know(Fleet fleet) {
    meters.know(fleet);
  }

  void began() {
    meters.began();
  }

  /** An attempt is over, thrown away or not. */
  void tokens(PoolName pool, TokenUsage usage) {
    meters.tokens(pool, usage);
  }

  /** An attempt has failed with this outcome, and another follows. */
  void retried(PoolName pool, Outcome outcome) {
    meters.retried(pool, outcome);
  }

  /** Another replica has gone on with the stream. */
  void resumed(PoolName pool, long gapMillis) {
    meters.resumed(pool, nanos(gapMillis));
  }

  /** Another replica was to go on with the stream and did not. */
  void resumeFailed(PoolName pool) {
    meters.resumeFailed(pool);
  }

  /** The stream broke and can not go on elsewhere. */
  void resumeRefused(PoolName pool, String reason) {
    meters.resumeRefused(pool, reason);
  }

  /** A loop has decided on a limit without its keeper. */
  void limitDecidedLocally(boolean admitted) {
    meters.limitDecidedLocally(admitted);
  }

  /** The answer of a tier that has one above was taken or not. */
  void cascade(TierName tier, String outcome) {
    meters.cascade(tier, outcome);
  }

  /** It is known how complex a request's task is. */
  void appraised(Appraisal found) {
    meters.appraised(found);
  }

  /** A rejected draft is the answer, since the tier above failed so. */
  void draftServed(TierName tier, String code) {
    meters.draftServed(tier, code);
  }

  /** So many bytes of drafts more are held, or less. */
  void draftsHeld(long bytes) {
    meters.draftsHeld(bytes);
  }

  /** A judge has spoken, or failed. */
  void judged(String judge, String outcome) {
    meters.judged(judge, outcome);
  }

  /** What a request has cost on one tier. */
  void cost(TierName tier, Priority priority, Cost cost) {
    meters.cost(tier, priority, cost);
  }

  void retryBudgetExhausted() {
    meters.retryBudgetExhausted();
  }

  /** Tokens were generated that nobody gets. */
  void wasted(StreamState state, int tokens) {
    meters.wasted(phase(state), tokens);
  }

  void ended(Settlement end) {
    RequestLife life = end.life();
    meters.ended();
    int generated = end.attempts().generatedTokens();
    RequestMeters.ForModel model = meters.of(end.operation(), end.model().orElse(null));
    model.ended(end.outcome(), nanos(life.totalMillis()));
    if (end.status() > 0) {
      meters.responded(end.operation(), end.status(), end.fault().orElse(null));
    }
    if (life.timeToFirstTokenMillis() >= 0) {
      model.firstToken(nanos(life.timeToFirstTokenMillis()));
    }
    if (end.outcome() == Outcome.OK && end.streams()) {
      model.outputTokens(nanos(life.generationMillis()), generated);
    }
    cached(end);
    if (life.state() == StreamState.CANCELLED) {
      meters.cancelled(phase(life.endedIn()));
      wasted(life.endedIn(), generated);
    } else if (life.state() == StreamState.FAILED && life.timeToFirstTokenMillis() < 0) {
      wasted(life.endedIn(), generated); // the client has an error and nothing else
    }
    log.write(
        new AccessLine(
            end.epochMillis(),
            new RequestId(end.caller().requestId()),
            end.caller().traceparent().map(parent -> parent.substring(3, 35)).orElse(null),
            end.tenant(),
            end.operation().label(),
            end.model().orElse(null),
            end.pool().orElse(null),
            end.attempts().replica().orElse(null),
            node,
            end.status(),
            end.outcome(),
            end.fault().map(fault -> fault.code()).orElse(null),
            end.streams(),
            end.attempts().count(),
            life.resumes(),
            nanos(life.queueMillis()),
            nanos(life.timeToFirstTokenMillis()),
            nanos(life.totalMillis()),
            end.attempts().usage(),
            end.tiers(),
            end.answered().orElse(null),
            end.escalation().map(FailedEscalation::code).orElse(null),
            end.cost().orElse(null),
            end.bytesOut(),
            end.caller().address()));
  }

  private void cached(Settlement end) {
    int cached = end.attempts().usage().cachedTokens();
    if (cached > 0) {
      int ofPrefix = end.prefix().map(prefix -> Math.min(cached, prefix.tokens())).orElse(0);
      meters.cached(end.prefix().map(PromptPrefix::id).orElse(null), ofPrefix, cached - ofPrefix);
    }
  }

  private static long nanos(long millis) {
    return millis < 0 ? -1 : TimeUnit.MILLISECONDS.toNanos(millis);
  }

  private static Phase phase(StreamState state) {
    return switch (state) {
      case RECEIVED -> Phase.RECEIVED;
      case QUEUED -> Phase.QUEUED;
      case CONNECTING -> Phase.CONNECTING;
      case AWAITING_FIRST -> Phase.AWAITING_FIRST;
      case DRAFTING -> Phase.DRAFTING;
      case JUDGING -> Phase.JUDGING;
      case RETRYING -> Phase.RETRYING;
      case STREAMING -> Phase.STREAMING;
      case RESUMING -> Phase.RESUMING;
      case FINISHED, CANCELLED, FAILED ->
          throw new IllegalArgumentException("endedIn: " + state + " (expected: not final)");
    };
  }
}
