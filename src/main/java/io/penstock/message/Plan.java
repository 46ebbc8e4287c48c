package io.penstock.message;

import io.penstock.inference.ModelName;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import java.util.List;

/**
 * The router's answer: the pools to try, in order.
 *
 * @param model the canonical name of the model that the alias meant
 * @param pools never empty
 */
public record Plan(RequestId id, ModelName model, List<PoolName> pools) implements Message {}
