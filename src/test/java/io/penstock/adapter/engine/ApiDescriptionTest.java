package io.penstock.adapter.engine;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ApiDescriptionTest {
  private static final String PATHS =
      "\"paths\":{\"/v1/completions\":{\"post\":{\"requestBody\":{\"content\":{\"application/json\":"
          + "{\"schema\":{\"$ref\":\"#/components/schemas/CompletionRequest\"}}}}}},"
          + "\"/v1/chat/completions\":{\"post\":{\"parameters\":[{\"in\":\"query\"}],\"requestBody\":"
          + "{\"content\":{\"application/json\":"
          + "{\"schema\":{\"$ref\":\"#/components/schemas/ChatCompletionRequest\"}}}},\"responses\":"
          + "{\"422\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"}}}}}}";

  private static String schemas(String ofChat, String ofOthers) {
    return "\"components\":{\"schemas\":{\"CompletionRequest\":{\"properties\":{\"prompt\":{}"
        + ofOthers
        + "}},\"ChatCompletionRequest\":{\"additionalProperties\":true,\"properties\":"
        + "{\"messages\":{\"items\":[{\"anyOf\":[1,2]}]}"
        + ofChat
        + "},\"required\":[\"messages\"]}}}";
  }

  private static final String FIELD = ",\"continue_final_message\":{\"type\":\"boolean\"}";

  private static String page(String... members) {
    return "{\"openapi\":\"3.1.0\"," + String.join(",", members) + "}";
  }

  private static String read(String page) {
    return ApiDescription.continuesMessages(page.getBytes(UTF_8))
        .map(String::valueOf)
        .orElse("not told");
  }

  @Test
  void anEngineThatHasTheFieldCan() {
    assertThat(read(page(PATHS, schemas(FIELD, "")))).isEqualTo("true");
    assertThat(read(page(schemas(FIELD, ""), PATHS))).as("the other way round").isEqualTo("true");
  }

  @Test
  void anEngineThatDescribesItsChatWithoutItCanNot() {
    assertThat(read(page(PATHS, schemas("", "")))).isEqualTo("false");
    assertThat(read(page(PATHS, schemas("", FIELD)))).as("another request's").isEqualTo("false");
    assertThat(read(page(schemas(",\"x\":{\"properties\":{\"y\":1" + FIELD + "}}", ""), PATHS)))
        .as("a field of a field")
        .isEqualTo("false");
  }

  @Test
  void aSchemaMayStandInThePath() {
    String chat =
        "\"paths\":{\"/v1/chat/completions\":{\"post\":{\"requestBody\":{\"content\":{\"a\":{\"schema\":"
            + "{\"properties\":{\"messages\":{}%s}}}}}}}}";
    assertThat(read(page(chat.formatted(FIELD)))).isEqualTo("true");
    assertThat(read(page(chat.formatted("")))).isEqualTo("false");
  }

  @Test
  void whatIsNotDescribedIsNotKnown() {
    assertThat(read(page(schemas(FIELD, "")))).as("no chat path").isEqualTo("not told");
    assertThat(read(page("\"paths\":{\"/v1/chat/completions\":{\"post\":{}}}", schemas("", ""))))
        .as("an untyped body")
        .isEqualTo("not told");
    assertThat(read(page(PATHS))).as("a reference to nothing").isEqualTo("not told");
    for (String other : new String[] {"", "[]", "null", "<html>", "{\"paths\":", "{}", "[{}]"}) {
      assertThat(read(other)).as(other).isEqualTo("not told");
    }
  }
}
