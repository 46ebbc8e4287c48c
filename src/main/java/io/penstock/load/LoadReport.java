package io.penstock.load;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a run showed.
 *
 * @param wallSeconds from the first planned arrival to the end of the last answer; rates are per
 *     second of it
 * @param planned arrivals that were due, the shed ones included
 * @param sent requests that went out
 * @param outcomes how many of the planned ended how; all endings, zeros included
 * @param errors what was not {@code ok}, by ending and detail
 * @param failures the first few that failed
 * @param ttft time to the first token, from the planned arrival, of streams that were {@code ok}
 * @param interToken gaps between the tokens of a stream as they were read; tokens read together
 *     have a gap of zero
 * @param perToken mean gap of each stream that was {@code ok}
 * @param endToEnd from the planned arrival to the end of the answer
 * @param lag how late the driver sent; when it is not far below the latencies, they are the
 *     driver's
 * @param promptTokens as the servers counted them
 * @param completionTokens as the servers counted them, one for each content where they did not
 * @param exactOutputs requests whose answer was as long as asked
 * @param good present when bounds were given
 * @param replicas requests by {@code x-penstock-replica}
 * @param addresses requests by target
 */
public record LoadReport(
    Setup setup,
    double wallSeconds,
    long planned,
    long sent,
    Map<Ending, Long> outcomes,
    Map<String, Long> errors,
    List<Failure> failures,
    Latency ttft,
    Latency interToken,
    Latency perToken,
    Latency endToEnd,
    Latency lag,
    long promptTokens,
    long completionTokens,
    long exactOutputs,
    Optional<Good> good,
    Map<String, Long> replicas,
    Map<String, Long> addresses) {

  public LoadReport {
    outcomes = Map.copyOf(outcomes);
    errors = Map.copyOf(errors);
    failures = List.copyOf(failures);
    replicas = Map.copyOf(replicas);
    addresses = Map.copyOf(addresses);
  }

  /** What was run, in words. */
  public record Setup(
      List<String> addresses,
      String endpoint,
      String model,
      String pace,
      boolean stream,
      long seed) {
    public Setup {
      addresses = List.copyOf(addresses);
    }
  }

  /** A request that failed, to be looked up in the server's log. */
  public record Failure(
      String requestId, Ending ending, String detail, int contents, double atMillis) {}

  /**
   * Goodput.
   *
   * @param bounds what a good request keeps
   * @param requests how many did
   */
  public record Good(String bounds, long requests) {}

  /** How many ended so. */
  public long outcome(Ending ending) {
    return outcomes.getOrDefault(ending, 0L);
  }

  /** Whether something was sent and nothing failed: each answer was whole, nothing was shed. */
  public boolean isClean() {
    return sent > 0
        && outcomes.entrySet().stream().noneMatch(e -> e.getKey().isFailure() && e.getValue() > 0);
  }

  /** Good requests as a share of the planned ones that were not interrupted. */
  public double goodShare() {
    long judged = planned - outcome(Ending.INTERRUPTED);
    return judged == 0 ? 0 : (double) good.map(Good::requests).orElse(0L) / judged;
  }

  /** {@code ok} requests a second. */
  public double requestsPerSecond() {
    return perSecond(outcome(Ending.OK));
  }

  double perSecond(long count) {
    return wallSeconds <= 0 ? 0 : count / wallSeconds;
  }

  /** A table for people. */
  public String toText() {
    return ReportText.of(this);
  }

  /** Everything, for machines. */
  public JsonObject toJson() {
    JsonObject json =
        new JsonObject()
            .put(
                "setup",
                new JsonObject()
                    .put("targets", new JsonArray(setup.addresses()))
                    .put("endpoint", setup.endpoint())
                    .put("model", setup.model())
                    .put("pace", setup.pace())
                    .put("stream", setup.stream())
                    .put("seed", setup.seed()))
            .put("wall_s", wallSeconds)
            .put("planned", planned)
            .put("sent", sent)
            .put("clean", isClean());
    JsonObject byEnding = new JsonObject();
    for (Ending ending : Ending.values()) {
      byEnding.put(ending.label(), outcome(ending));
    }
    json.put("outcomes", byEnding).put("errors", counts(errors));
    JsonArray first = new JsonArray();
    for (Failure failure : failures) {
      first.add(
          new JsonObject()
              .put("request_id", failure.requestId())
              .put("outcome", failure.ending().label())
              .put("detail", failure.detail())
              .put("contents", failure.contents())
              .put("at_ms", failure.atMillis()));
    }
    json.put("first_failures", first)
        .put("ttft_ms", latency(ttft))
        .put("inter_token_ms", latency(interToken))
        .put("per_token_ms", latency(perToken))
        .put("end_to_end_ms", latency(endToEnd))
        .put("driver_lag_ms", latency(lag))
        .put("requests_per_s", requestsPerSecond())
        .put("prompt_tokens", promptTokens)
        .put("prompt_tokens_per_s", perSecond(promptTokens))
        .put("completion_tokens", completionTokens)
        .put("completion_tokens_per_s", perSecond(completionTokens))
        .put("exact_outputs", exactOutputs);
    good.ifPresent(
        g ->
            json.put(
                "goodput",
                new JsonObject()
                    .put("bounds", g.bounds())
                    .put("requests", g.requests())
                    .put("share", goodShare())
                    .put("requests_per_s", perSecond(g.requests()))));
    return json.put("replicas", counts(replicas)).put("targets", counts(addresses));
  }

  private static JsonObject latency(Latency latency) {
    return new JsonObject()
        .put("count", latency.count())
        .put("mean", latency.mean())
        .put("p50", latency.p50())
        .put("p90", latency.p90())
        .put("p99", latency.p99())
        .put("max", latency.max());
  }

  private static JsonObject counts(Map<String, Long> counts) {
    JsonObject json = new JsonObject();
    counts.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(e -> json.put(e.getKey(), e.getValue()));
    return json;
  }
}
