package io.penstock.adapter.engine;

import io.penstock.message.Signals;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * llama.cpp's {@code llama-server}, started with {@code --metrics}. Its cache usage was a metric
 * once; newer builds tell it through {@code /slots} only ({@link LlamaCppSlots}).
 */
final class LlamaCppDialect implements EngineDialect {
  private static final String WAITING = "llamacpp:requests_deferred";
  private static final String RUNNING = "llamacpp:requests_processing";
  private static final String KV_USAGE = "llamacpp:kv_cache_usage_ratio";

  @Override
  public Optional<String> slotsPath() {
    return Optional.of("/slots");
  }

  @Override
  public List<String> names() {
    return List.of(WAITING, RUNNING, KV_USAGE);
  }

  @Override
  public Optional<Signals> signals(Samples now, @Nullable Samples before) {
    return Readings.of(now.sum(WAITING), now.sum(RUNNING), now.mean(KV_USAGE), Double.NaN);
  }
}
