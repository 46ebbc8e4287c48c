package io.penstock.telemetry;

/**
 * The one table of metric names and label keys, as Prometheus shows them (Micrometer adds {@code
 * _total} to counters and {@code _seconds} to timers). The guide's names where it has one, the
 * OpenTelemetry GenAI conventions otherwise, {@code penstock_} for the rest. Label values are
 * bounded: pools, models and replicas of the configuration, constants of enums, so many tenants and
 * no more; never a client's free text.
 */
public final class Names {
  /** Timer by operation, model, outcome: a request from its first byte in to its last byte out. */
  public static final String REQUEST_DURATION = "gen_ai.server.request.duration";

  /** Timer by operation, model: from the request to the first token sent to the client. */
  public static final String TIME_TO_FIRST_TOKEN = "gen_ai.server.time_to_first_token";

  /** Timer by operation, model: mean time between output tokens of one request. */
  public static final String TIME_PER_OUTPUT_TOKEN = "gen_ai.server.time_per_output_token";

  /** Counter by model, pool, kind (prompt, completion, cached): tokens that engines reported. */
  public static final String TOKENS = "penstock.tokens";

  /**
   * Counter by tier, class: what requests have cost, in the currency of the tiers' prices, over all
   * tiers that ran for them.
   */
  public static final String COST = "penstock.cost";

  /**
   * Counter by by (header, length, surface, embedding, cache), fallback (none; why it was not the
   * embedding that the configuration wants: timeout, no_slot, refused, broken, malformed,
   * wrong_dimension, resting, not_configured, no_text, tier_named): estimates of complexity.
   */
  public static final String COMPLEXITY_ESTIMATES = "penstock.complexity.estimates";

  /**
   * Counter by tier, outcome (accepted, rejected, unjudged, no_room): answers of a tier that could
   * have gone up in a cascade. Unjudged: too long to be held, or a judge failed and such answers
   * are taken. No room: the node held as many bytes of drafts as it may.
   */
  public static final String CASCADE_ANSWERS = "penstock.cascade.answers";

  /**
   * Counter by tier, code: rejected answers of a tier that were given to the client since the tier
   * above failed. The code is that of the error that the client was spared, or "engine_refused".
   */
  public static final String CASCADE_DRAFTS_SERVED = "penstock.cascade.drafts.served";

  /** Gauge: bytes of answers that are held to be judged, or until the tier above has answered. */
  public static final String CASCADE_DRAFT_BYTES = "penstock.cascade.draft.bytes";

  /** Counter by judge (rules, hook, llm), outcome (accepted, rejected, failed): judgements. */
  public static final String CASCADE_JUDGEMENTS = "penstock.cascade.judgements";

  /**
   * Counter by operation, status, code: responses sent. The code is that of the error body, "none"
   * without an error, "engine" for an engine's own error that was passed on.
   */
  public static final String REQUESTS = "penstock.requests";

  /** Gauge: requests that this node is carrying. */
  public static final String REQUESTS_IN_FLIGHT = "penstock.requests.in.flight";

  /** Counter by phase: client disconnects. */
  public static final String CANCELLED = "penstock.cancelled";

  /**
   * Counter by phase: tokens generated for nobody, since the client left or since the attempt was
   * thrown away.
   */
  public static final String WASTED_TOKENS = "penstock.wasted.tokens";

  /** Counter by pool, outcome: attempts that ended so and were followed by another. */
  public static final String RETRIES = "penstock.retries";

  /** Counter: attempts that were not followed by another since the loop's budget was spent. */
  public static final String RETRY_BUDGET_EXHAUSTED = "penstock.retry.budget.exhausted";

  /**
   * Counter by pool, outcome (resumed, failed, refused), reason ("none" unless refused): streams
   * that broke after their first content.
   */
  public static final String RESUMES = "penstock.resumes";

  /** Timer by pool: the gap that a client saw in a stream that another replica went on with. */
  public static final String RESUME_GAP = "penstock.resume.gap";

  /** Counter: access lines that were not written because the buffer was full. */
  public static final String ACCESS_LINES_DROPPED = "penstock.access.lines.dropped";

  /**
   * Counter by outcome (admitted, refused): requests on which an ingress loop decided by its own
   * share of a limit, since its keeper did not answer in time or was new.
   */
  public static final String LIMIT_LOCAL_DECISIONS = "penstock.limit.local.decisions";

