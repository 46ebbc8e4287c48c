package io.penstock.adapter.engine;

import io.penstock.inference.EngineKind;
import io.penstock.message.Signals;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Where one engine's health and load signals are found and what they mean. Stateless, pure. */
interface EngineDialect {

  /** Paths that tell its health; the next one is asked when one is not there. */
  default List<String> healthPaths() {
    return List.of("/health");
  }

  /** Paths of its metrics page; the next one is asked when one is not there. */
  default List<String> metricsPaths() {
    return List.of("/metrics");
  }

  /** A page of slots, which tells what the metrics do not; empty for most. */
  default Optional<String> slotsPath() {
    return Optional.empty();
  }

  /** The metrics that {@link #signals} looks at. */
  List<String> names();

  /**
   * What a metrics page says.
   *
   * @param before the samples of the scrape before this one, for ratios of counters; null on the
   *     first
   * @return empty when the page has nothing of this engine
   */
  Optional<Signals> signals(Samples now, @Nullable Samples before);

  /** The dialect of an engine. */
  static EngineDialect of(EngineKind kind) {
    return switch (kind) {
      case VLLM -> new VllmDialect();
      case SGLANG -> new SglangDialect();
      case TGI -> new TgiDialect();
      case TENSORRT_LLM -> new TensorRtLlmDialect();
      case LLAMA_CPP -> new LlamaCppDialect();
      case OPENAI -> new OpenAiDialect();
    };
  }
}
