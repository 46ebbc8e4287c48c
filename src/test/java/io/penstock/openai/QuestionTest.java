package io.penstock.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.Operation;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuestionTest {
  private static Question of(Operation operation, String json, int charsMax) {
    return Question.of(
        operation, json.replace('\'', '"').getBytes(StandardCharsets.UTF_8), charsMax);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '^',
      value = {
        "{'messages':[{'role':'system','content':'s'},{'role':'user','content':'a'},"
            + "{'role':'assistant','content':'b'},{'role':'user','content':'c'}]};c",
        "{'messages':[{'content':'c','role':'user'},{'role':'tool','content':'t'}]};c",
        "{'messages':[{'role':'system','content':'only'}]};only",
        "{'messages':[{'role':'user','content':[{'type':'text','text':'x'},"
            + "{'type':'image_url','image_url':{'url':'u'}},{'type':'text','text':'y'}]}]};x\\ny",
        "{'messages':[{'role':'user','content':null}]};^^",
        "{'messages':[{'role':'user','content':'caf\\u00e9 \\ud83d\\ude00'}]};caf\u00e9 \uD83D\uDE00",
        "{'prompt':'not looked at','messages':[{'role':'user','content':'c'}]};c",
      })
  void theLastMessageOfTheUser(String body, String text) {
    assertThat(of(Operation.CHAT, body, 100).text()).isEqualTo(text.replace("\\n", "\n"));
  }

  @Test
  void thePromptOfACompletion() {
    assertThat(of(Operation.COMPLETION, "{'prompt':'p'}", 9).text()).isEqualTo("p");
    assertThat(of(Operation.COMPLETION, "{'prompt':['p','q']}", 9).text()).isEqualTo("p");
    assertThat(of(Operation.COMPLETION, "{'prompt':[1,2,3]}", 9).text()).isEmpty();
    assertThat(of(Operation.COMPLETION, "{'prompt':[[1],[2]]}", 9).text()).isEmpty();
  }

  @Test
  void isCutToItsEnd() {
    String body =
        "{'messages':[{'role':'user','content':'" + "caf\u00e9 \\n".repeat(1_000) + "end'}]}";
    String text = of(Operation.CHAT, body, 20).text();
    assertThat(text).hasSizeLessThanOrEqualTo(20).endsWith("caf\u00e9 \nend");
    String word = "{'messages':[{'role':'user','content':'" + "x".repeat(1_000) + "'}]}";
    assertThat(of(Operation.CHAT, word, 20).text()).isEqualTo("x".repeat(20));
  }

  @Test
  void whetherItAsksForJson() {
    assertThat(of(Operation.CHAT, "{'response_format':{'type':'json_object'}}", 9).asksForJson())
        .isTrue();
    assertThat(
            of(Operation.CHAT, "{'response_format':{'json_schema':{},'type':'json_schema'}}", 9)
                .asksForJson())
        .isTrue();
    assertThat(of(Operation.CHAT, "{'response_format':{'type':'text'}}", 9).asksForJson())
        .isFalse();
    assertThat(of(Operation.CHAT, "{'response_format':null}", 9).asksForJson()).isFalse();
  }
}
