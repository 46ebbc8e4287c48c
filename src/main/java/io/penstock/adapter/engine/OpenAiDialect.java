package io.penstock.adapter.engine;

import io.penstock.message.Signals;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Anything that speaks the OpenAI API. Healthy when {@code /health} says so, or, where there is no
 * such thing, when it lists its models. If its metrics are those of an engine that we know, they
 * are understood.
 */
final class OpenAiDialect implements EngineDialect {
  private static final List<EngineDialect> KNOWN =
      List.of(
          new VllmDialect(),
          new SglangDialect(),
          new TgiDialect(),
          new TensorRtLlmDialect(),
          new LlamaCppDialect());

  @Override
  public List<String> healthPaths() {
    return List.of("/health", "/v1/models");
  }

  @Override
  public List<String> names() {
    return KNOWN.stream().flatMap(dialect -> dialect.names().stream()).toList();
  }

  @Override
  public Optional<Signals> signals(Samples now, @Nullable Samples before) {
    return KNOWN.stream()
        .map(dialect -> dialect.signals(now, before))
        .flatMap(Optional::stream)
        .findFirst();
  }
}
