package io.penstock.adapter.engine;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.penstock.inference.EngineKind;
import io.penstock.message.Signals;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class EngineDialectTest {

  private static Samples scan(EngineKind kind, byte[] page) {
    return new PrometheusScanner(EngineDialect.of(kind).names()).scan(page);
  }

  private static Optional<Signals> read(EngineKind kind, String page) {
    return EngineDialect.of(kind).signals(scan(kind, EnginePages.page(page)), null);
  }

  @ParameterizedTest
  @CsvSource({
    "VLLM,         vllm-1.txt,             3,    11,  0.4371584699453552, NaN",
    "VLLM,         vllm-old.txt,           1,    4,   0.0827067669172932, NaN",
    "VLLM,         vllm-data-parallel.txt, 7,    78,  0.7,                NaN",
    "SGLANG,       sglang.txt,             2826, 162, 0.28,               0.6640625",
    "TGI,          tgi.txt,                6,    27,  NaN,                NaN",
    "TENSORRT_LLM, tensorrt-llm.txt,       4,    18,  0.71875,            0.3125",
    "LLAMA_CPP,    llama-cpp.txt,          5,    3,   NaN,                NaN"
  })
  void readsItsEnginesPage(
      EngineKind kind, String page, int waiting, int running, double kv, double hits) {
    Signals expected = new Signals(waiting, running, kv, hits, 0);
    assertThat(read(kind, page)).hasValue(expected);
    assertThat(read(EngineKind.OPENAI, page)).hasValue(expected);
  }

  @Test
  void tellsThePrefixHitsSinceTheScrapeBefore() {
    EngineDialect vllm = EngineDialect.of(EngineKind.VLLM);
    Samples first = scan(EngineKind.VLLM, EnginePages.page("vllm-1.txt"));
    Samples second = scan(EngineKind.VLLM, EnginePages.page("vllm-2.txt"));
    assertThat(vllm.signals(second, first).orElseThrow().prefixCacheHitRatio())
        .isEqualTo(0.75, within(1e-9));
    assertThat(vllm.signals(second, second).orElseThrow().prefixCacheHitRatio()).isNaN();
  }

  @Test
  void countsFromZeroWhenTheEngineHasStartedAgain() {
    EngineDialect vllm = EngineDialect.of(EngineKind.VLLM);
    Samples before = scan(EngineKind.VLLM, EnginePages.page("vllm-2.txt"));
    Samples after = scan(EngineKind.VLLM, EnginePages.page("vllm-1.txt"));
    assertThat(vllm.signals(after, before).orElseThrow().prefixCacheHitRatio())
        .isEqualTo(0.4, within(1e-9));
  }

  @ParameterizedTest
  @EnumSource(EngineKind.class)
  void givesNothingForAPageThatIsNotItsOwn(EngineKind kind) {
    byte[] page = "[{\"numActiveRequests\":3}]\npython_info{x=\"y\"} 1\n".getBytes(UTF_8);
    assertThat(EngineDialect.of(kind).signals(scan(kind, page), null)).isEmpty();
    assertThat(EngineDialect.of(kind).signals(scan(kind, new byte[0]), null)).isEmpty();
  }

  @Test
  void keepsWhatItIsToldWithinItsRange() {
    byte[] page =
        "tgi_queue_size -4\ntgi_batch_current_size 1e300\nvllm:kv_cache_usage_perc 55\n"
            .getBytes(UTF_8);
    assertThat(EngineDialect.of(EngineKind.TGI).signals(scan(EngineKind.TGI, page), null))
        .hasValue(new Signals(0, Integer.MAX_VALUE, Double.NaN, Double.NaN, 0));
    byte[] vllm = "vllm:num_requests_running 1\nvllm:kv_cache_usage_perc 55\n".getBytes(UTF_8);
    assertThat(EngineDialect.of(EngineKind.VLLM).signals(scan(EngineKind.VLLM, vllm), null))
        .hasValue(new Signals(-1, 1, 1, Double.NaN, 0));
  }

  @Test
  void takesTheContextOfBusySlotsForTheCacheInUse() {
    assertThat(LlamaCppSlots.kvCacheUsage(EnginePages.page("llama-cpp-slots.json")))
        .isEqualTo(0.75);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[{\"id\":0,\"n_ctx\":100,\"state\":1},{\"id\":1,\"n_ctx\":300,\"state\":0}]|0.25",
        "[]|NaN",
        "{\"error\":{\"code\":501}}|NaN",
        "[{\"n_ctx\":|NaN",
        "''|NaN"
      })
  void readsOlderSlotsAndRefusesWhatIsNone(String page, Double usage) {
    assertThat(LlamaCppSlots.kvCacheUsage(page.getBytes(UTF_8))).isEqualTo(usage);
  }
}
