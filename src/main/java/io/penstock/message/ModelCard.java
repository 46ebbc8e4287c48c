package io.penstock.message;

import io.penstock.inference.Capability;
import io.penstock.inference.ModelName;
import java.util.List;
import java.util.Set;

/**
 * One row of {@code /v1/models}.
 *
 * @param contextTokens 0 when unknown
 * @param ready whether at least one replica takes requests
 */
public record ModelCard(
    ModelName model,
    List<ModelName> aliases,
    Set<Capability> capabilities,
    int contextTokens,
    boolean ready) {}
