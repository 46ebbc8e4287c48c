package io.penstock.adapter.engine;

import io.penstock.message.Signals;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Hugging Face Text Generation Inference. It says nothing of its caches. */
final class TgiDialect implements EngineDialect {
  private static final String WAITING = "tgi_queue_size";
  private static final String RUNNING = "tgi_batch_current_size";

  @Override
  public List<String> names() {
    return List.of(WAITING, RUNNING);
  }

  @Override
  public Optional<Signals> signals(Samples now, @Nullable Samples before) {
    return Readings.of(now.sum(WAITING), now.sum(RUNNING), Double.NaN, Double.NaN);
  }
}
