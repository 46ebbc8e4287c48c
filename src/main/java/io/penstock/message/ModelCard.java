package io.penstock.message;

import io.penstock.inference.Capability;
import io.penstock.inference.ModelName;
import io.penstock.inference.TierName;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One row of {@code /v1/models}.
 *
 * @param tier the one that it stands for; empty for none
 * @param chosenAmong names of the models that one is chosen of, for a name that leaves the choice
 *     to the router; a tenant may use it where he may use one of them. Empty for a model
 * @param contextTokens 0 when unknown
 * @param ready whether at least one replica takes requests
 */
public record ModelCard(
    ModelName model,
    List<ModelName> aliases,
    Optional<TierName> tier,
    List<ModelName> chosenAmong,
    Set<Capability> capabilities,
    int contextTokens,
    boolean ready) {}
