package io.penstock.openai;

import static io.penstock.inference.Operation.CHAT;
import static io.penstock.inference.Operation.COMPLETION;
import static io.penstock.inference.Operation.EMBEDDINGS;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.penstock.inference.Capability;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.Priority;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BodyScanTest {
  private static final String HELLO = "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]";
  private static final String TEXTS =
      "a non-empty string, an array of strings, an array of token ids, or an array of such arrays";
  private static final String TIERS =
      "one of \"auto\", \"default\", \"flex\", \"priority\", \"scale\"";

  private static Checked<ScannedBody> scan(Operation operation, String body) {
    return BodyScan.scan(operation, body.getBytes(UTF_8), Optional.empty());
  }

  private static ScannedBody valid(Operation operation, String body) {
    return valid(scan(operation, body));
  }

  private static ScannedBody valid(Checked<ScannedBody> checked) {
    return checked.fold(
        valid -> valid,
        rejected -> {
          throw new AssertionError(rejected.toString());
        });
  }

  /** A chat body with these members besides model and messages. */
  private static String chat(String members) {
    return "{\"model\":\"m\"," + HELLO + "," + members + "}";
  }

  private static String messages(String messages) {
    return "{\"model\":\"m\",\"messages\":" + messages + "}";
  }

  record Bad(Operation operation, String body, String code, String param, String message) {
    @Override
    public String toString() {
      return operation + " " + JsonText.shorten(body, 60);
    }
  }

  private static Bad syntax(String body, String message) {
    return new Bad(CHAT, body, "invalid_json", "", message);
  }

  private static Bad missing(Operation operation, String body, String param, String expected) {
    return new Bad(
        operation, body, "missing_field", param, param + ": missing (expected: " + expected + ")");
  }

  private static Bad wrong(
      Operation operation, String body, String param, String found, String expected) {
    return new Bad(
        operation,
        body,
        "invalid_value",
        param,
        param + ": " + found + " (expected: " + expected + ")");
  }

  private static Bad wrong(String body, String param, String found, String expected) {
    return wrong(CHAT, body, param, found, expected);
  }

  private static Bad notJson(String body, int column, String found, String expected) {
    return syntax(
        body,
        "body: not JSON at line 1, column %d (byte %d): found %s (expected: %s)"
            .formatted(column, column - 1, found, expected));
  }

  static Stream<Bad> badBodies() {
    String end = "the end of the body";
    return Stream.of(
        notJson("", 1, end, "a value"),
        notJson("   ", 4, end, "a value"),
        notJson("hello", 1, "'h'", "a value"),
        notJson("{", 2, end, "a name in quotes or '}'"),
        notJson("{\"a\"", 5, end, "':'"),
        notJson("{\"a\":", 6, end, "a value"),
        notJson("{\"a\":1", 7, end, "',' or '}'"),
        notJson("{\"a\":1,}", 8, "'}'", "a name in quotes"),
        notJson("{a:1}", 2, "'a'", "a name in quotes or '}'"),
        notJson("{'a':1}", 2, "'''", "a name in quotes or '}'"),
        notJson("{\"a\" 1}", 6, "'1'", "':'"),
        notJson("{\"a\":1 \"b\":2}", 8, "'\"'", "',' or '}'"),
        notJson("{\"a\":[1,]}", 9, "']'", "a value"),
        notJson("{\"a\":[1 2]}", 9, "'2'", "',' or ']'"),
        notJson("{\"a\":[", 7, end, "a value or ']'"),
        notJson("{\"a\":01}", 7, "'1'", "',' or '}'"),
        notJson("{\"a\":1.}", 8, "'}'", "a digit"),
        notJson("{\"a\":-}", 7, "'}'", "a digit"),
        notJson("{\"a\":1e}", 8, "'}'", "a digit"),
        notJson("{\"a\":+1}", 6, "'+'", "a value"),
        notJson("{\"a\":NaN}", 6, "'N'", "a value"),
        notJson("{\"a\":tru}", 9, "'}'", "'true'"),
        notJson("{\"a\":nil}", 7, "'i'", "'null'"),
        notJson("{\"a\":\"b}", 9, end, "a closing quote"),
        notJson("{\"a\":\"\\x\"}", 8, "'x'", "one of \"\\/bfnrtu after '\\'"),
        notJson("{\"a\":\"\\u12g4\"}", 11, "'g'", "four hexadecimal digits after '\\u'"),
        notJson("{\"a\":\"b\tc\"}", 8, "the byte 0x09", "control characters escaped"),
        notJson("{\"a\":1}x", 8, "'x'", "the end"),
        notJson("{\"a\":1}{}", 8, "'{'", "the end"),
        notJson("\ufeff{}", 1, "the byte 0xef", "a value"),
        syntax(
            "{\n  \"é\": 1,\n  \"é\": 2;\n}",
            "body: not JSON at line 3, column 9 (byte 22): found ';' (expected: ',' or '}')"),
        syntax("[]", "body: an array (expected: a JSON object)"),
        syntax("\"text\"", "body: a string (expected: a JSON object)"),
        syntax("null", "body: null (expected: a JSON object)"),
        notJson("[".repeat(300), 257, "'['", "nesting of at most 256"),
        missing(CHAT, "{}", "model", "the name of a model"),
        missing(CHAT, "{" + HELLO + "}", "model", "the name of a model"),
        wrong("{\"model\":null," + HELLO + "}", "model", "null", "the name of a model"),
        wrong("{\"model\":7," + HELLO + "}", "model", "7", "the name of a model"),
        wrong("{\"model\":\"\"," + HELLO + "}", "model", "\"\"", "the name of a model"),
        wrong("{\"model\":\" \\n\"," + HELLO + "}", "model", "\" \\n\"", "the name of a model"),
        wrong("{\"model\":[\"m\"]," + HELLO + "}", "model", "an array", "the name of a model"),
        wrong(
            "{\"model\":\"" + "m".repeat(513) + "\"," + HELLO + "}",
            "model",
            "a string of more than 512 characters",
            "the name of a model"),
        missing(CHAT, "{\"model\":\"m\"}", "messages", "a non-empty array of messages"),
        wrong(messages("\"hello\""), "messages", "a string", "a non-empty array of messages"),
        wrong(messages("null"), "messages", "null", "a non-empty array of messages"),
        wrong(messages("[]"), "messages", "an empty array", "a non-empty array of messages"),
        wrong(messages("[\"hello\"]"), "messages[0]", "a string", "an object with a role"),
        missing(CHAT, messages("[{\"content\":\"hi\"}]"), "messages[0].role", "a string"),
        missing(CHAT, messages("[{\"role\":\"user\"},{}]"), "messages[1].role", "a string"),
        wrong(messages("[{\"role\":1}]"), "messages[0].role", "a number", "a string"),
        wrong(
            messages("[{\"role\":\"user\",\"content\":5}]"),
            "messages[0].content",
            "a number",
            "a string, an array of parts, or null"),
        wrong(
            messages("[{\"role\":\"user\",\"content\":[{},3]}]"),
            "messages[0].content[1]",
            "a number",
            "an object with a type"),
        wrong(chat("\"stream\":\"yes\""), "stream", "\"yes\"", "true or false"),
        wrong(chat("\"stream\":1"), "stream", "1", "true or false"),
        wrong(chat("\"stream_options\":true"), "stream_options", "true", "an object"),
        wrong(
            chat("\"stream_options\":{\"include_usage\":\"true\"}"),
            "stream_options.include_usage",
            "\"true\"",
            "true or false"),
        wrong(chat("\"max_tokens\":0"), "max_tokens", "0", "an integer >= 1"),
        wrong(chat("\"max_tokens\":-5"), "max_tokens", "-5", "an integer >= 1"),
        wrong(chat("\"max_tokens\":1.5"), "max_tokens", "1.5", "an integer >= 1"),
        wrong(chat("\"max_tokens\":1e3"), "max_tokens", "1e3", "an integer >= 1"),
        wrong(chat("\"max_tokens\":\"10\""), "max_tokens", "\"10\"", "an integer >= 1"),
        wrong(chat("\"max_completion_tokens\":0"), "max_completion_tokens", "0", "an integer >= 1"),
        wrong(chat("\"n\":0"), "n", "0", "an integer from 1 to 128"),
        wrong(chat("\"n\":129"), "n", "129", "an integer from 1 to 128"),
        wrong(
            chat("\"n\":99999999999999999999999"),
            "n",
            "99999999999999999999999",
            "an integer from 1 to 128"),
        wrong(chat("\"n\":true"), "n", "true", "an integer from 1 to 128"),
        wrong(chat("\"user\":42"), "user", "42", "a string"),
        wrong(chat("\"service_tier\":\"gold\""), "service_tier", "\"gold\"", TIERS),
        wrong(chat("\"service_tier\":{}"), "service_tier", "an object", TIERS),
        wrong(chat("\"tools\":{}"), "tools", "an object", "an array"),
        wrong(chat("\"user\":" + "9".repeat(100)), "user", "9".repeat(40) + "…", "a string"),
        missing(COMPLETION, "{\"model\":\"m\"}", "prompt", TEXTS),
        wrong(COMPLETION, "{\"model\":\"m\",\"prompt\":\"\"}", "prompt", "an empty string", TEXTS),
        wrong(COMPLETION, "{\"model\":\"m\",\"prompt\":[]}", "prompt", "an empty array", TEXTS),
        wrong(COMPLETION, "{\"model\":\"m\",\"prompt\":{}}", "prompt", "an object", TEXTS),
        wrong(
            COMPLETION,
            "{\"model\":\"m\",\"prompt\":[\"a\",1]}",
            "prompt[1]",
            "a number",
            "a string like the first"),
        wrong(
            COMPLETION,
            "{\"model\":\"m\",\"prompt\":[null]}",
            "prompt[0]",
            "null",
            "a string, a token id, or an array of token ids"),
        wrong(COMPLETION, "{\"model\":\"m\",\"prompt\":[1,2.5]}", "prompt[1]", "2.5", "a token id"),
        wrong(
            COMPLETION,
            "{\"model\":\"m\",\"prompt\":[[1],[2,\"x\"]]}",
            "prompt[1][1]",
            "a string",
            "a token id"),
        wrong(
            COMPLETION,
            "{\"model\":\"m\",\"prompt\":\"a\",\"max_tokens\":-1}",
            "max_tokens",
            "-1",
            "an integer >= 0"),
        missing(EMBEDDINGS, "{\"model\":\"m\"}", "input", TEXTS),
        wrong(EMBEDDINGS, "{\"model\":\"m\",\"input\":7}", "input", "a number", TEXTS),
        wrong(EMBEDDINGS, "{\"model\":\"m\",\"input\":[-4]}", "input[0]", "-4", "a token id"));
  }

  @ParameterizedTest
  @MethodSource("badBodies")
  void saysExactlyWhatIsWrong(Bad bad) {
    Checked<ScannedBody> result = scan(bad.operation(), bad.body());
    assertThat(result).isInstanceOf(Checked.Rejected.class);
    var rejected = (Checked.Rejected<ScannedBody>) result;
    assertThat(rejected.message()).isEqualTo(bad.message());
    assertThat(rejected.param()).isEqualTo(bad.param());
    assertThat(rejected.fault().code()).isEqualTo(bad.code());
  }

  @Test
  void refusesTextThatIsNotUtf8() {
    byte[] latin1 = "{\"model\":\"café\"}".getBytes(ISO_8859_1);
    var rejected = (Checked.Rejected<ScannedBody>) BodyScan.scan(CHAT, latin1, Optional.empty());
    assertThat(rejected.message())
        .isEqualTo(
            "body: not JSON at line 1, column 14 (byte 13): found the byte 0xe9"
                + " (expected: valid UTF-8)");
  }

  @Test
  void aMistakeInTheSyntaxIsToldBeforeOneInAField() {
    var rejected = (Checked.Rejected<ScannedBody>) scan(CHAT, "{\"stream\":1,\"model\":\"m\"");
    assertThat(rejected.fault().code()).isEqualTo("invalid_json");
  }

  @Test
  void readsAPlainChat() {
    ScannedBody body = valid(CHAT, "{\"model\":\"llama\"," + HELLO + "}");
    assertThat(body.model()).isEqualTo(new ModelName("llama"));
    assertThat(body.stream()).isFalse();
    assertThat(body.usage()).isEqualTo(UsageReporting.NONE);
    assertThat(body.maxTokens()).isZero();
    assertThat(body.choices()).isEqualTo(1);
    assertThat(body.user()).isEmpty();
    assertThat(body.priority()).isEmpty();
    assertThat(body.needs()).isEmpty();
    assertThat(body.promptTokens()).isEqualTo(2 + 4);
    assertThat(body.inputs()).isEqualTo(1);
  }

  @Test
  void readsEveryField() {
    ScannedBody body =
        valid(
            CHAT,
            chat(
                "\"stream\":true,\"stream_options\":{\"include_usage\":true},\"n\":3,"
                    + "\"max_tokens\":10,\"max_completion_tokens\":20,\"user\":\"u\\u0031\\ud83d\\ude00\","
                    + "\"service_tier\":\"flex\""));
    assertThat(body.stream()).isTrue();
    assertThat(body.usage()).isEqualTo(UsageReporting.FINAL);
    assertThat(body.choices()).isEqualTo(3);
    assertThat(body.maxTokens()).isEqualTo(20);
    assertThat(body.user()).isEqualTo("u1😀");
    assertThat(body.priority()).contains(Priority.BULK);
  }

  @Test
  void takesNullForAbsent() {
    ScannedBody body =
        valid(
            CHAT,
            chat(
                "\"stream\":null,\"stream_options\":null,\"n\":null,\"max_tokens\":null,"
                    + "\"user\":null,\"service_tier\":null,\"tools\":null,\"logprobs\":null,"
                    + "\"response_format\":null,\"modalities\":null"));
    assertThat(body.stream()).isFalse();
    assertThat(body.choices()).isEqualTo(1);
    assertThat(body.needs()).isEmpty();
  }

  @Test
  void theLastOfDoubledKeysCounts() {
    ScannedBody body =
        valid(
            CHAT,
            "{\"model\":\"a\",\"stream\":true,\"tools\":[{}],"
                + HELLO
                + ",\"mod\\u0065l\":\"b\",\"stream\":false,\"tools\":[]}");
    assertThat(body.model()).isEqualTo(new ModelName("b"));
    assertThat(body.points().models()).hasSize(2);
    assertThat(body.stream()).isFalse();
    assertThat(body.needs()).isEmpty();
  }

  @Test
  void aHeaderMayNameTheModel() {
    Optional<ModelName> header = Optional.of(new ModelName("h"));
    for (String model : List.of("", "\"model\":\"b\",", "\"model\":5,")) {
      byte[] bytes = ("{" + model + HELLO + "}").getBytes(UTF_8);
      assertThat(valid(BodyScan.scan(CHAT, bytes, header)).model()).isEqualTo(header.get());
    }
  }

  @Test
  void detectsCapabilities() {
    assertThat(valid(CHAT, chat("\"tools\":[{\"type\":\"function\"}]")).needs())
        .containsExactly(Capability.TOOLS);
    assertThat(valid(CHAT, chat("\"functions\":[{}]")).needs()).containsExactly(Capability.TOOLS);
    assertThat(valid(CHAT, chat("\"tools\":[]")).needs()).isEmpty();
    assertThat(valid(CHAT, chat("\"response_format\":{\"type\":\"json_schema\"}")).needs())
        .containsExactly(Capability.JSON_SCHEMA);
    assertThat(valid(CHAT, chat("\"response_format\":{\"type\":\"json_object\"}")).needs())
        .isEmpty();
    assertThat(valid(CHAT, chat("\"logprobs\":true")).needs()).containsExactly(Capability.LOGPROBS);
    assertThat(valid(CHAT, chat("\"logprobs\":false")).needs()).isEmpty();
    assertThat(valid(CHAT, chat("\"modalities\":[\"text\",\"audio\"]")).needs())
        .containsExactly(Capability.AUDIO);
    assertThat(valid(COMPLETION, "{\"model\":\"m\",\"prompt\":\"a\",\"logprobs\":0}").needs())
        .containsExactly(Capability.LOGPROBS);
    assertThat(valid(EMBEDDINGS, "{\"model\":\"m\",\"input\":\"a\"}").needs())
        .containsExactly(Capability.EMBEDDINGS);
  }

  @Test
  void seesPartsThatAreNotText() {
    String image =
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:" + "A".repeat(9000) + "\"}}";
    String audio = "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\"}}";
    String text = "{\"type\":\"text\",\"text\":\"" + "t".repeat(400) + "\"}";
    ScannedBody body =
        valid(
            CHAT,
            messages(
                "[{\"role\":\"user\",\"content\":[" + text + "," + image + "," + audio + "]}]"));
    assertThat(body.needs()).containsExactlyInAnyOrder(Capability.VISION, Capability.AUDIO);
    assertThat(body.promptTokens()).isEqualTo(400 / 4 + 4 + 576 + 750);
    assertThat(valid(CHAT, messages("[{\"role\":\"user\",\"content\":\"image_url\"}]")).needs())
        .isEmpty();
  }

  @Test
  void countsPromptsAndTokenIds() {
    ScannedBody one = valid(COMPLETION, "{\"model\":\"m\",\"prompt\":[5,6,7]}");
    assertThat(one.promptTokens()).isEqualTo(3);
    assertThat(one.inputs()).isEqualTo(1);
    ScannedBody two = valid(COMPLETION, "{\"model\":\"m\",\"prompt\":[[5,6,7],[8]]}");
    assertThat(two.promptTokens()).isEqualTo(4);
    assertThat(two.inputs()).isEqualTo(2);
    ScannedBody texts = valid(EMBEDDINGS, "{\"model\":\"m\",\"input\":[\"abcd\",\"efgh\",\"i\"]}");
    assertThat(texts.promptTokens()).isEqualTo(3);
    assertThat(texts.inputs()).isEqualTo(3);
  }

  @Test
  void aVeryLargeMaxTokensIsTheGreatestInt() {
    assertThat(valid(CHAT, chat("\"max_tokens\":99999999999999999999")).maxTokens())
        .isEqualTo(Integer.MAX_VALUE);
  }

  @Property(tries = 3000)
  void agreesWithJacksonOnChats(@ForAll long seed) {
    byte[] text = RandomChat.body(new RandomJson(seed));
    JsonNode tree = RandomJson.tree(text);
    ScannedBody body = valid(BodyScan.scan(CHAT, text, Optional.empty()));
    assertThat(body.model().value()).isEqualTo(tree.get("model").textValue());
    assertThat(body.stream()).isEqualTo(tree.path("stream").asBoolean(false));
    assertThat(body.maxTokens()).isEqualTo(tree.path("max_tokens").asInt(0));
    assertThat(body.choices()).isEqualTo(tree.path("n").asInt(1));
    assertThat(body.user()).isEqualTo(tree.path("user").asText(""));
    assertThat(body.needs().contains(Capability.TOOLS)).isEqualTo(!tree.path("tools").isEmpty());
    assertThat(body.usage() != UsageReporting.NONE)
        .isEqualTo(
            tree.path("stream").asBoolean(false)
                && tree.path("stream_options").path("include_usage").asBoolean(false));
  }

  @Property(tries = 10000)
  void refusesAsJsonWhatJacksonRefuses(@ForAll long seed) {
    RandomJson json = new RandomJson(seed);
    byte[] text = json.damaged(RandomChat.body(json));
    boolean object = RandomJson.jackson(text).map(JsonNode::isObject).orElse(false);
    Checked<ScannedBody> result = BodyScan.scan(CHAT, text, Optional.empty());
    boolean invalidJson =
        result instanceof Checked.Rejected<ScannedBody> rejected
            && rejected.fault().code().equals("invalid_json");
    assertThat(invalidJson).as(new String(text, UTF_8)).isEqualTo(!object);
  }
}
