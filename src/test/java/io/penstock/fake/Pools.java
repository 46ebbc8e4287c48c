package io.penstock.fake;

import io.penstock.inference.BatchPolicy;
import io.penstock.inference.BreakerPolicy;
import io.penstock.inference.Capability;
import io.penstock.inference.EngineKind;
import io.penstock.inference.FailoverPolicy;
import io.penstock.inference.HealthPolicy;
import io.penstock.inference.KvEventSource;
import io.penstock.inference.ModelName;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ResumeMode;
import io.penstock.inference.RoutingStrategy;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Makes pools of which a test says what it cares about. */
public final class Pools {
  private final PoolName name;
  private final ModelName model;
  private List<ModelName> aliases = List.of();
  private EngineKind engine = EngineKind.VLLM;
  private Optional<ModelName> engineModel = Optional.empty();
  private Optional<String> engineApiKey = Optional.empty();
  private RoutingStrategy strategy = RoutingStrategy.LEAST_LOADED;
  private ReplicaSource replicas = new ReplicaSource.Listed(List.of());
  private int maxConcurrent = 8;
  private Set<Capability> capabilities = Set.of();
  private int contextTokens;
  private QueueLimits queue = QueueLimits.DEFAULT;
  private HealthPolicy health = HealthPolicy.DEFAULT;
  private FailoverPolicy failover = FailoverPolicy.DEFAULT;
  private BreakerPolicy breaker = BreakerPolicy.DEFAULT;
  private ResumeMode resume = ResumeMode.AUTO;
  private BatchPolicy batching = BatchPolicy.DEFAULT;
  private long prefixIndexBytes = Pool.PREFIX_INDEX_BYTES;
  private Optional<KvEventSource> kvEvents = Optional.empty();

  private Pools(PoolName name, ModelName model) {
    this.name = name;
    this.model = model;
  }

  /** One of vLLM engines under least_loaded, without replicas, by the defaults. */
  public static Pools of(String name, String model) {
    return new Pools(new PoolName(name), new ModelName(model));
  }

  /** One that is like another but for what is said. */
  public static Pools like(Pool other) {
    Pools pool = new Pools(other.name(), other.model());
    pool.aliases = other.aliases();
    pool.engine = other.engine();
    pool.engineModel = other.engineModel();
    pool.engineApiKey = other.engineApiKey();
    pool.strategy = other.routingStrategy();
    pool.replicas = other.replicas();
    pool.maxConcurrent = other.maxConcurrent();
    pool.capabilities = other.capabilities();
    pool.contextTokens = other.contextTokens();
    pool.queue = other.queue();
    pool.health = other.health();
    pool.failover = other.failover();
    pool.breaker = other.breaker();
    pool.resume = other.resume();
    pool.batching = other.batching();
    pool.prefixIndexBytes = other.prefixIndexBytes();
    pool.kvEvents = other.kvEvents();
    return pool;
  }

  public Pools aliases(List<ModelName> next) {
    aliases = next;
    return this;
  }

  public Pools engine(EngineKind next) {
    engine = next;
    return this;
  }

  /** What its engines call the model. */
  public Pools engineModel(String next) {
    engineModel = Optional.of(new ModelName(next));
    return this;
  }

  public Pools engineApiKey(Optional<String> next) {
    engineApiKey = next;
    return this;
  }

  public Pools strategy(RoutingStrategy next) {
    strategy = next;
    return this;
  }

  public Pools replicas(List<ReplicaSpec> next) {
    return replicas(new ReplicaSource.Listed(next));
  }

  public Pools replicas(ReplicaSource next) {
    replicas = next;
    return this;
  }

  public Pools maxConcurrent(int next) {
    maxConcurrent = next;
    return this;
  }

  public Pools capabilities(Set<Capability> next) {
    capabilities = next;
    return this;
  }

  public Pools contextTokens(int next) {
    contextTokens = next;
    return this;
  }

  public Pools queue(QueueLimits next) {
    queue = next;
    return this;
  }

  public Pools health(HealthPolicy next) {
    health = next;
    return this;
  }

  public Pools failover(FailoverPolicy next) {
    failover = next;
    return this;
  }

  public Pools breaker(BreakerPolicy next) {
    breaker = next;
    return this;
  }

  public Pools resume(ResumeMode next) {
    resume = next;
    return this;
  }

  public Pools batching(BatchPolicy next) {
    batching = next;
    return this;
  }

  public Pools kvEvents(KvEventSource next) {
    kvEvents = Optional.of(next);
    return this;
  }

  public Pool make() {
    return new Pool(
        name,
        model,
        aliases,
        engine,
        engineModel,
        engineApiKey,
        strategy,
        replicas,
        maxConcurrent,
        capabilities,
        contextTokens,
        queue,
        health,
        failover,
        breaker,
        resume,
        batching,
        prefixIndexBytes,
        kvEvents);
  }
}
