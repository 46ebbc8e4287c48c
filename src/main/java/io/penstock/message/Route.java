package io.penstock.message;

import io.penstock.inference.Capability;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import io.penstock.inference.TierWish;
import java.util.Optional;
import java.util.Set;

/**
 * Asks the router what serves a request; answered to {@code replyTo} by exactly one {@link Plan} or
 * {@link Refusal}.
 *
 * @param model as the client wrote it, or {@code x-model-id}
 * @param needs explicit and detected capabilities; all are required
 * @param promptTokens estimate of the prompt's length
 * @param maxTokens what the client allows to be generated; 0 when it did not say
 * @param allowed names of models and aliases that the tenant may ask for; empty for all
 * @param wish what the client wants of a tier; empty where the ingress knows of none
 */
public record Route(
    RequestId id,
    Station replyTo,
    TenantId tenant,
    ModelName model,
    Operation operation,
    Set<Capability> needs,
    int promptTokens,
    int maxTokens,
    Set<ModelName> allowed,
    Optional<TierWish> wish)
    implements Message {}
