package io.penstock.ingress;

import io.penstock.inference.ModelName;
import io.penstock.inference.Outcome;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Grant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the attempts of one request add up to. What a client is said to have used is the usage of
 * the attempts that it has seen something of, and of the answers of lower tiers that were judged
 * for it; at most as many are kept as a request may have attempts, resumes and tiers.
 */
final class Attempts {
  /**
   * What one model was used for a request.
   *
   * @param generated tokens, by the engine's count or else by frames
   */
  record Use(ModelName model, TokenUsage usage, int generated) {
    /** By the engine's count, else by an estimate where it has generated anything. */
    int promptTokens(int estimate) {
      int counted = usage.promptTokens();
      return counted > 0 || generated == 0 ? counted : estimate;
    }

    /** By the engine's count, else by frames where it has told none. */
    int completionTokens() {
      return usage.completionTokens() > 0 ? usage.completionTokens() : generated;
    }
  }

  private final List<Use> before = new ArrayList<>(0);
  private final Set<ReplicaId> tried = new HashSet<>();
  private int count;
  private int asked;
  private int leftOut;
  private int pressed;
  private @Nullable Grant last;
  private @Nullable Failure lastFailure;
  private long soonestMillis;
  private TokenUsage usage = TokenUsage.NONE;
  private int generatedTokens;
  private @Nullable ModelName model;
  private int countOfStage;

  /** Another one begins. */
  void begin(Grant grant) {
    count++;
    asked++;
    countOfStage++;
    tried.add(grant.replica());
    last = grant;
  }

  /** The last one was to share a call that went without it: no replica had the request. */
  void leftOut() {
    count--;
    countOfStage--;
    leftOut++;
    if (last != null) {
      tried.remove(last.replica());
    }
  }

  /** Whether engines have had too much to do, and there was nothing else. */
  boolean onlyPressed() {
    return leftOut == 0 && countOfStage > 0 && pressed == countOfStage;
  }

  /**
   * The number of the next question to an owner, from 1 for each tier: owners serve what is asked
   * again before what is new, and no pool has had the request of a tier that begins.
   */
  int next() {
    return asked + 1;
  }

  /** A replica that was granted and can not be asked. */
  void passOver(ReplicaId replica) {
    tried.add(replica);
  }

  /**
   * One has ended, and what it generated is the client's.
   *
   * @param by the model that it ran on
   * @param generated tokens, by the engine's count or else by frames
   */
  void keep(ModelName by, TokenUsage reported, int generated) {
    model = by;
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

  /** How many of them for the tier that is tried now. */
  int countOfStage() {
    return countOfStage;
  }

  /** The next tier is tried: any replica may have the request again. */
  void nextStage() {
    uses().stream().skip(before.size()).forEach(before::add);
    tried.clear();
    asked = 0;
    countOfStage = 0;
    pressed = 0;
    leftOut = 0;
    lastFailure = null;
    usage = TokenUsage.NONE;
    generatedTokens = 0;
    model = null;
  }

  /** What each model was used, in the order of the tiers. */
  List<Use> uses() {
    List<Use> all = new ArrayList<>(before);
    if (model != null && (generatedTokens > 0 || !usage.equals(TokenUsage.NONE))) {
      all.add(new Use(model, usage, generatedTokens));
    }
    return all;
  }

  /** What the model of the tier that is tried now was used. */
  List<Use> usesOfStage() {
    return uses().subList(before.size(), uses().size());
  }

  /** The answer is one of an earlier attempt. */
  void answeredBy(Grant earlier) {
    last = earlier;
  }

  /** With what the last one was begun. */
  Optional<Grant> lastGrant() {
    return Optional.ofNullable(last);
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

  /** Of those that were kept, over all tiers. */
  TokenUsage usage() {
    return Usages.sum(usageBefore(), usage);
  }

  /** Of the tiers before the one that is tried now. */
  TokenUsage usageBefore() {
    TokenUsage sum = TokenUsage.NONE;
    for (Use each : before) {
      sum = Usages.sum(sum, each.usage());
    }
    return sum;
  }

  /** Tokens of those that were kept, by the engines' count or else by frames, over all tiers. */
  int generatedTokens() {
    return generatedTokens + before.stream().mapToInt(Use::generated).sum();
  }
}
