package io.penstock.sim;

/** Token counts of an answer so far, in vLLM's order of fields. */
record Usage(int prompt, int completion, int cached) {
  String json() {
    return "{\"prompt_tokens\":"
        + prompt
        + ",\"total_tokens\":"
        + (prompt + completion)
        + ",\"completion_tokens\":"
        + completion
        + ",\"prompt_tokens_details\":{\"cached_tokens\":"
        + cached
        + "}}";
  }
}
