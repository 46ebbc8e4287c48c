package io.penstock.inference;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A set of replicas that serve one model alike; the unit of queueing and ownership.
 *
 * @param model the name under which clients ask for it
 * @param aliases other names under which clients may ask for it
 * @param engineModel the name that its engines know; {@code model} when absent
 * @param engineApiKey sent to its engines as a bearer token
 * @param maxConcurrent of each replica that does not say otherwise
 * @param capabilities what every replica of it can do, unless the replica says otherwise
 * @param contextTokens longest prompt plus completion, in tokens; 0 when unknown
 * @param resume how its engines go on with a message that another has begun
 * @param batching whether its requests share calls
 */
public record Pool(
    PoolName name,
    ModelName model,
    List<ModelName> aliases,
    EngineKind engine,
    Optional<ModelName> engineModel,
    Optional<String> engineApiKey,
    RoutingStrategy routingStrategy,
    ReplicaSource replicas,
    int maxConcurrent,
    Set<Capability> capabilities,
    int contextTokens,
    QueueLimits queue,
    HealthPolicy health,
    FailoverPolicy failover,
    BreakerPolicy breaker,
    ResumeMode resume,
    BatchPolicy batching) {
  /** Most replicas of a pool; whoever keeps books on them takes no more in. */
  public static final int REPLICAS_MAX = 4_096;

  public Pool {
    aliases = List.copyOf(aliases);
    capabilities = Set.copyOf(capabilities);
  }

  /** One with the default rules of batching. */
  public Pool(
      PoolName name,
      ModelName model,
      List<ModelName> aliases,
      EngineKind engine,
      Optional<ModelName> engineModel,
      Optional<String> engineApiKey,
      RoutingStrategy routingStrategy,
      ReplicaSource replicas,
      int maxConcurrent,
      Set<Capability> capabilities,
      int contextTokens,
      QueueLimits queue,
      HealthPolicy health,
      FailoverPolicy failover,
      BreakerPolicy breaker,
      ResumeMode resume) {
    this(
        name,
        model,
        aliases,
        engine,
        engineModel,
        engineApiKey,
        routingStrategy,
        replicas,
        maxConcurrent,
        capabilities,
        contextTokens,
        queue,
        health,
        failover,
        breaker,
        resume,
        BatchPolicy.DEFAULT);
  }

  /** The model name to write into requests to its engines. */
  public ModelName nameForEngine() {
    return engineModel.orElse(model);
  }
}
