package io.penstock.openai;

import static io.penstock.inference.Operation.CHAT;
import static io.penstock.inference.Operation.COMPLETION;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.penstock.fault.Fault;
import io.penstock.inference.Operation;
import java.io.IOException;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrefixedBodyTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int MAX = 1 << 20;

  private static ScannedBody scan(Operation operation, byte[] body) {
    return ((Checked.Valid<ScannedBody>) BodyScan.scan(operation, body, Optional.empty())).value();
  }

  private static String prefixed(Operation operation, String body, String text) {
    Checked<byte[]> whole = PrefixedBody.of(body.getBytes(UTF_8), operation, text, MAX);
    return new String(((Checked.Valid<byte[]>) whole).value(), UTF_8);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[{'role':'user','content':'x'}]"
            + " | [{'role':'system','content':'P'},{'role':'user','content':'x'}]",
        "[ {'content':'be kind','role':'system'} ,{'role':'user','content':'x'}]"
            + " | [ {'content':'P\\nbe kind','role':'system'} ,{'role':'user','content':'x'}]",
        "[{'role':'developer','content':'be kind'}] | [{'role':'developer','content':'P\\nbe kind'}]",
        "[{'role':'system','content':[ {'type':'text','text':'x'}]}]"
            + " | [{'role':'system','content':[{'type':'text','text':'P'}, {'type':'text','text':'x'}]}]",
        "[{'role':'assistant','content':null,'tool_calls':[]}]"
            + " | [{'role':'system','content':'P'},{'role':'assistant','content':null,'tool_calls':[]}]",
      })
  void aChatBeginsWithIt(String messages, String expected) {
    String before = "{'model':'m', 'messages' : ";
    assertThat(prefixed(CHAT, (before + messages + ",'n':1}").replace('\'', '"'), "P"))
        .isEqualTo((before + expected + ",'n':1}").replace('\'', '"'));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'x' | 'P\\nx'",
        "'' | 'P\\n'",
        "['a' , 'b'] | ['P\\na' , 'P\\nb']",
      })
  void aCompletionBeginsWithIt(String prompt, String expected) {
    assertThat(
            prefixed(COMPLETION, ("{'model':'m','prompt':" + prompt + "}").replace('\'', '"'), "P"))
        .isEqualTo(("{'model':'m','prompt':" + expected + "}").replace('\'', '"'));
  }

  @Test
  void everyOneOfADoubledKeyGetsIt() {
    assertThat(prefixed(COMPLETION, "{\"model\":\"m\",\"prompt\":\"a\",\"prompt\":\"b\"}", "P"))
        .isEqualTo("{\"model\":\"m\",\"prompt\":\"P\\na\",\"prompt\":\"P\\nb\"}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"[1,2,3]", "[[1,2],[3]]"})
  void tokensAreNoTextThatItCouldStandBefore(String prompt) {
    byte[] body = ("{\"model\":\"m\",\"prompt\":" + prompt + "}").getBytes(UTF_8);
    assertThat(PrefixedBody.of(body, COMPLETION, "P", MAX))
        .isEqualTo(
            new Checked.Rejected<byte[]>(
                Fault.INVALID_VALUE,
                "prompt",
                "prompt: token ids (expected: text, since a registered prefix is a text to go"
                    + " before it)"));
  }

  /** 100,000 prompts of a byte, each to get a text of 100 KB: nothing of that size is made. */
  @Test
  void nothingAboveTheBoundIsMade() {
    String prompts = "\"x\",".repeat(100_000) + "\"x\"";
    byte[] body = ("{\"model\":\"m\",\"prompt\":[" + prompts + "]}").getBytes(UTF_8);
    Checked<byte[]> no = PrefixedBody.of(body, COMPLETION, "P".repeat(100_000), MAX);
    assertThat(no)
        .isEqualTo(
            new Checked.Rejected<byte[]>(
                Fault.BODY_TOO_LARGE,
                "",
                "the body has "
                    + (body.length + 100_001L * 100_002)
                    + " bytes with the registered prefix in it (expected: at most 1048576,"
                    + " ingress.max_body_bytes)"));
  }

  /** What engines parse is the client's request and the text, and nothing else has changed. */
  @Property(tries = 500)
  void theRestIsAsItWas(@ForAll long seed) throws IOException {
    RandomJson random = new RandomJson(seed);
    byte[] body = RandomChat.body(random);
    JsonNode quoted = JSON.readTree(random.string());
    String text = "P" + quoted.asText().replaceAll("\\p{Cs}", "");
    byte[] whole = ((Checked.Valid<byte[]>) PrefixedBody.of(body, CHAT, text, MAX)).value();

    JsonNode found = JSON.readTree(whole);
    ObjectNode expected = (ObjectNode) JSON.readTree(body);
    ArrayNode messages = (ArrayNode) expected.get("messages");
    messages.insert(0, JSON.createObjectNode().put("role", "system").put("content", text));
    assertThat(found).isEqualTo(expected);
    ScannedBody scan = scan(CHAT, whole);
    assertThat(scan.promptTokens())
        .isGreaterThanOrEqualTo(scan(CHAT, body).promptTokens() + text.getBytes(UTF_8).length / 4);
  }

  /** Whoever names a prefix and whoever sends the same text himself share their blocks. */
  @Test
  void itsBlocksAreThoseOfTheSameTextSentByAClient() {
    String text = "You are terse and kind. ".repeat(50);
    String user = "{\"role\":\"user\",\"content\":\"x\"}";
    String own =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\""
            + text
            + "\"},"
            + user
            + "]}";
    String named = "{\"model\":\"m\",\"messages\":[" + user + "]}";
    ScannedBody whole = scan(CHAT, prefixed(CHAT, named, text).getBytes(UTF_8));
    assertThat(whole.blocks()).isEqualTo(scan(CHAT, own.getBytes(UTF_8)).blocks());
    assertThat(whole.blocks().size()).isGreaterThan(3);
    assertThat(whole.promptTokens()).isEqualTo(scan(CHAT, own.getBytes(UTF_8)).promptTokens());
  }
}
