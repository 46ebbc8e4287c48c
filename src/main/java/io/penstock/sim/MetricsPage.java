package io.penstock.sim;

import java.util.Map;

/** The {@code /metrics} page, under vLLM's names. */
final class MetricsPage {
  private final StringBuilder text = new StringBuilder(2048);
  private final String model;

  private MetricsPage(String model) {
    this.model = model.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
  }

  static String of(String model, EngineCore core, Map<String, Long> answered) {
    MetricsPage page = new MetricsPage(model);
    page.single("num_requests_running", "gauge", "Sequences in the batch.", core.running());
    page.single("num_requests_waiting", "gauge", "Sequences in the queue.", core.waiting());
    page.single("kv_cache_usage_perc", "gauge", "KV-cache usage, 1 is all.", core.kvUsage());
    page.single(
        "prefix_cache_queries_total", "counter", "Prompt tokens looked up.", core.prefixQueries());
    page.single("prefix_cache_hits_total", "counter", "Prompt tokens found.", core.prefixHits());
    page.single("num_preemptions_total", "counter", "Preemptions.", core.preemptions());
    page.single("prompt_tokens_total", "counter", "Prompt tokens.", core.promptTokens());
    page.single("generation_tokens_total", "counter", "Generated tokens.", core.generatedTokens());
    page.header("request_success_total", "counter", "Answers by how they ended.");
    answered.forEach(
        (reason, count) ->
            page.sample("request_success_total", ",finished_reason=\"" + reason + "\"", count));
    page.header("cache_config_info", "gauge", "The KV-cache's shape.");
    page.sample(
        "cache_config_info",
        ",block_size=\"" + KvCache.BLOCK_TOKENS + "\",num_gpu_blocks=\"" + core.blocks() + "\"",
        1);
    return page.text.toString();
  }

  private void single(String name, String type, String help, double value) {
    header(name, type, help);
    sample(name, "", value);
  }

  private void header(String name, String type, String help) {
    text.append("# HELP vllm:").append(name).append(' ').append(help).append('\n');
    text.append("# TYPE vllm:").append(name).append(' ').append(type).append('\n');
  }

  private void sample(String name, String labels, double value) {
    text.append("vllm:").append(name).append("{engine=\"0\"");
    text.append(",model_name=\"").append(model).append('"').append(labels).append("} ");
    text.append(value).append('\n');
  }
}
