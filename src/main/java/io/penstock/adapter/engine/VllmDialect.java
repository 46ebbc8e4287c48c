package io.penstock.adapter.engine;

import io.penstock.message.Signals;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * vLLM. With data parallelism each rank has a series of its own: requests are added up, cache usage
 * is the mean. The cache metrics lost their {@code gpu_} in 2025; both names are known.
 */
final class VllmDialect implements EngineDialect {
  private static final String WAITING = "vllm:num_requests_waiting";
  private static final String RUNNING = "vllm:num_requests_running";
  private static final String[] KV_USAGE = {
    "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"
  };
  private static final String[] HITS = {
    "vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total"
  };
  private static final String[] QUERIES = {
    "vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total"
  };

  @Override
  public List<String> names() {
    return List.of(
        WAITING, RUNNING, KV_USAGE[0], KV_USAGE[1], HITS[0], HITS[1], QUERIES[0], QUERIES[1]);
  }

  @Override
  public Optional<Signals> signals(Samples now, @Nullable Samples before) {
    double hitRatio =
        before == null
            ? Double.NaN
            : Readings.ratioSince(
                now.sum(HITS), now.sum(QUERIES), before.sum(HITS), before.sum(QUERIES));
    return Readings.of(now.sum(WAITING), now.sum(RUNNING), now.mean(KV_USAGE), hitRatio);
  }
}
