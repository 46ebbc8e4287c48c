package io.penstock.ingress;

import io.penstock.fault.Fault;
import io.penstock.inference.Capability;
import io.penstock.inference.ModelName;
import io.penstock.inference.Priority;
import io.penstock.openai.Checked;
import io.penstock.openai.Checked.Rejected;
import io.penstock.openai.Checked.Valid;
import io.penstock.openai.RequestHeaders;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * What a client's headers say of what it asks for, read and checked.
 *
 * @param model that is meant whatever the body says
 * @param priority empty where there is none
 * @param needs capabilities
 * @param timeout the client's own total deadline
 * @param resume whether a stream that breaks may go on at another replica
 * @param session empty where there is none
 */
record AskHeaders(
    Optional<ModelName> model,
    Optional<Priority> priority,
    Set<Capability> needs,
    Optional<Duration> timeout,
    boolean resume,
    TierHeaders tiers,
    String session) {

  private static final CharSequence CONTENT_ENCODING = name("content-encoding");
  private static final CharSequence MODEL = name("x-model-id");
  private static final CharSequence PRIORITY = name("x-penstock-priority");
  private static final CharSequence CAPABILITIES = name("x-penstock-capabilities");
  private static final CharSequence TIMEOUT = name("x-penstock-timeout-ms");
  private static final CharSequence RESUME = name("x-penstock-resume");
  private static final CharSequence SESSION = name("x-penstock-session");

  private static final CharSequence LATENCY_BUDGET = name("x-penstock-latency-budget-ms");
  private static final CharSequence MAX_COST = name("x-penstock-max-cost");
  private static final CharSequence MIN_QUALITY = name("x-penstock-min-quality");
  private static final CharSequence COMPLEXITY = name("x-penstock-complexity");

  private static final CharSequence[] ALL = {
    CONTENT_ENCODING,
    MODEL,
    PRIORITY,
    CAPABILITIES,
    TIMEOUT,
    RESUME,
    SESSION,
    Headers.TIER,
    LATENCY_BUDGET,
    MAX_COST,
    MIN_QUALITY,
    COMPLEXITY
  };

  /** Most requests say nothing. */
  private static final Checked<AskHeaders> NOTHING =
      new Valid<>(
          new AskHeaders(
              Optional.empty(),
              Optional.empty(),
              Set.of(),
              Optional.empty(),
              true,
              TierHeaders.NOTHING,
              ""));

  private static CharSequence name(String text) {
    return HttpHeaders.createOptimized(text);
  }

  /** Reads them. */
  static Checked<AskHeaders> read(MultiMap headers) {
    for (CharSequence each : ALL) {
      if (headers.contains(each)) {
        return parse(headers);
      }
    }
    return NOTHING;
  }

  private static Checked<AskHeaders> parse(MultiMap headers) {
    String encoding = headers.get(CONTENT_ENCODING);
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      return new Rejected<>(
          Fault.INVALID_VALUE,
          "content-encoding",
          "content-encoding: '" + encoding + "' (expected: none; send the body as plain JSON)");
    }
    Checked<Optional<ModelName>> model = RequestHeaders.model(headers.get(MODEL));
    Checked<Optional<Priority>> priority = RequestHeaders.priority(headers.get(PRIORITY));
    Checked<Set<Capability>> needs = RequestHeaders.capabilities(headers.get(CAPABILITIES));
    Checked<Optional<Duration>> timeout = RequestHeaders.timeout(headers.get(TIMEOUT));
    Checked<Boolean> resume = RequestHeaders.resume(headers.get(RESUME));
    Checked<TierHeaders> tiers =
        TierHeaders.read(
            headers.get(Headers.TIER),
            headers.get(LATENCY_BUDGET),
            headers.get(MAX_COST),
            headers.get(MIN_QUALITY),
            headers.get(COMPLEXITY));
    Optional<Rejected<AskHeaders>> no =
        Checked.rejection(model, priority, needs, timeout, resume, tiers);
    if (no.isPresent()) {
      return no.get();
    }
    String session = headers.get(SESSION);
    return new Valid<>(
        new AskHeaders(
            model.value(),
            priority.value(),
            needs.value(),
            timeout.value(),
            resume.value(),
            tiers.value(),
            session == null || session.isBlank() ? "" : session));
  }
}
