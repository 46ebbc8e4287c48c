package io.penstock.openai;

import static io.penstock.inference.Operation.CHAT;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.penstock.inference.ModelName;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class SpliceTest {
  private static final String HELLO = "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]";

  private static Spliced forward(String body, String model, UsageReporting ask) {
    byte[] bytes = body.getBytes(UTF_8);
    return Splice.forward(bytes, scan(bytes, Optional.empty()), new ModelName(model), ask);
  }

  private static ScannedBody scan(byte[] bytes, Optional<ModelName> override) {
    return ((Checked.Valid<ScannedBody>) BodyScan.scan(CHAT, bytes, override)).value();
  }

  private static String text(Spliced spliced) {
    return new String(spliced.toByteArray(), UTF_8);
  }

  @Test
  void keepsTheOriginalArrayWhereNothingChanges() {
    byte[] body = ("{\"model\":\"m\"," + HELLO + ",\"stream\":true}").getBytes(UTF_8);
    Spliced same =
        Splice.forward(body, scan(body, Optional.empty()), new ModelName("m"), UsageReporting.NONE);
    assertThat(same.toByteArray()).isSameAs(body);
    assertThat(same.slices()).hasSize(1);
  }

  @Test
  void replacesTheModelAndEscapesItsName() {
    assertThat(
            text(
                forward(
                    "{\"model\" : \"a\" ," + HELLO + "}", "x\"\\\n\u0001/é", UsageReporting.NONE)))
        .isEqualTo("{\"model\" : \"x\\\"\\\\\\n\\u0001/é\" ," + HELLO + "}");
  }

  @Test
  void replacesEveryModelOfADoubledKey() {
    assertThat(
            text(
                forward(
                    "{\"model\":\"a\"," + HELLO + ",\"model\":\"b\"}", "c", UsageReporting.NONE)))
        .isEqualTo("{\"model\":\"c\"," + HELLO + ",\"model\":\"c\"}");
  }

  @Test
  void putsInAModelThatOnlyAHeaderNamed() {
    byte[] body = ("{ " + HELLO + "}").getBytes(UTF_8);
    ModelName model = new ModelName("h");
    Spliced spliced =
        Splice.forward(body, scan(body, Optional.of(model)), model, UsageReporting.NONE);
    assertThat(text(spliced)).isEqualTo("{\"model\":\"h\", " + HELLO + "}");
  }

  @Test
  void asksForUsageOnStreamsOnly() {
    String tail = "\"model\":\"m\"," + HELLO;
    assertThat(text(forward("{" + tail + "}", "m", UsageReporting.CONTINUOUS)))
        .isEqualTo("{" + tail + "}");
    assertThat(text(forward("{" + tail + ",\"stream\":true}", "m", UsageReporting.FINAL)))
        .isEqualTo("{\"stream_options\":{\"include_usage\":true}," + tail + ",\"stream\":true}");
  }

  @Test
  void extendsStreamOptionsThatAreThere() {
    String head = "{\"model\":\"m\"," + HELLO + ",\"stream\":true,\"stream_options\":";
    String both = "{\"include_usage\":true,\"continuous_usage_stats\":true}";
    UsageReporting ask = UsageReporting.CONTINUOUS;
    assertThat(text(forward(head + "null}", "m", ask))).isEqualTo(head + both + "}");
    assertThat(text(forward(head + "{ }}", "m", ask))).isEqualTo(head + both + "}");
    assertThat(text(forward(head + "{\"include_usage\":false,\"x\":1}}", "m", ask)))
        .isEqualTo(head + "{\"continuous_usage_stats\":true,\"include_usage\":true,\"x\":1}}");
    assertThat(text(forward(head + both + "}", "m", ask))).isEqualTo(head + both + "}");
  }

  @Property(tries = 5000)
  void changesNothingElse(@ForAll long seed) {
    RandomJson json = new RandomJson(seed);
    byte[] body = RandomChat.body(json);
    UsageReporting ask = json.pick(UsageReporting.values());
    String model = json.pick("engine/name", "with \"quotes\" and \\", "näme");
    Spliced spliced = Splice.forward(body, scan(body, Optional.empty()), new ModelName(model), ask);
    JsonNode expected = RandomJson.tree(body);
    ((ObjectNode) expected).put("model", model);
    if (expected.path("stream").asBoolean(false) && ask != UsageReporting.NONE) {
      ObjectNode options =
          expected.path("stream_options").isObject()
              ? (ObjectNode) expected.get("stream_options")
              : ((ObjectNode) expected).putObject("stream_options");
      options.put("include_usage", true);
      if (ask == UsageReporting.CONTINUOUS) {
        options.put("continuous_usage_stats", true);
      }
    }
    assertThat(RandomJson.tree(spliced.toByteArray())).isEqualTo(expected);
    assertThat(spliced.length()).isEqualTo(spliced.toByteArray().length);
  }
}
