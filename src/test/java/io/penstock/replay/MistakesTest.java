package io.penstock.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.penstock.load.Goodput;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is wrong is named, with what was found and what was expected. */
class MistakesTest {
  @TempDir Path folder;

  private String mistakeOf(String fleet) {
    Path file = Samples.file(folder, "f.json", fleet.replace('\'', '"'));
    try {
      FleetFile.read(file);
    } catch (IllegalArgumentException e) {
      String prefix = "fleet " + file;
      assertThat(e).hasMessageStartingWith(prefix);
      return String.valueOf(e.getMessage()).substring(prefix.length());
    }
    throw new AssertionError("read (expected: a mistake)");
  }

  private static String inPool(String replicas) {
    return "{'pools':[{'replicas':[" + replicas + "]}]}";
  }

  @Test
  void allMistakesAreToldAtOnce() {
    assertThat(
            mistakeOf(
                """
                { 'pool': [], 'comment': 7,
                  'profiles': { 'x': { 'based_on': 'h200', 'step_base_ms': -1 } },
                  'pools': [ { 'share': '1', 'replicas': [ { 'name': 'a', 'profile': 'instant', 'count': 0 } ] } ],
                  'events': [ { 'replica': 'b', 'at': 'noon', 'what': 'explodes' } ] }
                """))
        .isEqualTo(
            """
            : 15 mistakes
              pool: unknown key (expected: one of $schema, name, comment, profiles, pools, events)
              comment: 7 (expected: a text, or an array of texts)
              profiles.x.based_on: 'h200' (expected: one of h100-llama-3.1-8b, h100x8-llama-3.3-70b,\
             a100-llama-3.1-8b, a100-40g-llama-2-7b, l4-llama-3.1-8b, l4-bge-m3,\
             h100-llama-3.1-8b-static, instant)
              profiles.x.prefill_tokens_per_second: missing (expected: a number from 1 to 1000000000)
              profiles.x.step_base_ms: -1 (expected: a number from 0 to 1000000)
              profiles.x.step_per_sequence_us: missing (expected: a number from 0 to 1000000)
              profiles.x.step_per_context_token_ns: missing (expected: a number from 0 to 1000000)
              profiles.x.kv_blocks: missing (expected: a whole number from 1 to 10000000)
              profiles.x.max_num_seqs: missing (expected: a whole number from 1 to 65536)
              profiles.x.max_batched_tokens: missing (expected: a whole number from 1 to 16777216)
              pools[0].share: "1" (expected: a number from 0.000001 to 1000000)
              pools[0].replicas[0].count: 0 (expected: a whole number from 1 to 4096)
              events[0].replica: 'b' (expected: one of a)
              events[0].at: 'noon' (expected: a duration such as 250ms, 1.5s, 2m or 1h)
              events[0].what: 'explodes' (expected: down or slow)""");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{|`, line 1: Unexpected end-of-input: expected close marker for Object`",
        "[]|: the file: an array (expected: an object)",
        "{}|: pools: missing (expected: an array of 1 to 64 objects)",
        "{'pools':[]}|: pools: 0 elements (expected: an array of 1 to 64 objects)",
        "{'pools':[5]}|: pools[0]: 5 (expected: an object)",
      })
  void shortFiles(String fleet, String mistake) {
    assertThat(mistakeOf(fleet)).startsWith(mistake).endsWith(")").doesNotContain("\n  ");
  }

  @Test
  void namesAreGivenOnce() {
    assertThat(
            mistakeOf(inPool("{'name':'a','profile':'instant'},{'name':'a','profile':'instant'}")))
        .isEqualTo(
            ": pools[0].replicas[1].name: 'a' a second time (expected: a name that no other replica"
                + " has)");
  }

  @Test
  void aFactorIsForWhatIsSlow() {
    String fleet =
        "{'pools':[{'replicas':[{'name':'a','profile':'instant'}]}],'events':["
            + "{'replica':'a','at':'1s','what':'slow'},"
            + "{'replica':'a','at':'1s','what':'down','factor':2}]}";
    assertThat(mistakeOf(fleet))
        .contains("events[0].factor: missing (expected: how many times as slow, from 1 to 1000)")
        .contains("events[1].factor: given (expected: only where it is slow)");
  }

  @Test
  void aFleetFileThatIsNotThere() {
    Path file = folder.resolve("none.json");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> FleetFile.read(file))
        .withMessage("fleet: " + file + " (expected: a file that exists)");
  }

  private ReplayConfig config(Path trace, List<String> policies, ReplayConfig.Load load, int kv) {
    return new ReplayConfig(
        trace,
        Samples.tinyFile(folder, 1, 1, ""),
        policies,
        load,
        OptionalInt.empty(),
        kv == 0 ? OptionalInt.empty() : OptionalInt.of(kv),
        OptionalInt.empty(),
        Optional.empty(),
        Duration.ZERO,
        Goodput.parse("ttft=1s"),
        1);
  }

  @Test
  void aPolicyThatNobodyKnows() {
    Path trace = Samples.trace(folder, "{\"t\":0,\"in\":1,\"out\":1}");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> config(trace, List.of("round_robbin"), new ReplayConfig.Load.AsTraced(), 0))
        .withMessageStartingWith("policy: 'round_robbin' (expected: one of round_robin, ")
        .withMessageEndingWith("omniscient)");
  }

  @Test
  void sessionsNeedARate() {
    Path trace =
        Samples.trace(
            folder, "{\"t\":5,\"in\":1,\"out\":1,\"s\":1}", "{\"t\":0,\"in\":1,\"out\":1,\"s\":2}");
    ReplayConfig config = config(trace, List.of(), new ReplayConfig.Load.AsTraced(), 0);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Replay.of(config))
        .withMessage(
            "rate: missing (expected: --rate, sessions that start a second, or --saturate, since"
                + " the times of trace.jsonl count from each session's start)");
  }

  @Test
  void aTraceThatIsNone() {
    Path trace = Samples.trace(folder, "{\"t\":0,\"in\":1}");
    ReplayConfig config = config(trace, List.of(), new ReplayConfig.Load.AsTraced(), 0);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Replay.of(config))
        .withMessage(
            "trace "
                + trace
                + ", line 1: 'out' missing (expected: t, in, out, and optionally s, blk)");
  }

  @Test
  void blocksThatNoCacheHolds() {
    Path trace = Samples.trace(folder, "{\"t\":0,\"in\":1,\"out\":1}");
    ReplayConfig config = config(trace, List.of(), new ReplayConfig.Load.AsTraced(), 2048);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Replay.of(config))
        .withMessage("kv-block-tokens: 2048 (expected: at most 1024, the cache of r)");
  }

  @Test
  void rates() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ReplayConfig.Load.Rate(0))
        .withMessage("rate: 0.0 (expected: over 0, at most 1000000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ReplayConfig.Load.Saturating("least_loaded", 1))
        .withMessage("saturate-at: 1.0 (expected: over 0 and below 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Saturation.rate(8, 0.9, rate -> 1))
        .withMessage(
            "saturate: from 8.0 to 8388608.0 a second always over 0.9 of the requests are good"
                + " (expected: a rate at which that changes)");
    assertThat(Saturation.rate(1, 0.9, rate -> rate <= 13.37 ? 1 : 0)).isBetween(13.2, 13.37);
    assertThat(Saturation.rate(100, 0.9, rate -> rate <= 13.37 ? 1 : 0)).isBetween(13.2, 13.37);
  }
}
