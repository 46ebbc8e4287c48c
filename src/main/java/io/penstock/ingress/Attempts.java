package io.penstock.ingress;

import io.penstock.inference.Outcome;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Grant;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the attempts of one request add up to. What a client is said to have used is the usage of
 * the attempts that it has seen something of; at most as many are kept as a request may have
 * attempts and resumes.
 */
final class Attempts {
  private final Set<ReplicaId> tried = new HashSet<>();
  private int count;
  private int leftOut;
  private int pressed;
  private @Nullable Grant last;
  private @Nullable Failure lastFailure;
  private long soonestMillis;
  private TokenUsage usage = TokenUsage.NONE;
  private int generatedTokens;

  /** Another one begins. */
  void begin(Grant grant) {
    count++;
    tried.add(grant.replica());
    last = grant;
  }

  /** The last one was to share a call that went without it: no replica had the request. */
  void leftOut() {
    count--;
    leftOut++;
    if (last != null) {
      tried.remove(last.replica());
    }
  }

  /** Whether engines have had too much to do, and there was nothing else. */
  boolean onlyPressed() {
    return leftOut == 0 && count > 0 && pressed == count;
  }

  /** The number of the next question to an owner, from 1. */
  int next() {
    return count + leftOut + 1;
  }

  /** A replica that was granted and can not be asked. */
  void passOver(ReplicaId replica) {
    tried.add(replica);
  }

  /**
   * One has ended, and what it generated is the client's.
   *
   * @param generated tokens, by the engine's count or else by frames
   */
  void keep(TokenUsage reported, int generated) {
    usage = Usages.joined(usage, reported);
    generatedTokens += generated;
  }

  /** One has failed. */
  void failed(Failure failure) {
    lastFailure = failure;
    pressed += failure.row().outcome() == Outcome.BACK_PRESSURE ? 1 : 0;
    long asks = failure.retryAfterMillis();
    if (asks > 0) {
      soonestMillis = soonestMillis == 0 ? asks : Math.min(soonestMillis, asks);
    }
  }

  /** When the first of those that have failed wants to be asked again; 0 when none has said. */
  long soonestMillis() {
    return soonestMillis;
  }

  /** How many replicas have had the request. */
  int count() {
    return count;
  }

  /** Replicas that shall not have it again. */
  Set<ReplicaId> tried() {
    return Set.copyOf(tried);
  }

  /** The replica that served it, or was the last to try. */
  Optional<ReplicaId> replica() {
    return Optional.ofNullable(last).map(Grant::replica);
  }

  /** How long the last one waited for its slot, in milliseconds. */
  long queuedMillis() {
    return last == null ? 0 : last.queuedMillis();
  }

  /** What the last one that has failed did so with. */
  Optional<Failure> lastFailure() {
    return Optional.ofNullable(lastFailure);
  }

  /** All of those that were kept, counted by who knows better. */
  void correct(TokenUsage all) {
    usage = all;
  }

  /** Of those that were kept. */
  TokenUsage usage() {
    return usage;
  }

  /** Tokens of those that were kept, by the engines' count or else by frames. */
  int generatedTokens() {
    return generatedTokens;
  }
}
