package io.penstock.load;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerCheckerTest {
  private static final String USAGE =
      ",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}";

  private static String answer(String content, String finish, String usage) {
    return "{\"id\":\"c\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":"
        + content
        + "},\"finish_reason\":"
        + finish
        + "}]"
        + usage
        + "}";
  }

  private static Verdict judge(String body) {
    return AnswerChecker.check(Streams.bytes(body), true);
  }

  @Test
  void acceptsAWholeAnswer() {
    assertThat(judge(answer("\"hi\"", "\"stop\"", USAGE)))
        .isEqualTo(new Verdict(Ending.OK, "", 1, 3, 2));
    assertThat(AnswerChecker.check(Streams.bytes(answer("\"hi\"", "\"stop\"", "")), false).ending())
        .isEqualTo(Ending.OK);
  }

  @Test
  void saysWhatIsWrong() {
    assertThat(judge("")).isEqualTo(Verdict.of(Ending.MALFORMED, "body is not a JSON object"));
    assertThat(judge("{\"error\":{\"code\":\"x\"}}"))
        .isEqualTo(Verdict.of(Ending.ERROR_FRAME, "x"));
    assertThat(judge(answer("\"\"", "\"stop\"", USAGE)).detail()).isEqualTo("no content");
    assertThat(judge(answer("null", "\"stop\"", USAGE)).detail()).isEqualTo("no content");
    assertThat(judge(answer("\"hi\"", "null", USAGE)).detail()).isEqualTo("no finish_reason");
    assertThat(judge(answer("\"hi\"", "\"stop\"", "")).detail()).isEqualTo("no usage");
    assertThat(judge(answer("\"hi\"", "\"stop\"", USAGE.replace(":5", ":6"))).detail())
        .isEqualTo("usage does not add up");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "429 | {\"error\":{\"type\":\"rate_limit_error\",\"code\":\"queue_full\"}} | 429 queue_full",
        "500 | {\"error\":{\"type\":\"server_error\",\"code\":null}} | 500 server_error",
        "500 | {\"error\":{\"code\":{\"a\":1},\"type\":\"t\"}} | 500 t",
        "502 | <html>bad gateway</html> | 502",
        "404 | {\"detail\":\"Not Found\"} | 404",
        "503 | '' | 503"
      })
  void describesErrorsByStatusAndCode(int status, String body, String expected) {
    assertThat(AnswerChecker.describe(status, Streams.bytes(body))).isEqualTo(expected);
  }
}
