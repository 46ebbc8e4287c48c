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

  static Checked<AskHeaders> read(MultiMap headers) {
    String encoding = headers.get("content-encoding");
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      return new Rejected<>(
          Fault.INVALID_VALUE,
          "content-encoding",
          "content-encoding: '" + encoding + "' (expected: none; send the body as plain JSON)");
    }
    Checked<Optional<ModelName>> model = RequestHeaders.model(headers.get("x-model-id"));
    Checked<Optional<Priority>> priority =
        RequestHeaders.priority(headers.get("x-penstock-priority"));
    Checked<Set<Capability>> needs =
        RequestHeaders.capabilities(headers.get("x-penstock-capabilities"));
    Checked<Optional<Duration>> timeout =
        RequestHeaders.timeout(headers.get("x-penstock-timeout-ms"));
    Checked<Boolean> resume = RequestHeaders.resume(headers.get("x-penstock-resume"));
    Checked<TierHeaders> tiers = TierHeaders.read(headers::get);
    Optional<Rejected<AskHeaders>> no =
        Checked.rejection(model, priority, needs, timeout, resume, tiers);
    if (no.isPresent()) {
      return no.get();
    }
    String session = headers.get("x-penstock-session");
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
