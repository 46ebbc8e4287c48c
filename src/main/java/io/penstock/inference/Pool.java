package io.penstock.inference;

import static io.penstock.inference.Checks.require;

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
 * @param prefixIndexBytes most memory, for each replica, for what its prefix cache is taken to
 *     hold, where the routing strategy looks at that
 * @param kvEvents where its engines publish what their prefix caches hold; empty where they do not
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
    BatchPolicy batching,
    long prefixIndexBytes,
    Optional<KvEventSource> kvEvents) {
  /** Most replicas of a pool; whoever keeps books on them takes no more in. */
  public static final int REPLICAS_MAX = 4_096;

  /** Room for the prefixes of three million tokens and more. */
  public static final long PREFIX_INDEX_BYTES = 2L << 20;

  public Pool {
    require(
        prefixIndexBytes >= 4096 && prefixIndexBytes <= 1L << 30,
        "prefixIndexBytes",
        prefixIndexBytes,
        "4096..1073741824");
    aliases = List.copyOf(aliases);
    capabilities = Set.copyOf(capabilities);
  }

  /** The model name to write into requests to its engines. */
  public ModelName nameForEngine() {
    return engineModel.orElse(model);
  }
}
