package io.penstock.message;

import io.penstock.inference.Appraisal;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import java.util.List;
import java.util.Optional;

/**
 * The receipt of one choice of a replica: what was known, how it was weighed, what came of it. All
 * that the strategy looked at is in it, so that the choice can be made again from it alone; but for
 * {@code hash_based}, whose ring has all the pool's replicas on it.
 *
 * @param request the id as its client knows it
 * @param ordinal of the grant in the pool, by its owner's count
 * @param ageMillis since the choice
 * @param strategy by its name in the configuration
 * @param reason why the chosen one, in words
 * @param candidates replicas that could have taken the request
 * @param terms what was known of the request and the pool
 * @param rows candidates, the least score first; at most {@link #ROWS_MAX}, the chosen one among
 *     them
 * @param appraisal how complex its task was found to be; empty where it named a model
 * @param remark what became of the request, where there is something to be said
 */
public record Decision(
    RequestId request,
    long ordinal,
    long ageMillis,
    String strategy,
    ReplicaId chosen,
    String reason,
    int candidates,
    List<Term> terms,
    List<Row> rows,
    Optional<Appraisal> appraisal,
    Optional<String> remark) {
  /** Most candidates that are told. */
  public static final int ROWS_MAX = 64;

  /**
   * One candidate.
   *
   * @param score the least is chosen
   * @param inputs what the score was made of, and what decides between equal ones
   */
  public record Row(ReplicaId replica, double score, List<Term> inputs) {}

  /** Of a request that named a model. */
  public Decision(
      RequestId request,
      long ordinal,
      long ageMillis,
      String strategy,
      ReplicaId chosen,
      String reason,
      int candidates,
      List<Term> terms,
      List<Row> rows) {
    this(
        request,
        ordinal,
        ageMillis,
        strategy,
        chosen,
        reason,
        candidates,
        terms,
        rows,
        Optional.empty(),
        Optional.empty());
  }

  /** The same for another request that went in the same call; of its own fate it says nothing. */
  public Decision by(RequestId other) {
    return new Decision(
        other, ordinal, ageMillis, strategy, chosen, reason, candidates, terms, rows);
  }

  /** The same, with how complex the request's task was found to be. */
  public Decision appraised(Optional<Appraisal> task) {
    return with(ageMillis, task, remark);
  }

  /** The same, told later. */
  public Decision aged(long millis) {
    return with(millis, appraisal, remark);
  }

  /** The same with a remark. */
  public Decision remarked(String text) {
    return with(ageMillis, appraisal, Optional.of(text));
  }

  private Decision with(long age, Optional<Appraisal> task, Optional<String> said) {
    return new Decision(
        request, ordinal, age, strategy, chosen, reason, candidates, terms, rows, task, said);
  }
}
