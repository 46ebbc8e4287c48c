package io.penstock.inference;

import java.util.Optional;

/** The software behind a replica; it decides health paths, load signals and dialect. */
public enum EngineKind {
  /** vLLM. */
  VLLM("vllm"),
  /** SGLang. */
  SGLANG("sglang"),
  /** Hugging Face Text Generation Inference. */
  TGI("tgi"),
  /** TensorRT-LLM ({@code trtllm-serve}). */
  TENSORRT_LLM("tensorrt_llm"),
  /** llama.cpp's {@code llama-server}. */
  LLAMA_CPP("llama_cpp"),
  /** Anything else that speaks the OpenAI API. */
  OPENAI("openai");

  private final String label;

  EngineKind(String label) {
    this.label = label;
  }

  /** The name in configuration, headers and metrics. */
  public String label() {
    return label;
  }

  /** The constant with this {@link #label()}. */
  public static Optional<EngineKind> of(String label) {
    for (EngineKind each : values()) {
      if (each.label.equals(label)) {
        return Optional.of(each);
      }
    }
    return Optional.empty();
  }

  @Override
  public String toString() {
    return label;
  }
}