  /** Gauge: keys of tenants that this node knows, revoked ones included. */
  public static final String KEYS = "penstock.keys";

  /** Gauge: 1 while what operators have ordered of keys and tenants is not on this node's disk. */
  public static final String KEYS_UNWRITTEN = "penstock.keys.unwritten";

  /** Gauge: registered prefixes that this node knows. */
  public static final String PREFIXES = "penstock.prefixes";

  /** Gauge: 1 while what operators have ordered of prefixes is not on this node's disk. */
  public static final String PREFIXES_UNWRITTEN = "penstock.prefixes.unwritten";

  /**
   * Counter by prefix: answers for whose prompts the engine had something cached, by its word. The
   * prefix is a registered one that the request named ("none" without; the first 50 that the node
   * gets to know, the rest are "other"). The guide's name.
   */
  public static final String PREFIX_HITS = "llm.prefix.cache.hit";

  /**
   * Counter by prefix, as above: tokens of prompts that engines had cached. What is cached beyond a
   * registered prefix counts as "none". The guide's name.
   */
  public static final String PREFIX_TOKENS_SAVED = "llm.prefix.cache.tokens.saved";

  /**
   * Counter by pool, kind, at the pool's owner, of answers whose prompts the engine has counted:
   * tokens of the prompts (prompt), those that the engine had cached (cached), those that were
   * expected to be when the replica was chosen (predicted; only strategies that look).
   */
  public static final String PREFIX_TOKENS = "penstock.prefix.tokens";

  /** Gauge by pool, replica: memory that the owner takes to know what is in its prefix cache. */
  public static final String PREFIX_INDEX_BYTES = "penstock.prefix.index.bytes";

  /** Gauge by pool, replica, at its prober: blocks that its prefix cache holds by its events. */
  public static final String KV_BLOCKS = "penstock.kv.blocks";

  /** Gauge by pool, replica, at its prober: tokens of those blocks. */
  public static final String KV_TOKENS = "penstock.kv.tokens";

  /**
   * Counter by pool, kind, at the replicas' probers: events of prefix caches (event), batches of
   * them (batch), and how often a cache was seen to become empty (emptied).
   */
  public static final String KV_EVENTS = "penstock.kv.events";

  /**
   * Counter by pool, kind, of the same: gaps in their sequence (gap), replays asked for (replay),
   * publishers that began anew (restart), batches that were not to be had any more (loss), books
   * that were full (overflow), batches that could not be read (malformed).
   */
  public static final String KV_FAULTS = "penstock.kv.faults";

  /** Timer by loop: how much later than due a task of the event loop ran. */
  public static final String EVENT_LOOP_LAG = "penstock.event.loop.lag";

  /** Counter by loop: how often it did not turn for two seconds or more. */
  public static final String EVENT_LOOP_BLOCKED = "penstock.event.loop.blocked";

  /** Gauge by loop: for how many seconds it has not turned; under one while it does. */
  public static final String EVENT_LOOP_STILL = "penstock.event.loop.still.seconds";

  /**
   * Counter by role: exceptions that came out of an entry of its verticle (a message, a timer, a
   * change of the cluster) and not out of one request. Roles here and in the two below are those of
   * the configuration, "admin", and, where counted, "directory" and "drains".
   */
  public static final String VERTICLE_EXCEPTIONS = "penstock.verticle.exceptions";

  /** Counter by role: how often its verticle, or its state, was started afresh. */
  public static final String VERTICLE_RESTARTS = "penstock.verticle.restarts";

  /** Gauge by role: 1 while its verticle runs, 0 while it waits to be started afresh. */
  public static final String VERTICLE_UP = "penstock.verticle.up";

  /** Gauge by version: 1. */
  public static final String BUILD_INFO = "penstock.build.info";

  /**
   * Counter by outcome (applied, mistakes, failed): times that the configuration was read again.
   */
  public static final String RELOADS = "penstock.reloads";

  /** Gauge: 1 when the node is ready, else 0. */
  public static final String READY = "penstock.ready";

  /** Gauge by pool, class: requests waiting at this owner. */
  public static final String QUEUE_DEPTH = "llm.request.queue.depth";

  /** Timer by pool, class: how long requests waited for a slot. */
  public static final String QUEUE_WAIT = "penstock.queue.wait";

  /**
   * Timer by pool, tenant: how long requests waited for a slot. A pool shows the first 50 tenants
   * that it gets to know; the rest are "other".
   */
  public static final String TENANT_QUEUE_WAIT = "penstock.tenant.queue.wait";

