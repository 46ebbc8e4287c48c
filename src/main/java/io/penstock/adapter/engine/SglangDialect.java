package io.penstock.adapter.engine;

import io.penstock.message.Signals;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * SGLang, started with {@code --enable-metrics}. Its hit rate is a gauge over its own recent
 * prefill batches. Data-parallel ranks are added up, their usage and hit rate averaged.
 */
final class SglangDialect implements EngineDialect {
  private static final String WAITING = "sglang:num_queue_reqs";
  private static final String RUNNING = "sglang:num_running_reqs";
  private static final String KV_USAGE = "sglang:token_usage";
  private static final String HIT_RATE = "sglang:cache_hit_rate";

  @Override
  public List<String> names() {
    return List.of(WAITING, RUNNING, KV_USAGE, HIT_RATE);
  }

  @Override
  public Optional<Signals> signals(Samples now, @Nullable Samples before) {
    return Readings.of(now.sum(WAITING), now.sum(RUNNING), now.mean(KV_USAGE), now.mean(HIT_RATE));
  }
}
