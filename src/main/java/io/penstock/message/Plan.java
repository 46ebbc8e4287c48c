package io.penstock.message;

import io.penstock.inference.ModelName;
import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import io.penstock.inference.TierName;
import java.util.List;
import java.util.Optional;

/**
 * The router's answer: the pools to try, in order.
 *
 * @param model the canonical name of the model that the alias meant, or that was chosen
 * @param pools never empty
 * @param tier the one that was chosen; empty where the request named a model
 * @param higher the tiers above it that a cascade may go up to, in order
 */
public record Plan(
    RequestId id,
    ModelName model,
    List<PoolName> pools,
    Optional<TierName> tier,
    List<Stage> higher)
    implements Message {
  /** Of a request that named a model. */
  public static Plan of(RequestId id, ModelName model, List<PoolName> pools) {
    return new Plan(id, model, pools, Optional.empty(), List.of());
  }
}
