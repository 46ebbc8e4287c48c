package io.penstock.adapter.engine;

import io.penstock.message.Signals;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * TensorRT-LLM behind {@code trtllm-serve}. Versions that serve Prometheus metrics do so at {@code
 * /prometheus/metrics} where {@code /metrics} is a JSON list of iterations, which gives no signals
 * here.
 */
final class TensorRtLlmDialect implements EngineDialect {
  private static final String WAITING = "trtllm_num_requests_waiting";
  private static final String RUNNING = "trtllm_num_requests_running";
  private static final String KV_USAGE = "trtllm_kv_cache_utilization";
  private static final String HIT_RATE = "trtllm_kv_cache_hit_rate";

  @Override
  public List<String> metricsPaths() {
    return List.of("/prometheus/metrics", "/metrics");
  }

  @Override
  public List<String> names() {
    return List.of(WAITING, RUNNING, KV_USAGE, HIT_RATE);
  }

  @Override
  public Optional<Signals> signals(Samples now, @Nullable Samples before) {
    return Readings.of(now.sum(WAITING), now.sum(RUNNING), now.mean(KV_USAGE), now.mean(HIT_RATE));
  }
}
