package io.penstock.message;

import io.penstock.inference.ModelName;
import io.penstock.inference.PoolName;
import io.penstock.inference.TierName;
import java.util.List;

/**
 * A tier of a cascade and what serves it.
 *
 * @param pools never empty
 */
public record Stage(TierName tier, ModelName model, List<PoolName> pools) {}
