package io.penstock.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.Capability;
import io.penstock.inference.ModelName;
import io.penstock.inference.Priority;
import io.penstock.inference.RequestId;
import io.penstock.inference.TierName;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.arbitraries.StringArbitrary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestHeadersTest {
  private static String told(Checked<?> checked) {
    var rejected = (Checked.Rejected<?>) checked;
    return rejected.fault().code() + " " + rejected.param() + " | " + rejected.message();
  }

  @Test
  void keepsAWellFormedRequestId() {
    assertThat(RequestHeaders.requestId("aZ0._-")).contains(new RequestId("aZ0._-"));
    assertThat(RequestHeaders.requestId("a".repeat(128))).isPresent();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "a b", "a/b", "é", "a\n", "\"x\""})
  void replacesAnyOther(String value) {
    assertThat(RequestHeaders.requestId(value)).isEmpty();
    assertThat(RequestHeaders.requestId(null)).isEmpty();
    assertThat(RequestHeaders.requestId("a".repeat(129))).isEmpty();
  }

  @Test
  void readsTheModel() {
    assertThat(RequestHeaders.model(null)).isEqualTo(new Checked.Valid<>(Optional.empty()));
    assertThat(RequestHeaders.model(" a/b "))
        .isEqualTo(new Checked.Valid<>(Optional.of(new ModelName("a/b"))));
    assertThat(told(RequestHeaders.model(" ")))
        .isEqualTo(
            "invalid_value x-model-id | x-model-id: ' '"
                + " (expected: the name of a model, at most 512 characters)");
  }

  @Test
  void readsThePriority() {
    assertThat(RequestHeaders.priority(null)).isEqualTo(new Checked.Valid<>(Optional.empty()));
    assertThat(RequestHeaders.priority("Bulk"))
        .isEqualTo(new Checked.Valid<>(Optional.of(Priority.BULK)));
    assertThat(told(RequestHeaders.priority("urgent")))
        .isEqualTo(
            "invalid_value x-penstock-priority | x-penstock-priority: 'urgent'"
                + " (expected: one of interactive, default, bulk)");
  }

  @Test
  void readsCapabilities() {
    assertThat(RequestHeaders.capabilities(null)).isEqualTo(new Checked.Valid<>(Set.of()));
    assertThat(RequestHeaders.capabilities("tools, VISION,,"))
        .isEqualTo(new Checked.Valid<>(Set.of(Capability.TOOLS, Capability.VISION)));
    assertThat(told(RequestHeaders.capabilities("tools,telepathy")))
        .isEqualTo(
            "invalid_value x-penstock-capabilities | x-penstock-capabilities: 'telepathy'"
                + " (expected: a list of tools, vision, audio, json_schema, logprobs, embeddings)");
  }

  @Test
  void readsTheTimeout() {
    assertThat(RequestHeaders.timeout(null)).isEqualTo(new Checked.Valid<>(Optional.empty()));
    assertThat(RequestHeaders.timeout("1500"))
        .isEqualTo(new Checked.Valid<>(Optional.of(Duration.ofMillis(1500))));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "1.5", "10s", "", "2147483648", "99999999999999999999"})
  void refusesOtherTimeouts(String value) {
    assertThat(told(RequestHeaders.timeout(value)))
        .isEqualTo(
            "invalid_value x-penstock-timeout-ms | x-penstock-timeout-ms: '"
                + value
                + "' (expected: whole milliseconds from 1 to 2147483647)");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-be"
      })
  void joinsATrace(String value) {
    assertThat(RequestHeaders.traceparent(value)).contains(value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"
      })
  void ignoresWhatIsNoTrace(String value) {
    assertThat(RequestHeaders.traceparent(value)).isEmpty();
    assertThat(RequestHeaders.traceparent(null)).isEmpty();
  }

  /** The recommendation's grammar as one regular expression. */
  @Property
  void agreesWithTheGrammar(@ForAll("almostTraces") String value) {
    Matcher matcher =
        Pattern.compile("([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
            .matcher(value);
    boolean valid =
        matcher.matches()
            && !matcher.group(1).equals("ff")
            && !matcher.group(2).equals("0".repeat(32))
            && !matcher.group(3).equals("0".repeat(16))
            && (matcher.group(4) == null || !matcher.group(1).equals("00"));
    assertThat(RequestHeaders.traceparent(value).isPresent()).isEqualTo(valid);
  }

  @Provide
  Arbitrary<String> almostTraces() {
    StringArbitrary hex = Arbitraries.strings().withChars("0123456789abcdef");
    Arbitrary<String> version = Arbitraries.of("00", "01", "cc", "ff", "0", "0g", "AA");
    Arbitrary<String> trace = Arbitraries.oneOf(hex.ofLength(32), Arbitraries.of("0".repeat(32)));
    Arbitrary<String> parent =
        Arbitraries.oneOf(hex.ofLength(16), Arbitraries.of("0".repeat(16), "0".repeat(15)));
    Arbitrary<String> flags = Arbitraries.of("01", "00", "0", "012", "0G");
    Arbitrary<String> rest = Arbitraries.of("", "", "-", "-more", "more");
    Arbitrary<String> hyphen = Arbitraries.of("-", "-", "-", "_");
    return Combinators.combine(version, trace, parent, flags, rest, hyphen)
        .as((v, t, p, f, r, h) -> v + "-" + t + h + p + "-" + f + r);
  }

  @Test
  void readsWhatATierIsToBe() {
    assertThat(RequestHeaders.tier(null)).isEqualTo(new Checked.Valid<>(Optional.empty()));
    assertThat(RequestHeaders.tier(" fast "))
        .isEqualTo(new Checked.Valid<>(Optional.of(new TierName("fast"))));
    assertThat(RequestHeaders.latencyBudget(null)).isEqualTo(new Checked.Valid<>(0));
    assertThat(RequestHeaders.latencyBudget("800")).isEqualTo(new Checked.Valid<>(800));
    assertThat(RequestHeaders.maxCost(null)).isEqualTo(new Checked.Valid<>(0.0));
    assertThat(RequestHeaders.maxCost("0.01")).isEqualTo(new Checked.Valid<>(0.01));
    assertThat(RequestHeaders.minQuality(null)).isEqualTo(new Checked.Valid<>(Optional.empty()));
    assertThat(RequestHeaders.minQuality("0.85")).isEqualTo(new Checked.Valid<>(Optional.of(0.85)));
    assertThat(RequestHeaders.complexity("1")).isEqualTo(new Checked.Valid<>(Optional.of(1.0)));
  }

  @Test
  void refusesWhatNoTierCanBe() {
    assertThat(told(RequestHeaders.tier("The Best")))
        .isEqualTo(
            "invalid_value x-penstock-tier | x-penstock-tier: 'The Best'"
                + " (expected: the name of a tier)");
    assertThat(told(RequestHeaders.latencyBudget("0")))
        .isEqualTo(
            "invalid_value x-penstock-latency-budget-ms | x-penstock-latency-budget-ms: '0'"
                + " (expected: whole milliseconds from 1 to 2147483647)");
    assertThat(told(RequestHeaders.maxCost("0")))
        .isEqualTo(
            "invalid_value x-penstock-max-cost | x-penstock-max-cost: '0'"
                + " (expected: a cost of 1,000 tokens above 0, such as 0.01)");
    assertThat(told(RequestHeaders.minQuality("1.1")))
        .isEqualTo(
            "invalid_value x-penstock-min-quality | x-penstock-min-quality: '1.1'"
                + " (expected: a number from 0 to 1)");
    assertThat(told(RequestHeaders.complexity("NaN")))
        .isEqualTo(
            "invalid_value x-penstock-complexity | x-penstock-complexity: 'NaN'"
                + " (expected: a number from 0 to 1)");
  }
}
