package io.penstock.ingress;

import io.penstock.inference.BatchPolicy;
import io.penstock.inference.BreakerPolicy;
import io.penstock.inference.CascadePolicy;
import io.penstock.inference.EngineKind;
import io.penstock.inference.FailoverPolicy;
import io.penstock.inference.Fleet;
import io.penstock.inference.HealthPolicy;
import io.penstock.inference.ModelName;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ResumeMode;
import io.penstock.inference.RoutingStrategy;
import io.penstock.inference.Tier;
import io.penstock.inference.TierName;
import io.penstock.inference.TierPolicy;
import io.penstock.inference.TierStrategy;
import io.penstock.inference.TokenPrice;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Three tiers, each a model of one pool, and a model that judges, which is none. */
final class TieredFleet {
  static final List<String> LEVELS = List.of("fast", "standard", "quality");

  private TieredFleet() {}

  /**
   * A fleet.
   *
   * @param urls of the engines of fast, standard, quality and judge, each a list
   */
  static Fleet of(List<List<String>> urls, Optional<CascadePolicy> cascade) {
    List<Pool> pools = new ArrayList<>();
    for (int i = 0; i < urls.size(); i++) {
      pools.add(pool(i < LEVELS.size() ? LEVELS.get(i) : "judge", urls.get(i)));
    }
    return new Fleet(
        pools,
        true,
        Optional.empty(),
        Optional.of(
            new TierPolicy(
                List.of(new ModelName("auto"), new ModelName("any")),
                List.of(
                    tier("fast", 500, 0.001, 0.002, 0.7, "standard"),
                    tier("standard", 2_000, 0.01, 0.02, 0.9, "quality"),
                    tier("quality", 5_000, 0.05, 0.1, 1, "")),
                new TierName("standard"),
                TierStrategy.SELECT_TIER,
                0.8,
                5_000,
                0.7,
                Optional.empty(),
                cascade)),
        "hash");
  }

  private static Tier tier(
      String level, int millis, double input, double output, double quality, String above) {
    return new Tier(
        new TierName(level),
        new ModelName("model-" + level),
        millis,
        input,
        new TokenPrice(input, output),
        quality,
        above.isEmpty() ? Optional.empty() : Optional.of(new TierName(above)));
  }

  private static Pool pool(String name, List<String> urls) {
    List<ReplicaSpec> replicas = new ArrayList<>();
    for (String url : urls) {
      replicas.add(
          new ReplicaSpec(new ReplicaId(name + "-" + replicas.size()), url, 1, 4, Set.of(), ""));
    }
    return new Pool(
        new PoolName(name),
        new ModelName("model-" + name),
        List.of(),
        EngineKind.VLLM,
        Optional.empty(),
        Optional.empty(),
        RoutingStrategy.LEAST_LOADED,
        new ReplicaSource.Listed(replicas),
        4,
        Set.of(),
        0,
        QueueLimits.DEFAULT,
        HealthPolicy.DEFAULT,
        FailoverPolicy.DEFAULT,
        BreakerPolicy.DEFAULT,
        ResumeMode.AUTO,
        BatchPolicy.DEFAULT,
        Pool.PREFIX_INDEX_BYTES,
        Optional.empty());
  }
}
