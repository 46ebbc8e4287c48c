package io.penstock.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import io.penstock.inference.TokenUsage;
import io.penstock.openai.Slice;
import io.penstock.openai.UsageReporting;
import io.penstock.stream.StreamRelay.Verdict;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class StreamRelayTest {
  private static final String ROLE =
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n";
  private static final String HELLO =
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hel\\\"lo\"},\"finish_reason\":null}]}\n\n";
  private static final String HELLO_COUNTED =
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hel\\\"lo\"},\"finish_reason\":null}],"
          + "\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":1,\"total_tokens\":8}}\n\n";
  private static final String FINISH =
      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
  private static final String USAGE =
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2,\"total_tokens\":9}}\n\n";
  private static final String DONE = "data: [DONE]\n\n";

  private final StreamRelay relay = new StreamRelay(UsageReporting.NONE, UsageReporting.CONTINUOUS);

  private Verdict feed(StreamRelay relay, String text) {
    return relay.feed(Slice.of(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static String drain(StreamRelay relay) {
    StringBuilder text = new StringBuilder();
    for (Slice each : relay.drain()) {
      text.append(new String(each.toByteArray(), StandardCharsets.UTF_8));
    }
    return text.toString();
  }

  @Test
  void holdsTheRoleUntilThereIsContent() {
    assertThat(feed(relay, ROLE)).isEqualTo(Verdict.HOLDING);
    assertThat(relay.drain()).isEmpty();
    assertThat(feed(relay, HELLO)).isEqualTo(Verdict.FLOWING);
    assertThat(drain(relay)).isEqualTo(ROLE + HELLO);
    assertThat(relay.drain()).isEmpty();
  }

  @Test
  void keepsUsageFromAClientThatDidNotAsk() {
    assertThat(feed(relay, HELLO_COUNTED + FINISH + USAGE + DONE)).isEqualTo(Verdict.DONE);
    assertThat(drain(relay)).isEqualTo(HELLO + FINISH + DONE);
    assertThat(relay.usage()).isEqualTo(new TokenUsage(7, 2, 0));
  }

  @Test
  void givesUsageToAClientThatAsked() {
    StreamRelay asked = new StreamRelay(UsageReporting.FINAL, UsageReporting.FINAL);
    feed(asked, HELLO + FINISH + USAGE + DONE);
    assertThat(drain(asked)).isEqualTo(HELLO + FINISH + USAGE + DONE);
  }

  @Test
  void joinsNeighboursIntoOneSlice() {
    feed(relay, HELLO + HELLO + FINISH + DONE);
    assertThat(relay.drain()).hasSize(1);
  }

  @Test
  void nothingPassesAfterTheEnd() {
    feed(relay, HELLO + DONE + HELLO);
    assertThat(drain(relay)).isEqualTo(HELLO + DONE);
    assertThat(feed(relay, HELLO)).isEqualTo(Verdict.DONE);
    assertThat(relay.drain()).isEmpty();
  }

  @Test
  void anErrorInTheStreamIsTold() {
    String error = "data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n";
    assertThat(feed(relay, ROLE + error)).isEqualTo(Verdict.ENGINE_ERROR);
    assertThat(relay.engineError())
        .hasValueSatisfying(
            slice ->
                assertThat(new String(slice.toByteArray(), StandardCharsets.UTF_8))
                    .isEqualTo(error));
  }

  @Test
  void whatIsNotTheDialectIsMalformed() {
    assertThat(feed(relay, HELLO + "data: {oops\n\n" + DONE)).isEqualTo(Verdict.MALFORMED);
    assertThat(drain(relay)).isEqualTo(HELLO);
  }

  @Test
  void anEngineThatTalksALotWithoutContentIsNotHeldForEver() {
    for (int i = 0; i * ROLE.length() <= StreamRelay.HELD_MAX_BYTES; i++) {
      feed(relay, ROLE);
    }
    assertThat(relay.verdict()).isEqualTo(Verdict.FLOWING);
  }

  /** However the network cuts the bytes, the client sees the same. */
  @Property(tries = 300)
  void cutsDoNotMatter(@ForAll @IntRange(min = 1, max = 60) int step) {
    String all = ": ping\r\n\r\n" + ROLE + HELLO_COUNTED + HELLO_COUNTED + FINISH + USAGE + DONE;
    byte[] bytes = all.getBytes(StandardCharsets.UTF_8);
    StreamRelay cut = new StreamRelay(UsageReporting.NONE, UsageReporting.CONTINUOUS);
    StringBuilder seen = new StringBuilder();
    for (int at = 0; at < bytes.length; at += step) {
      byte[] piece = java.util.Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + step));
      cut.feed(Slice.of(piece));
      seen.append(drain(cut));
    }
    assertThat(seen).hasToString(ROLE + HELLO + HELLO + FINISH + DONE);
    assertThat(Map.of("frames", cut.contentFrames())).contains(entry("frames", 3));
  }
}
