package io.penstock.faults;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;

/** What is asked of the engine. */
enum Mode {
  STREAM("stream", "/v1/chat/completions"),
  WHOLE("non-stream", "/v1/chat/completions"),
  EMBEDDINGS("embeddings", "/v1/embeddings");

  /** Inputs of one batch of embeddings. */
  static final int BATCH = 8;

  final String label;
  final String path;

  Mode(String label, String path) {
    this.label = label;
    this.path = path;
  }

  /** A request of this kind without a fault. */
  JsonObject body(String model, String prompt, int tokens) {
    JsonObject body = new JsonObject().put("model", model);
    if (this == EMBEDDINGS) {
      JsonArray inputs = new JsonArray();
      for (int i = 0; i < BATCH; i++) {
        inputs.add(prompt + ", input " + i);
      }
      return body.put("input", inputs).put("dimensions", 16);
    }
    body.put(
            "messages",
            new JsonArray().add(new JsonObject().put("role", "user").put("content", prompt)))
        .put("max_tokens", tokens);
    if (this == STREAM) {
      body.put("stream", true).put("stream_options", new JsonObject().put("include_usage", true));
    }
    return body;
  }
}
