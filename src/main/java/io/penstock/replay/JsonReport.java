package io.penstock.replay;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;

/** The report as JSON: seconds, milliseconds and shares, to six digits. */
final class JsonReport {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final MathContext DIGITS = new MathContext(6);

  private final ReplayReport report;

  private JsonReport(ReplayReport report) {
    this.report = report;
  }

  static String of(ReplayReport report) {
    try {
      DefaultIndenter lines = new DefaultIndenter("  ", "\n");
      return JSON.writer(new DefaultPrettyPrinter().withObjectIndenter(lines))
              .writeValueAsString(new JsonReport(report).root())
          + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of plain values cannot fail to be written", e);
    }
  }

  private ObjectNode root() {
    ReplayConfig config = report.config();
    ObjectNode root = JSON.createObjectNode();
    root.put("trace", report.traceName());
    root.put("trace_requests", report.traceRows());
    root.put("kv_block_tokens", report.blockTokens());
    root.put("fleet", report.fleet().name());
    root.put("replicas", report.fleet().size());
    put(root, "usd_per_hour", report.fleet().usdPerHour());
    put(root, "rate", report.rate());
    root.put("rate_unit", report.rateUnit());
    root.put("load", report.loadInWords());
    root.put("goodput", config.goodput().toString());
    put(root, "warmup_s", config.warmup().toNanos() / 1e9);
    root.put("seed", config.seed());
    ArrayNode policies = root.putArray("policies");
    report.results().forEach(each -> policies.add(policy(each)));
    return root;
  }

  private ObjectNode policy(Result r) {
    ObjectNode node = JSON.createObjectNode();
    node.put("policy", r.policy());
    node.put("sent", r.sent());
    node.put("counted", r.counted());
    node.put("good", r.good());
    put(node, "good_share", r.goodShare());
    for (Call.End end : Call.End.values()) {
      node.put(end.label().replace(' ', '_'), r.of(end));
    }
    node.put("retries", r.retries());
    node.set("ttft_ms", spread(r.firstToken()));
    node.set("itl_ms", spread(r.gaps()));
    node.set("itl_of_answer_ms", spread(r.meanGaps()));
    node.set("queue_ms", spread(r.waits()));
    node.put("prompt_tokens", r.promptTokens());
    node.put("cached_tokens", r.cachedTokens());
    put(node, "hit_share", r.hitShare());
    put(node, "hit_share_of_infinite", r.hitShareOfInfinite());
    node.put("output_tokens", r.outputTokens());
    put(node, "imbalance", r.imbalance());
    node.put("preemptions", r.preemptions());
    if (report.hasCost()) {
      report
          .usdPerThousandGood(r)
          .ifPresentOrElse(
              usd -> put(node, "usd_per_1000_good", usd), () -> node.putNull("usd_per_1000_good"));
    }
    put(node, "seconds", r.seconds());
    put(node, "bucket_s", r.bucketSeconds());
    put(node, "good_bucket_s", r.goodBucketSeconds());
    series(node.putArray("good_share_by_arrival"), r.goodShares());
    ArrayNode replicas = node.putArray("replicas");
    for (Result.OfReplica each : r.replicas()) {
      ObjectNode its = replicas.addObject();
      its.put("id", each.id());
      its.put("computed_prompt_tokens", each.computedTokens());
      its.put("generated_tokens", each.generatedTokens());
      its.put("preemptions", each.preemptions());
      put(its, "live_request_seconds", each.liveSeconds());
      series(its.putArray("live"), each.live());
    }
    return node;
  }

  private static ObjectNode spread(Spread spread) {
    ObjectNode node = JSON.createObjectNode();
    node.put("count", spread.count());
    put(node, "mean", spread.mean());
    put(node, "p50", spread.p50());
    put(node, "p90", spread.p90());
    put(node, "p99", spread.p99());
    ArrayNode curve = node.putArray("percentiles");
    for (double each : spread.curve()) {
      curve.add(rounded(each));
    }
    return node;
  }

  private static void series(ArrayNode array, List<Double> values) {
    for (double each : values) {
      if (Double.isNaN(each)) {
        array.addNull();
      } else {
        array.add(rounded(each));
      }
    }
  }

  private static void put(ObjectNode node, String key, double value) {
    node.put(key, rounded(value));
  }

  private static BigDecimal rounded(double value) {
    return new BigDecimal(value).round(DIGITS).stripTrailingZeros();
  }
}