  /**
   * Histogram by pool: inputs of calls that requests might share; the guide's name, which says what
   * it is.
   */
  public static final String BATCH_SIZE = "llm.batch.size.histogram";

  /** Timer by pool: how long a request waited until its call, that others might share, began. */
  public static final String BATCH_WAIT = "llm.batch.wait.time";

  /** Gauge by pool, replica: live grants at this owner. */
  public static final String GRANTS = "penstock.grants";

  /** Gauge by pool, zone: live grants at this owner, of pools that spread over zones. */
  public static final String ZONE_GRANTS = "penstock.zone.grants";

  /** Gauge by pool, replica: most requests that it gets at a time now. */
  public static final String REPLICA_LIMIT = "penstock.replica.limit";

  /** Gauge by pool, replica: 0 where its breaker is closed, 1 half-open, 2 open. */
  public static final String BREAKER_STATE = "penstock.breaker.state";

  /**
   * Counter by pool, reason (transport, breaker, slow): how often a replica was found to get no
   * more ordinary work.
   */
  public static final String EJECTIONS = "penstock.ejections";

  /** Gauge by pool: 1 where it has fewer healthy replicas than it should, else 0. */
  public static final String POOL_BELOW_MIN = "penstock.pool.below.min";

  /**
   * Counter by pool, event: leases that expired, were dropped since their holder lists them no
   * more, or were not adopted; releases that matched none.
   */
  public static final String LEDGER_EVENTS = "penstock.ledger.events";

  /** Gauge by pool: 1 where this node owns the pool and grants, else 0. */
  public static final String POOL_OWNED = "penstock.pool.owned";

  /** Counter by pool, code: Admits refused. */
  public static final String REFUSED = "penstock.refused";

  /** Gauge by pool, replica: 1 when healthy, else 0. */
  public static final String REPLICA_HEALTHY = "penstock.replica.healthy";

  /** Gauge by pool, replica: requests in the engine's own queue, by its word. */
  public static final String REPLICA_WAITING = "penstock.replica.waiting";

  /** Gauge by pool, replica: requests in the engine's batch, by its word. */
  public static final String REPLICA_RUNNING = "penstock.replica.running";

  /** Gauge by pool, replica: share of the engine's KV cache in use, by its word. */
  public static final String REPLICA_KV_CACHE_USAGE = "penstock.replica.kv.cache.usage";

  /** Counter by pool, to: changes of replicas' states as this prober saw them. */
  public static final String REPLICA_CHANGES = "penstock.replica.changes";

  /** Counter by pool, kind (check, scrape), outcome (ok, failed): questions to engines. */
  public static final String PROBES = "penstock.probes";

  /** Gauge by system, target: 0 while a foreign system is asked, 1 tried once, 2 left alone. */
  public static final String GUARD_STATE = "penstock.guard.state";

  /**
   * Counter by system, target, outcome (ok, failed, refused): calls to foreign systems; refused are
   * those not made while it is left alone.
   */
  public static final String GUARD_CALLS = "penstock.guard.calls";

  /** Gauge: nodes in this node's view of the cluster. */
  public static final String CLUSTER_NODES = "penstock.cluster.nodes";

  /**
   * Gauge: nodes in the view whose fleet section differs from this node's; anything but 0 is wrong.
   */
  public static final String CLUSTER_FLEET_MISMATCHES = "penstock.cluster.fleet.mismatches";

  /** Gauge: members of the cluster that this node does not hear on the bus; they own nothing. */
  public static final String CLUSTER_SILENT_MEMBERS = "penstock.cluster.silent.members";

  /** Gauge: nodes that are gone and may be working where this one can not see it. */
  public static final String CLUSTER_MISSING_NODES = "penstock.cluster.missing.nodes";

  /**
   * Gauge: how many equal parts of every limit the nodes that this one sees may use; a node that is
   * new has one after 10 s.
   */
  public static final String CLUSTER_SEATS = "penstock.cluster.seats";

  /** Gauge: which part of every limit the nodes that this one sees may use, 0 to 1. */
  public static final String CLUSTER_SHARE = "penstock.cluster.share";

  /** Counter by reason: messages of other nodes that this node could not read. */
  public static final String MESSAGES_DROPPED = "penstock.bus.dropped";

  private Names() {}
}
