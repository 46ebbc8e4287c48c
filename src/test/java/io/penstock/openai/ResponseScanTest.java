package io.penstock.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.TokenUsage;
import io.penstock.openai.ResponseScan.Kind;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ResponseScanTest {
  private static final String USAGE = "\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}";
  private static final String NUMBERS = "\"data\":[" + "0.125,".repeat(20_000) + "1]";

  private static ResponseScan scan(String body) {
    return ResponseScan.of(body.getBytes(UTF_8));
  }

  @Test
  void readsUsageOfSmallAndLargeBodies() {
    for (String data : new String[] {"\"a\":1", NUMBERS}) {
      for (String body :
          new String[] {
            "{" + data + "," + USAGE + "}",
            "{" + USAGE + "," + data + "}",
            "{" + data + " , " + USAGE + " ,\"kv\":null,\"b\":{\"c\":[]} } \n"
          }) {
        ResponseScan scan = scan(body);
        assertThat(scan.kind()).isEqualTo(Kind.RESULT);
        assertThat(scan.usage()).contains(new TokenUsage(7, 2, 0));
      }
    }
  }

  @Test
  void isNotTakenInByUsageElsewhere() {
    String deep = "\"a\":[{" + USAGE + "}]";
    String text = "\"a\":\"{," + USAGE.replace("\"", "\\\"") + "}\"";
    for (String data : new String[] {"\"x\":1", NUMBERS}) {
      for (String end : new String[] {deep, text, "\"a\":{" + USAGE + "}"}) {
        assertThat(scan("{" + data + "," + end + "}").usage()).isEmpty();
        assertThat(scan("{" + data + "," + USAGE + "," + end + "}").usage())
            .contains(new TokenUsage(7, 2, 0));
      }
    }
  }

  @Test
  void tellsResultsFromErrorsAndNonsense() {
    assertThat(scan("{\"error\":{\"message\":\"x\"}}").kind()).isEqualTo(Kind.ERROR);
    assertThat(scan("{\"error\":null,\"choices\":[]}").kind()).isEqualTo(Kind.RESULT);
    assertThat(scan("{\"choices\":[").kind()).isEqualTo(Kind.MALFORMED);
    assertThat(scan("{" + NUMBERS).kind()).isEqualTo(Kind.MALFORMED);
    assertThat(scan("<html>").kind()).isEqualTo(Kind.MALFORMED);
    assertThat(scan("").kind()).isEqualTo(Kind.MALFORMED);
    assertThat(scan("{\"choices\":[{\"message\":{}}]}").usage()).isEqualTo(Optional.empty());
  }
}
