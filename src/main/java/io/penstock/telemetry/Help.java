package io.penstock.telemetry;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.config.MeterFilter;
import java.util.Map;

/** The {@code # HELP} line of every row of {@link Names}, put on each meter as it is registered. */
final class Help implements MeterFilter {
  static final Map<String, String> LINES =
      Map.ofEntries(
          Map.entry(Names.REQUEST_DURATION, "From a request's arrival to its end"),
          Map.entry(
              Names.TIME_TO_FIRST_TOKEN,
              "From a request's arrival to the first token sent to the client"),
          Map.entry(
              Names.TIME_PER_OUTPUT_TOKEN, "Mean time between the output tokens of one request"),
          Map.entry(Names.TOKENS, "Tokens that engines reported"),
          Map.entry(Names.REQUESTS, "Responses sent"),
          Map.entry(Names.REQUESTS_IN_FLIGHT, "Requests that this node is carrying"),
          Map.entry(Names.CANCELLED, "Clients that left before their request had ended"),
          Map.entry(Names.COST, "What requests have cost, in the currency of the tiers' prices"),
          Map.entry(
              Names.COMPLEXITY_ESTIMATES,
              "How complex requests are whose tier the router chooses, by what they were judged"),
          Map.entry(Names.CASCADE_ANSWERS, "Answers of tiers that have one above, taken or not"),
          Map.entry(
              Names.CASCADE_DRAFTS_SERVED,
              "Rejected answers of a tier that clients were given since the tier above failed"),
          Map.entry(
              Names.CASCADE_DRAFT_BYTES,
              "Bytes of answers held to be judged, or until the tier above has answered"),
          Map.entry(Names.CASCADE_JUDGEMENTS, "What judges of such answers said"),
          Map.entry(Names.WASTED_TOKENS, "Tokens generated for nobody"),
          Map.entry(
              Names.RETRIES,
              "Attempts that failed before the client saw any of them, and were repeated"),
          Map.entry(Names.RELOADS, "Times that the configuration was read again"),
          Map.entry(
              Names.RETRY_BUDGET_EXHAUSTED,
              "Attempts that failed and were not repeated since too many others were"),
          Map.entry(
              Names.RESUMES,
              "Streams that broke after their first content, and what became of them"),
          Map.entry(Names.RESUME_GAP, "The gap in a stream that another replica went on with"),
          Map.entry(
              Names.ACCESS_LINES_DROPPED,
              "Access lines not written since nobody read them in time"),
          Map.entry(
              Names.LIMIT_LOCAL_DECISIONS,
              "Requests decided on by a loop's own share of a limit, without its keeper"),
          Map.entry(Names.KEYS, "Keys of tenants that this node knows, revoked ones included"),
          Map.entry(
              Names.KEYS_UNWRITTEN,
              "1 while keys and tenants that were changed are not on this node's disk"),
          Map.entry(
              Names.PREFIX_TOKENS,
              "Tokens of prompts, those that engines had cached, and those expected to be"),
          Map.entry(
              Names.PREFIX_INDEX_BYTES, "Memory for what is known of the replica's prefix cache"),
          Map.entry(Names.KV_BLOCKS, "Blocks that the replica's prefix cache holds, by its events"),
          Map.entry(Names.KV_TOKENS, "Tokens that the replica's prefix cache holds, by its events"),
          Map.entry(Names.KV_EVENTS, "Events of prefix caches, their batches, caches emptied"),
          Map.entry(
              Names.KV_FAULTS, "Gaps, replays and resets of the events of prefix caches, by kind"),
          Map.entry(Names.PREFIXES, "Registered prefixes that this node knows"),
          Map.entry(
              Names.PREFIXES_UNWRITTEN, "1 while prefixes that were changed are not on its disk"),
          Map.entry(Names.PREFIX_HITS, "Answers for whose prompts the engine had something cached"),
          Map.entry(Names.PREFIX_TOKENS_SAVED, "Tokens of prompts that engines had cached"),
          Map.entry(Names.EVENT_LOOP_LAG, "How much later than due a task of the event loop ran"),
          Map.entry(
              Names.EVENT_LOOP_BLOCKED, "Times that the event loop did not turn for 2 s or more"),
          Map.entry(
              Names.EVENT_LOOP_STILL,
              "Seconds since the event loop has turned, under 1 if it does"),
          Map.entry(
              Names.VERTICLE_EXCEPTIONS, "Exceptions that came out of verticles; each is a bug"),
          Map.entry(Names.VERTICLE_RESTARTS, "Verticles started afresh since they had failed"),
          Map.entry(Names.VERTICLE_UP, "1 while the role's verticle runs"),
          Map.entry(Names.BUILD_INFO, "The version that is running"),
          Map.entry(Names.READY, "1 when the node should be sent requests"),
          Map.entry(Names.QUEUE_DEPTH, "Requests waiting for a slot in pools that this node owns"),
          Map.entry(Names.QUEUE_WAIT, "How long requests waited for a slot"),
          Map.entry(
              Names.TENANT_QUEUE_WAIT,
              "How long requests waited for a slot, for the first 50 tenants of each pool"),
          Map.entry(
              Names.BATCH_SIZE,
              "Inputs or prompts of calls that requests of several clients may share"),
          Map.entry(
              Names.BATCH_WAIT, "How long requests waited for the call that others may share"),
          Map.entry(Names.GRANTS, "Slots in use on replicas of pools that this node owns"),
          Map.entry(Names.ZONE_GRANTS, "Slots in use in the zone, of pools that spread over zones"),
          Map.entry(Names.REPLICA_LIMIT, "Most requests that the replica gets at a time now"),
          Map.entry(Names.BREAKER_STATE, "0 closed, 1 half-open, 2 open"),
          Map.entry(Names.EJECTIONS, "Times that a replica was found to get no more ordinary work"),
          Map.entry(
              Names.POOL_BELOW_MIN, "1 where the pool has fewer healthy replicas than it should"),
          Map.entry(Names.REFUSED, "Requests refused a slot"),
          Map.entry(Names.REPLICA_HEALTHY, "1 when the replica passes its probes"),
          Map.entry(Names.REPLICA_WAITING, "Requests in the engine's own queue, by its word"),
          Map.entry(Names.REPLICA_RUNNING, "Requests in the engine's batch, by its word"),
          Map.entry(
              Names.REPLICA_KV_CACHE_USAGE,
              "Share of the engine's KV cache in use, by its word, 0 to 1"),
          Map.entry(Names.REPLICA_CHANGES, "Changes of replicas' states as this prober saw them"),
          Map.entry(Names.PROBES, "Health checks and scrapes of engines"),
          Map.entry(Names.LEDGER_EVENTS, "Leases and releases that did not go the usual way"),
          Map.entry(Names.POOL_OWNED, "1 where this node owns the pool and grants its slots"),
          Map.entry(
              Names.GUARD_STATE,
              "0 the foreign system is asked, 1 tried once, 2 left alone, by some event loop"),
          Map.entry(Names.GUARD_CALLS, "Calls to foreign systems"),
          Map.entry(Names.CLUSTER_NODES, "Nodes in this node's view of the cluster"),
          Map.entry(
              Names.CLUSTER_FLEET_MISMATCHES, "Nodes whose fleet section differs from this one's"),
          Map.entry(
              Names.CLUSTER_SILENT_MEMBERS,
              "Members of the cluster that this node does not hear on the bus"),
          Map.entry(
              Names.CLUSTER_MISSING_NODES,
              "Nodes that are gone and may be working where this one can not see it"),
          Map.entry(
              Names.CLUSTER_SEATS,
              "Equal parts of every limit that the nodes which this one sees may use"),
          Map.entry(
              Names.CLUSTER_SHARE,
              "Part of every limit that the nodes which this one sees may use, 0 to 1"),
          Map.entry(
              Names.MESSAGES_DROPPED, "Messages of other nodes that this node could not read"));

  @Override
  public Meter.Id map(Meter.Id id) {
    String help = LINES.get(id.getName());
    return help == null || help.equals(id.getDescription())
        ? id
        : new Meter.Id(id.getName(), Tags.of(id.getTags()), id.getBaseUnit(), help, id.getType());
  }
}
