package io.penstock.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.penstock.fault.Fault;
import io.penstock.inference.Appraisal;
import io.penstock.inference.Cost;
import io.penstock.inference.Fleet;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.Priority;
import io.penstock.inference.TierName;
import io.penstock.inference.TokenUsage;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * What the ingress counts of its requests. Every meter is resolved once, so that an event costs a
 * few additions and no allocation; label values are the canonical model and pool names of the fleet
 * and constants of enums, everything else counts as {@value #UNKNOWN}. One instance per node,
 * shared by its lanes; thread-safe.
 *
 * <p>Histogram buckets are those that the OpenTelemetry semantic conventions for generative AI
 * advise for the three server metrics.
 */
@SuppressWarnings("EnumOrdinal") // indices into tables that live as long as the process
public final class RequestMeters {
  /** The label of a model or pool that is not in the fleet. */
  public static final String UNKNOWN = "unknown";

  private static final String OTHER_OPERATION = "other";
  private static final String NO_ERROR = "none";
  private static final String ENGINE_ERROR = "engine";
  private static final String NO_REASON = "none";

  /** Of estimates that are what they were meant to be. */
  private static final String AS_MEANT = "none";

  private static final String NO_PREFIX = "none";

  /** Of prefixes that have no series of their own. */
  private static final String OTHER_PREFIXES = "other";

  /** Most registered prefixes with series of their own. */
  private static final int PREFIXES_MAX = 50;

  private static final int STATUS_MIN = 100;
  private static final int STATUS_MAX = 599;

  private static final Duration[] DURATION_BUCKETS =
      seconds(
          0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92);
  private static final Duration[] FIRST_TOKEN_BUCKETS =
      seconds(
          0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5,
          10.0);
  private static final Duration[] PER_TOKEN_BUCKETS =
      seconds(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5);

  private static final Duration[] GAP_BUCKETS =
      seconds(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0);

  /** A series of costs: tiers of the fleet times classes. */
  private record CostKey(String tier, Priority priority) {}

  /** A series of estimates; both are of closed lists. */
  private record AppraisalKey(String by, String why) {}

  private final MeterRegistry registry;
  private final LongAdder inFlight = new LongAdder();
  private final LongAdder draftBytes = new LongAdder();
  private final Map<ModelName, Map<Operation, ForModel>> models = new ConcurrentHashMap<>();
  private final Map<Operation, ForModel> unknownModel;
  private final Map<PoolName, PoolCounters> pools = new ConcurrentHashMap<>();
  private final PoolCounters unknownPool;
  private final Map<String, PrefixCounters> prefixes = new ConcurrentHashMap<>();
  private final Map<Operation, Responses> responses = new EnumMap<>(Operation.class);
  private final Responses otherResponses = new Responses(OTHER_OPERATION);
  private final Set<TierName> tiers = ConcurrentHashMap.newKeySet();
  private final Map<CostKey, Counter> costs = new ConcurrentHashMap<>();
  private final Map<AppraisalKey, Counter> appraisals = new ConcurrentHashMap<>();
  private final Map<Phase, Counter> cancelled;
  private final Map<Phase, Counter> wasted;
  private final Counter budgetExhausted;
  private final Counter admittedLocally;
  private final Counter refusedLocally;

  public RequestMeters(MeterRegistry registry, Fleet fleet) {
    this.registry = registry;
    know(fleet);
    unknownModel = forModel(UNKNOWN);
    unknownPool = new PoolCounters(UNKNOWN, UNKNOWN);
    for (Operation operation : Operation.values()) {
      responses.put(operation, new Responses(operation.label()));
    }
    cancelled = byPhase(p -> registry.counter(Names.CANCELLED, "phase", p.label()));
    wasted = byPhase(p -> registry.counter(Names.WASTED_TOKENS, "phase", p.label()));
    budgetExhausted = registry.counter(Names.RETRY_BUDGET_EXHAUSTED);
    admittedLocally = registry.counter(Names.LIMIT_LOCAL_DECISIONS, "outcome", "admitted");
    refusedLocally = registry.counter(Names.LIMIT_LOCAL_DECISIONS, "outcome", "refused");
    Gauge.builder(Names.REQUESTS_IN_FLIGHT, inFlight, LongAdder::sum).register(registry);
    Gauge.builder(Names.CASCADE_DRAFT_BYTES, draftBytes, LongAdder::sum).register(registry);
  }

  /**
   * These are the models and pools of now. Those of before stay known, since requests that they
   * serve may still run; so do their series, until the process ends.
   */
  public void know(Fleet fleet) {
    fleet.tiers().ifPresent(of -> of.tiers().forEach(tier -> tiers.add(tier.level())));
    for (Pool pool : fleet.pools()) {
      models.computeIfAbsent(pool.model(), model -> forModel(model.value()));
      pools.compute(
          pool.name(),
          (name, known) ->
              known != null && known.model.equals(pool.model().value())
                  ? known
                  : new PoolCounters(pool.model().value(), name.value()));
    }
  }

  /** A request has arrived; followed by exactly one {@link #ended()}. */
  public void began() {
    inFlight.increment();
  }

  /** Its last byte has been sent, or its client has left. */
  public void ended() {
    inFlight.decrement();
  }

  /**
   * A response has been sent whole, or as far as it went.
   *
   * @param operation null for anything but the inference endpoints
   * @param status of the status line that was sent
   * @param fault what went wrong by our own word; null when nothing did, or when an engine's own
   *     error was passed on
   */
  public void responded(@Nullable Operation operation, int status, @Nullable Fault fault) {
    Responses of = operation == null ? otherResponses : get(responses, operation);
    of.increment(status, fault);
  }

  /**
   * The meters of one operation on one model.
   *
   * @param model its canonical name; null when the request did not get that far
   */
  public ForModel of(Operation operation, @Nullable ModelName model) {
    Map<Operation, ForModel> found = model == null ? null : models.get(model);
    return get(found == null ? unknownModel : found, operation);
  }

  /** An engine has reported what an attempt cost. */
  public void tokens(PoolName pool, TokenUsage usage) {
    PoolCounters counters = pools.get(pool);
    (counters == null ? unknownPool : counters).add(usage);
  }

  /**
   * A request has cost something.
   *
   * @param tier that it ran on, of the fleet; every other counts as {@value #UNKNOWN}
   */
  public void cost(TierName tier, Priority priority, Cost cost) {
    if (cost.pico() > 0) {
      costs
          .computeIfAbsent(
              new CostKey(tiers.contains(tier) ? tier.value() : UNKNOWN, priority),
              key ->
                  registry.counter(Names.COST, "tier", key.tier(), "class", key.priority().label()))
          .increment(cost.amount());
    }
  }

  /**
   * The answer of a tier that has one above was taken, or not.
   *
   * @param outcome one of a closed list
   */
  public void cascade(TierName tier, String outcome) {
    String label = tiers.contains(tier) ? tier.value() : UNKNOWN;
    registry.counter(Names.CASCADE_ANSWERS, "tier", label, "outcome", outcome).increment();
  }

  /** It is known how complex the task of a request is that leaves the choice to the router. */
  public void appraised(Appraisal found) {
    appraisals
        .computeIfAbsent(
            new AppraisalKey(found.by(), found.why().isEmpty() ? AS_MEANT : found.why()),
            key ->
                registry.counter(Names.COMPLEXITY_ESTIMATES, "by", key.by(), "fallback", key.why()))
        .increment();
  }

  /**
   * A rejected answer of a tier was given to the client, since the tier above failed.
   *
   * @param code one of a closed list
   */
  public void draftServed(TierName tier, String code) {
    String label = tiers.contains(tier) ? tier.value() : UNKNOWN;
    registry.counter(Names.CASCADE_DRAFTS_SERVED, "tier", label, "code", code).increment();
  }

  /** So many bytes of drafts more are held; less where it is negative. */
  public void draftsHeld(long bytes) {
    draftBytes.add(bytes);
  }

  /**
   * A judge has spoken, or failed.
   *
   * @param judge one of a closed list
   * @param outcome one of a closed list
   */
  public void judged(String judge, String outcome) {
    registry.counter(Names.CASCADE_JUDGEMENTS, "judge", judge, "outcome", outcome).increment();
  }

  /**
   * An engine has found some of a prompt in its cache.
   *
   * @param prefix a registered one that the request named; null without
   * @param ofPrefix tokens that were cached, of the prefix
   * @param beyond those that were cached beyond it
   */
  public void cached(@Nullable String prefix, int ofPrefix, int beyond) {
    PrefixCounters own = prefixes(prefix == null ? NO_PREFIX : prefix);
    own.hits.increment();
    own.saved.increment(ofPrefix);
    prefixes(NO_PREFIX).saved.increment(beyond);
  }

  /** Loops that meet new ones at once may pass the bound by one each. */
  private PrefixCounters prefixes(String label) {
    PrefixCounters known = prefixes.get(label);
    if (known != null) {
      return known;
    }
    String shown =
        prefixes.size() > PREFIXES_MAX && !label.equals(NO_PREFIX) ? OTHER_PREFIXES : label;
    return prefixes.computeIfAbsent(shown, PrefixCounters::new);
  }

  /** A client has left. */
  public void cancelled(Phase phase) {
    get(cancelled, phase).increment();
  }

  /**
   * Tokens were generated that nobody gets.
   *
   * @param tokens 0 or more
   */
  public void wasted(Phase phase, int tokens) {
    if (tokens > 0) {
      get(wasted, phase).increment(tokens);
    }
  }

  /** An attempt has ended so, and another follows it. */
  public void retried(PoolName pool, Outcome outcome) {
    PoolCounters counters = pools.get(pool);
    (counters == null ? unknownPool : counters).retried(outcome);
  }

  /** A loop has decided on a limit without its keeper. */
  public void limitDecidedLocally(boolean isAdmitted) {
    (isAdmitted ? admittedLocally : refusedLocally).increment();
  }

  /** A failed attempt was not repeated, since enough others were. */
  public void retryBudgetExhausted() {
    budgetExhausted.increment();
  }

  /** Another replica went on with a stream, after this gap. */
  public void resumed(PoolName pool, long gapNanos) {
    resumes(pool, "resumed", NO_REASON).increment();
    Timer.builder(Names.RESUME_GAP)
        .serviceLevelObjectives(GAP_BUCKETS)
        .tag("pool", label(pool))
        .register(registry)
        .record(gapNanos, TimeUnit.NANOSECONDS);
  }

  /** Another replica was to go on with a stream and did not. */
  public void resumeFailed(PoolName pool) {
    resumes(pool, "failed", NO_REASON).increment();
  }

  /**
   * A stream broke and was not resumed.
   *
   * @param reason one of a closed list
   */
  public void resumeRefused(PoolName pool, String reason) {
    resumes(pool, "refused", reason).increment();
  }

  /** A rare path: looked up each time. */
  private Counter resumes(PoolName pool, String outcome, String reason) {
    return registry.counter(
        Names.RESUMES, "pool", label(pool), "outcome", outcome, "reason", reason);
  }

  private String label(PoolName pool) {
    return pools.containsKey(pool) ? pool.value() : UNKNOWN;
  }

  private Map<Operation, ForModel> forModel(String model) {
    Map<Operation, ForModel> byOperation = new EnumMap<>(Operation.class);
    for (Operation operation : Operation.values()) {
      byOperation.put(operation, new ForModel(registry, operation.label(), model));
    }
    return byOperation;
  }

  private static Map<Phase, Counter> byPhase(Function<Phase, Counter> counter) {
    Map<Phase, Counter> all = new EnumMap<>(Phase.class);
    for (Phase phase : Phase.values()) {
      all.put(phase, counter.apply(phase));
    }
    return all;
  }

  private static <K, V> V get(Map<K, V> complete, K key) {
    V value = complete.get(key);
    if (value == null) {
      throw new IllegalStateException("no meter for " + key);
    }
    return value;
  }

  private static Duration[] seconds(double... boundaries) {
    return Arrays.stream(boundaries)
        .mapToObj(s -> Duration.ofNanos(Math.round(s * 1e9)))
        .toArray(Duration[]::new);
  }

  /** The timers of one operation on one model. Thread-safe. */
  public static final class ForModel {
    private final Lazy<Timer> durations;
    private final Lazy<Timer> firstToken;
    private final Lazy<Timer> perOutputToken;

    private ForModel(MeterRegistry registry, String operation, String model) {
      Outcome[] outcomes = Outcome.values();
      durations =
          new Lazy<>(
              outcomes.length,
              i ->
                  timer(Names.REQUEST_DURATION, DURATION_BUCKETS, operation, model)
                      .tag("outcome", outcomes[i].label())
                      .register(registry));
      firstToken =
          new Lazy<>(
              1,
              i ->
                  timer(Names.TIME_TO_FIRST_TOKEN, FIRST_TOKEN_BUCKETS, operation, model)
                      .register(registry));
      perOutputToken =
          new Lazy<>(
              1,
              i ->
                  timer(Names.TIME_PER_OUTPUT_TOKEN, PER_TOKEN_BUCKETS, operation, model)
                      .register(registry));
    }

    /** From the request's arrival to the first token sent to the client. */
    public void firstToken(long nanos) {
      firstToken.get(0).record(nanos, TimeUnit.NANOSECONDS);
    }

    /**
     * Records the mean time between output tokens of one request that was generated whole; nothing
     * when it has fewer than two tokens.
     *
     * @param nanos from its first token to its last
     * @param outputTokens all of them, the first included
     */
    public void outputTokens(long nanos, int outputTokens) {
      if (outputTokens > 1) {
        perOutputToken.get(0).record(nanos / (outputTokens - 1), TimeUnit.NANOSECONDS);
      }
    }

    /** From the request's arrival to its end, however it ended. */
    public void ended(Outcome outcome, long nanos) {
      durations.get(outcome.ordinal()).record(nanos, TimeUnit.NANOSECONDS);
    }

    private static Timer.Builder timer(
        String name, Duration[] buckets, String operation, String model) {
      return Timer.builder(name)
          .serviceLevelObjectives(buckets)
          .tag("operation", operation)
          .tag("model", model);
    }
  }

  /** The response counters of one operation, by status and code. */
  private final class Responses {
    private static final int STATUSES = STATUS_MAX - STATUS_MIN + 1;
    private static final int FAULTS = Fault.values().length;

    private final Lazy<Lazy<Counter>> byCode;

    Responses(String operation) {
      byCode = new Lazy<>(FAULTS + 2, code -> byStatus(operation, label(code)));
    }

    void increment(int status, @Nullable Fault fault) {
      int code = fault != null ? fault.ordinal() : status < 400 ? FAULTS : FAULTS + 1;
      boolean known = status >= STATUS_MIN && status <= STATUS_MAX;
      byCode.get(code).get(known ? status - STATUS_MIN : STATUSES).increment();
    }

    private Lazy<Counter> byStatus(String operation, String code) {
      return new Lazy<>(
          STATUSES + 1,
          i ->
              registry.counter(
                  Names.REQUESTS,
                  "operation",
                  operation,
                  "status",
                  i == STATUSES ? UNKNOWN : Integer.toString(STATUS_MIN + i),
                  "code",
                  code));
    }

    private static String label(int code) {
      return code < FAULTS ? Fault.values()[code].code() : code == FAULTS ? NO_ERROR : ENGINE_ERROR;
    }
  }

  /** The counters of one registered prefix. */
  private final class PrefixCounters {
    private final Counter hits;
    private final Counter saved;

    PrefixCounters(String prefix) {
      hits = registry.counter(Names.PREFIX_HITS, "prefix", prefix);
      saved = registry.counter(Names.PREFIX_TOKENS_SAVED, "prefix", prefix);
    }
  }

  /** The counters of one pool. */
  private final class PoolCounters {
    private final String model;
    private final Counter prompt;
    private final Counter completion;
    private final Counter cached;
    private final Lazy<Counter> retried;

    PoolCounters(String model, String pool) {
      this.model = model;
      Outcome[] outcomes = Outcome.values();
      retried =
          new Lazy<>(
              outcomes.length,
              i -> registry.counter(Names.RETRIES, "pool", pool, "outcome", outcomes[i].label()));
      prompt = counter(model, pool, "prompt");
      completion = counter(model, pool, "completion");
      cached = counter(model, pool, "cached");
    }

    void add(TokenUsage usage) {
      prompt.increment(usage.promptTokens());
      completion.increment(usage.completionTokens());
      cached.increment(usage.cachedTokens());
    }

    void retried(Outcome outcome) {
      retried.get(outcome.ordinal()).increment();
    }

    private Counter counter(String model, String pool, String kind) {
      return registry.counter(Names.TOKENS, "model", model, "pool", pool, "kind", kind);
    }
  }

  /**
   * Meters that come into being when they are first used, so that a scrape shows no series that
   * never happened. Two threads that race make the same meter, since the registry knows it by name.
   */
  private static final class Lazy<T> {
    private final AtomicReferenceArray<@Nullable T> made;
    private final IntFunction<T> make;

    Lazy(int size, IntFunction<T> make) {
      this.made = new AtomicReferenceArray<>(size);
      this.make = make;
    }

    T get(int i) {
      T found = made.get(i);
      if (found != null) {
        return found;
      }
      made.compareAndSet(i, null, make.apply(i));
      return Objects.requireNonNull(made.get(i));
    }
  }
}
