package io.penstock.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.penstock.fault.Fault;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrorBodyTest {
  private static String text(byte[] body) {
    return new String(body, UTF_8);
  }

  @Test
  void writesTheErrorObject() {
    assertThat(text(ErrorBody.of(Fault.INVALID_VALUE, "n: \"0\"", "n")))
        .isEqualTo(
            "{\"error\":{\"message\":\"n: \\\"0\\\"\",\"type\":\"invalid_request_error\","
                + "\"param\":\"n\",\"code\":\"invalid_value\"}}");
    assertThat(text(ErrorBody.of(Fault.NO_REPLICA, "m", ""))).contains("\"param\":null");
  }

  @Test
  void writesItAsAnEvent() {
    assertThat(text(ErrorBody.frame(Fault.UPSTREAM_TRUNCATED, "a\nb", "")))
        .isEqualTo(
            "data: {\"error\":{\"message\":\"a\\nb\",\"type\":\"upstream_error\","
                + "\"param\":null,\"code\":\"upstream_truncated\"}}\n\n");
  }

  @Property
  void anyTextSurvives(@ForAll String message) {
    String valid = new String(message.getBytes(UTF_8), UTF_8); // lone surrogates have no UTF-8
    JsonNode error = RandomJson.tree(ErrorBody.of(Fault.INTERNAL, valid, valid)).get("error");
    assertThat(error.get("message").textValue()).isEqualTo(valid);
  }

  @Test
  void leavesAnOpenAiErrorAsItIs() {
    byte[] body =
        "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":\"c\"}}"
            .getBytes(UTF_8);
    assertThat(ErrorBody.reshape(400, body)).isSameAs(body);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      nullValues = "null",
      value = {
        // vLLM since 0.10, vLLM before and SGLang, llama.cpp, TGI, FastAPI twice, text, nothing
        "400 ~ {'error':{'message':'too long','type':'BadRequestError','param':'messages','code':400}}"
            + " ~ too long ~ BadRequestError ~ messages ~ null",
        "404 ~ {'object':'error','message':'no model','type':'NotFoundError','param':null,'code':404}"
            + " ~ no model ~ NotFoundError ~ null ~ null",
        "400 ~ {'error':{'code':17,'message':'bad','type':'invalid_request_error'}}"
            + " ~ bad ~ invalid_request_error ~ null ~ 17",
        "422 ~ {'error':'inputs too long','error_type':'validation'}"
            + " ~ inputs too long ~ validation ~ null ~ null",
        "404 ~ {'detail':'Not Found'} ~ Not Found ~ not_found_error ~ null ~ null",
        "422 ~ {'detail':[{'type':'missing','loc':['body','messages',0,'role'],'msg':'Field required'},"
            + "{'msg':'other'}]} ~ Field required ~ invalid_request_error ~ messages[0].role ~ null",
        "401 ~ {'message':'who are you'} ~ who are you ~ authentication_error ~ null ~ null",
        "400 ~ 'just a string' ~ just a string ~ invalid_request_error ~ null ~ null",
        "413 ~ Payload Too Large ~ Payload Too Large ~ invalid_request_error ~ null ~ null",
        "400 ~ {'error':{'message':'cut of"
            + " ~ {'error':{'message':'cut of ~ invalid_request_error ~ null ~ null",
        "403 ~ <html>Forbidden</html> ~ The engine answered with status 403 and gave no reason."
            + " ~ permission_error ~ null ~ null",
        "400 ~ {} ~ The engine answered with status 400 and gave no reason."
            + " ~ invalid_request_error ~ null ~ null",
        "400 ~ `` ~ The engine answered with status 400 and gave no reason."
            + " ~ invalid_request_error ~ null ~ null",
      })
  void reshapesWhatEnginesSay(
      int status, String body, String message, String type, String param, String code) {
    JsonNode error =
        RandomJson.tree(ErrorBody.reshape(status, body.replace('\'', '"').getBytes(UTF_8)))
            .get("error");
    assertThat(error.get("message").textValue()).isEqualTo(message.replace('\'', '"'));
    assertThat(error.get("type").textValue()).isEqualTo(type);
    assertThat(error.get("param").textValue()).isEqualTo(param);
    assertThat(error.get("code").textValue()).isEqualTo(code);
    assertThat(error.size()).isEqualTo(4);
  }

  @Test
  void boundsWhatItKeeps() {
    byte[] body = ("{\"detail\":\"" + "é".repeat(100_000) + "\"}").getBytes(UTF_8);
    assertThat(RandomJson.tree(ErrorBody.reshape(400, body)).at("/error/message").textValue())
        .hasSize(4096 + 1);
    assertThat(ErrorBody.reshape(400, "x".repeat(100_000).getBytes(UTF_8)).length).isLessThan(5000);
  }
}
