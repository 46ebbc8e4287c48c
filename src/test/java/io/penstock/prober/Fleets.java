package io.penstock.prober;

import io.penstock.fake.Pools;
import io.penstock.inference.EngineKind;
import io.penstock.inference.HealthPolicy;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import java.util.List;
import java.util.Set;

/** Pools and replicas for tests of the prober and its adapters. */
public final class Fleets {
  private Fleets() {}

  public static Pool pool(
      String name, EngineKind engine, ReplicaSource source, HealthPolicy health) {
    return Pools.of(name, "model-" + name)
        .engine(engine)
        .replicas(source)
        .maxConcurrent(16)
        .health(health)
        .make();
  }

  public static Pool pool(String name, ReplicaSource source) {
    return pool(name, EngineKind.VLLM, source, HealthPolicy.DEFAULT);
  }

  public static Pool pool(String name) {
    return pool(name, new ReplicaSource.Listed(List.of()));
  }

  public static ReplicaSpec replica(String id, String url) {
    return new ReplicaSpec(new ReplicaId(id), url, 1, 16, Set.of(), "");
  }

  public static ReplicaSpec replica(String id) {
    return replica(id, "http://" + id + ":8000");
  }
}
