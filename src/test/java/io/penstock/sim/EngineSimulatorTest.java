package io.penstock.sim;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EngineSimulatorTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String COMPLETIONS = "/v1/completions";
  private static Vertx vertx;

  private final SimConfig config = SimConfig.instant().withModel("m").withReplicas(2);
  private EngineSimulator sim;
  private int port;

  @BeforeAll
  static void open() {
    vertx = Vertx.vertx();
  }

  @AfterAll
  static void close() throws Exception {
    vertx.close().toCompletionStage().toCompletableFuture().get(60, SECONDS);
  }

  @BeforeEach
  void start() throws Exception {
    sim = start(config);
    port = sim.ports().get(0);
  }

  private static EngineSimulator start(SimConfig config) throws Exception {
    return EngineSimulator.start(vertx, config)
        .toCompletionStage()
        .toCompletableFuture()
        .get(60, SECONDS);
  }

  @AfterEach
  void stop() throws Exception {
    sim.stop().toCompletionStage().toCompletableFuture().get(60, SECONDS);
  }

  private static String chat(String rest) {
    return "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Grüße\"}]" + rest + "}";
  }

  private static ObjectNode json(String text) {
    return Json.object(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String content(List<String> frames) {
    StringBuilder text = new StringBuilder();
    for (String frame : frames) {
      if (!frame.equals("[DONE]")) {
        JsonNode choice = json(frame).path("choices").path(0);
        text.append(choice.path("delta").path("content").asText(choice.path("text").asText()));
      }
    }
    return text.toString();
  }

  private SimStats stats(int replica) throws Exception {
    return sim.stats(replica).toCompletionStage().toCompletableFuture().get(60, SECONDS);
  }

  /** Polls, because the engine hears of a closed socket when the kernel says so. */
  private SimStats statsWhen(Predicate<SimStats> wanted) throws Exception {
    long deadline = System.nanoTime() + SECONDS.toNanos(60);
    SimStats seen = stats(0);
    while (!wanted.test(seen) && System.nanoTime() < deadline) {
      seen = stats(0);
    }
    assertThat(seen).matches(wanted);
    return seen;
  }

  // Endpoints.

  @Test
  void describesItsApiAsFarAsItIsAsked() throws Exception {
    String field = "/components/schemas/ChatCompletionRequest/properties/continue_final_message";
    assertThat(json(RawClient.get(port, "/openapi.json").body()).at(field).isObject()).isTrue();
    EngineSimulator old = start(config.withContinuation(SimConfig.Continuation.IGNORED));
    assertThat(json(RawClient.get(old.ports().get(0), "/openapi.json").body()).at(field).isObject())
        .isFalse();
    old.stop();
  }

  @Test
  void canBeAnEngineThatDoesNotContinue() throws Exception {
    String begun =
        "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"},"
            + "{\"role\":\"assistant\",\"content\":\"so\"}]";
    String asked = begun + ",\"continue_final_message\":true,\"add_generation_prompt\":false}";
    EngineSimulator refusing = start(config.withContinuation(SimConfig.Continuation.REFUSED));
    assertThat(RawClient.post(refusing.ports().get(0), CHAT, asked).status()).isEqualTo(400);
    assertThat(RawClient.post(refusing.ports().get(0), CHAT, begun + "}").status()).isEqualTo(200);
    refusing.stop();
    EngineSimulator ignoring = start(config.withContinuation(SimConfig.Continuation.IGNORED));
    String plain =
        json(RawClient.post(port, CHAT, begun + "}").body())
            .at("/choices/0/message/content")
            .asText();
    assertThat(
            json(RawClient.post(ignoring.ports().get(0), CHAT, asked).body())
                .at("/choices/0/message/content")
                .asText())
        .as("as if the field were not there")
        .isEqualTo(plain);
    ignoring.stop();
  }

  @Test
  void answersAChatInOnePiece() throws Exception {
    String body = chat(",\"max_tokens\":40");
    RawClient.Answer answer = RawClient.post(port, CHAT, body);
    assertThat(answer.status()).isEqualTo(200);
    JsonNode json = json(answer.body());
    assertThat(json.at("/object").asText()).isEqualTo("chat.completion");
    assertThat(json.at("/choices/0/message/role").asText()).isEqualTo("assistant");
    assertThat(json.at("/choices/0/message/content").asText())
        .isEqualTo(SimText.expected(config, CHAT, body, 0))
        .isNotEmpty();
    assertThat(json.at("/choices/0/finish_reason").asText()).isEqualTo("length");
    assertThat(json.at("/usage/completion_tokens").asInt()).isEqualTo(40);
    assertThat(json.at("/usage/total_tokens").asInt())
        .isEqualTo(40 + json.at("/usage/prompt_tokens").asInt());
  }

  @Test
  void streamsAChatFrameByFrame() throws Exception {
    String body =
        chat(",\"stream\":true,\"max_tokens\":300,\"stream_options\":{\"include_usage\":true}");
    RawClient.Answer answer = RawClient.post(port, CHAT, body);
    assertThat(answer.head()).contains("text/event-stream");
    List<String> frames = answer.frames();
    // Role, 300 tokens, usage, [DONE].
    assertThat(frames).hasSize(303);
    assertThat(json(frames.get(0)).at("/choices/0/delta/role").asText()).isEqualTo("assistant");
    assertThat(content(frames)).isEqualTo(SimText.expected(config, CHAT, body, 0));
    assertThat(json(frames.get(300)).at("/choices/0/finish_reason").asText()).isEqualTo("length");
    assertThat(json(frames.get(301)).at("/choices")).isEmpty();
    assertThat(json(frames.get(301)).at("/usage/completion_tokens").asInt()).isEqualTo(300);
    assertThat(frames.get(302)).isEqualTo("[DONE]");
    assertThat(answer.end()).isEqualTo(RawClient.End.COMPLETE);
    assertThat(frames.subList(0, 302).stream().map(each -> json(each).get("id")).distinct())
        .hasSize(1);
  }

  @Test
  void continuousUsageCountsUp() throws Exception {
    String body =
        chat(
            ",\"stream\":true,\"max_tokens\":5,\"stream_options\":"
                + "{\"include_usage\":true,\"continuous_usage_stats\":true}");
    List<String> frames = RawClient.post(port, CHAT, body).frames();
    List<Integer> counts = new ArrayList<>();
    for (String frame : frames.subList(0, frames.size() - 1)) {
      counts.add(json(frame).at("/usage/completion_tokens").asInt(-1));
    }
    assertThat(counts).containsExactly(0, 1, 2, 3, 4, 5, 5);
  }

  @Test
  void aChatWithoutALimitEndsOfItself() throws Exception {
    JsonNode json = json(RawClient.post(port, CHAT, chat("")).body());
    assertThat(json.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
    assertThat(json.at("/choices/0/message/content").asText()).isNotEmpty();
  }

  @Test
  void severalChoicesDiffer() throws Exception {
    String body = chat(",\"n\":3,\"max_tokens\":10");
    JsonNode json = json(RawClient.post(port, CHAT, body).body());
    for (int i = 0; i < 3; i++) {
      assertThat(json.at("/choices/" + i + "/message/content").asText())
          .isEqualTo(SimText.expected(config, CHAT, body, i));
    }
    assertThat(SimText.expected(config, CHAT, body, 0))
        .isNotEqualTo(SimText.expected(config, CHAT, body, 1));
    assertThat(json.at("/usage/completion_tokens").asInt()).isEqualTo(30);
    String streamed = chat(",\"n\":3,\"max_tokens\":10,\"stream\":true");
    List<String> frames = RawClient.post(port, CHAT, streamed).frames();
    List<String> second =
        frames.stream()
            .filter(each -> each.startsWith("{") && json(each).at("/choices/0/index").asInt() == 1)
            .toList();
    assertThat(content(second)).isEqualTo(SimText.expected(config, CHAT, body, 1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"one\"", "[\"one\",\"two\"]", "[1,2,3]", "[[1,2],[3]]"})
  void completesPromptsOfEveryForm(String prompt) throws Exception {
    String body = "{\"model\":\"m\",\"prompt\":" + prompt + "}";
    JsonNode json = json(RawClient.post(port, COMPLETIONS, body).body());
    assertThat(json.at("/object").asText()).isEqualTo("text_completion");
    for (int i = 0; i < json.at("/choices").size(); i++) {
      assertThat(json.at("/choices/" + i + "/text").asText())
          .isEqualTo(SimText.expected(config, COMPLETIONS, body, i))
          .isNotEmpty();
    }
    String streamed = "{\"model\":\"m\",\"stream\":true,\"prompt\":" + prompt + "}";
    assertThat(RawClient.post(port, COMPLETIONS, streamed).frames())
        .hasSize(16 * json.at("/choices").size() + 1);
  }

  @Test
  void embedsAsFloatsAndAsBase64() throws Exception {
    String input = "\"input\":[\"a\",\"b\",\"a\"],\"dimensions\":8";
    JsonNode floats =
        json(RawClient.post(port, "/v1/embeddings", "{\"model\":\"m\"," + input + "}").body());
    assertThat(floats.at("/data")).hasSize(3);
    assertThat(floats.at("/data/0/embedding")).isEqualTo(floats.at("/data/2/embedding"));
    assertThat(floats.at("/data/0/embedding")).isNotEqualTo(floats.at("/data/1/embedding"));
    double squares = 0;
    for (JsonNode each : floats.at("/data/0/embedding")) {
      squares += each.asDouble() * each.asDouble();
    }
    assertThat(squares).isBetween(0.9999, 1.0001);
    String asBase64 = "{\"model\":\"m\",\"encoding_format\":\"base64\"," + input + "}";
    JsonNode encoded = json(RawClient.post(port, "/v1/embeddings", asBase64).body());
    ByteBuffer bytes =
        ByteBuffer.wrap(Base64.getDecoder().decode(encoded.at("/data/1/embedding").asText()))
            .order(ByteOrder.LITTLE_ENDIAN);
    assertThat(bytes.remaining()).isEqualTo(32);
    assertThat(bytes.getFloat()).isEqualTo((float) floats.at("/data/1/embedding/0").asDouble());
    assertThat(encoded.at("/usage/prompt_tokens").asInt()).isEqualTo(3);
  }

  @Test
  void callsAToolWhenAskedTo() throws Exception {
    String tools =
        ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"parameters\":"
            + "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"},\"days\":"
            + "{\"type\":\"integer\",\"minimum\":2}},\"required\":[\"city\",\"days\"]}}}]";
    String body = chat(tools + ",\"tool_choice\":\"required\"");
    JsonNode json = json(RawClient.post(port, CHAT, body).body());
    assertThat(json.at("/choices/0/finish_reason").asText()).isEqualTo("tool_calls");
    JsonNode call = json.at("/choices/0/message/tool_calls/0");
    assertThat(call.at("/function/name").asText()).isEqualTo("get_weather");
    assertThat(json(call.at("/function/arguments").asText()))
        .isEqualTo(json("{\"city\":\"word\",\"days\":2}"));

    StringBuilder arguments = new StringBuilder();
    List<String> frames =
        RawClient.post(port, CHAT, chat(tools + ",\"tool_choice\":\"required\",\"stream\":true"))
            .frames();
    assertThat(json(frames.get(1)).at("/choices/0/delta/tool_calls/0/function/name").asText())
        .isEqualTo("get_weather");
    for (String frame : frames.subList(1, frames.size() - 1)) {
      arguments.append(json(frame).at("/choices/0/delta/tool_calls/0/function/arguments").asText());
    }
    assertThat(arguments.toString()).isEqualTo(call.at("/function/arguments").asText());
    assertThat(RawClient.post(port, CHAT, chat(tools)).body()).contains("\"content\":\"");
    String mentions = chat(tools).replace("Grüße", "use get_weather, please");
    assertThat(RawClient.post(port, CHAT, mentions).body()).contains("\"tool_calls\":[");
  }

  @Test
  void obeysAJsonSchema() throws Exception {
    String format =
        ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":"
            + "{\"$defs\":{\"c\":{\"enum\":[\"red\"]}},\"type\":\"object\",\"required\":[\"c\",\"l\"],"
            + "\"properties\":{\"c\":{\"$ref\":\"#/$defs/c\"},\"l\":{\"type\":\"array\","
            + "\"minItems\":2,\"items\":{\"type\":\"number\"}}}}}}";
    JsonNode json = json(RawClient.post(port, CHAT, chat(format)).body());
    assertThat(json(json.at("/choices/0/message/content").asText()))
        .isEqualTo(json("{\"c\":\"red\",\"l\":[0.0,0.0]}"));
    String plain = chat(",\"response_format\":{\"type\":\"json_object\"}");
    JsonNode object = json(RawClient.post(port, CHAT, plain).body());
    assertThat(json(object.at("/choices/0/message/content").asText())).isNotEmpty();
  }

  @Test
  void stopsBeforeAStopString() throws Exception {
    String whole = SimText.expected(config, CHAT, chat(",\"max_tokens\":50"), 0);
    String stop = whole.substring(40, 46);
    String body =
        Json.newObject()
            .put("model", "m")
            .put("max_tokens", 50)
            .put("stop", stop)
            .set("messages", json(chat("")).get("messages"))
            .toString();
    JsonNode json = json(RawClient.post(port, CHAT, body).body());
    assertThat(json.at("/choices/0/message/content").asText())
        .isEqualTo(whole.substring(0, whole.indexOf(stop)));
    assertThat(json.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
  }

  @Test
  void logprobsComeWithEachToken() throws Exception {
    String body = chat(",\"logprobs\":true,\"max_tokens\":3");
    JsonNode json = json(RawClient.post(port, CHAT, body).body());
    assertThat(json.at("/choices/0/logprobs/content")).hasSize(3);
    String streamed = chat(",\"logprobs\":true,\"max_tokens\":3,\"stream\":true");
    List<String> frames = RawClient.post(port, CHAT, streamed).frames();
    assertThat(json(frames.get(1)).at("/choices/0/logprobs/content/0/token").asText())
        .isEqualTo(json.at("/choices/0/logprobs/content/0/token").asText());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 30, 59})
  void anotherReplicaContinuesTheSameText(int relayed) throws Exception {
    String body = chat(",\"max_tokens\":60");
    String whole = SimText.expected(config, CHAT, body, 0);
    String first = SimText.expected(config, CHAT, chat(",\"max_tokens\":" + relayed), 0);
    assertThat(whole).startsWith(first);
    ObjectNode resumed = json(body);
    resumed.withArray("messages").addObject().put("role", "assistant").put("content", first);
    resumed.put("continue_final_message", true).put("add_generation_prompt", false);
    resumed.put("max_tokens", 60 - relayed).put("stream", true);
    RawClient.Answer rest = RawClient.post(sim.ports().get(1), CHAT, resumed.toString());
    assertThat(first + content(rest.frames())).isEqualTo(whole);

    String prompt = "{\"model\":\"m\",\"prompt\":\"Once\",\"max_tokens\":60}";
    String all = SimText.expected(config, COMPLETIONS, prompt, 0);
    String head =
        SimText.expected(
            config, COMPLETIONS, json(prompt).put("max_tokens", relayed).toString(), 0);
    String tail =
        json(prompt).put("prompt", "Once" + head).put("max_tokens", 60 - relayed).toString();
    assertThat(head + SimText.expected(config, COMPLETIONS, tail, 0)).isEqualTo(all);
  }

  @Test
  void listsItsModelAndItsMetrics() throws Exception {
    RawClient.post(port, CHAT, chat(",\"max_tokens\":7"));
    JsonNode models = json(RawClient.get(port, "/v1/models").body());
    assertThat(models.at("/data/0/id").asText()).isEqualTo("m");
    assertThat(RawClient.get(port, "/v1/models/m").status()).isEqualTo(200);
    assertThat(RawClient.get(port, "/v1/models/other").status()).isEqualTo(404);
    assertThat(RawClient.get(port, "/health").status()).isEqualTo(200);
    assertThat(RawClient.get(port, "/version").body()).contains("version");
    assertThat(RawClient.get(port, "/metrics").body())
        .contains("vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 0.0")
        .contains("vllm:num_requests_waiting{engine=\"0\",model_name=\"m\"} 0.0")
        .contains("vllm:kv_cache_usage_perc{engine=\"0\",model_name=\"m\"} 0.0")
        .contains("vllm:generation_tokens_total{engine=\"0\",model_name=\"m\"} 7.0")
        .contains("vllm:prefix_cache_queries_total")
        .contains("vllm:prefix_cache_hits_total")
        .contains("vllm:prompt_tokens_total")
        .contains(
            "vllm:request_success_total{engine=\"0\",model_name=\"m\",finished_reason=\"length\"}"
                + " 1.0");
    assertThat(json(RawClient.get(port, "/sim/stats").body()).get("finished").asInt()).isOne();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "/v1/chat/completions|{|400|invalid_json|",
        "/v1/chat/completions|[]|400|invalid_json|",
        "/v1/chat/completions|{\"model\":\"m\"}|400|missing_field|messages",
        "/v1/chat/completions|{\"messages\":[{\"role\":\"user\"}]}|400|missing_field|model",
        "/v1/chat/completions|{\"model\":\"m\",\"messages\":[]}|400|invalid_value|messages",
        "/v1/chat/completions|{\"model\":\"m\",\"messages\":[{}]}|400|invalid_value|messages[0].role",
        "/v1/chat/completions|{\"model\":\"x\",\"messages\":[{\"role\":\"user\"}]}|404|model_not_found|model",
        "/v1/chat/completions|{\"model\":\"m\",\"max_tokens\":0,\"messages\":[{\"role\":\"user\"}]}|400|invalid_value|max_tokens",
        "/v1/chat/completions|{\"model\":\"m\",\"max_tokens\":9999999,\"messages\":[{\"role\":\"user\"}]}|400|context_length_exceeded|messages",
        "/v1/chat/completions|{\"model\":\"m\",\"n\":999,\"messages\":[{\"role\":\"user\"}]}|400|invalid_value|n",
        "/v1/chat/completions|{\"model\":\"m\",\"stream\":1,\"messages\":[{\"role\":\"user\"}]}|400|invalid_value|stream",
        "/v1/chat/completions|{\"model\":\"m\",\"tool_choice\":\"required\",\"messages\":[{\"role\":\"user\"}]}|400|invalid_value|tool_choice",
        "/v1/chat/completions|{\"model\":\"m\",\"sim_fault\":\"rest\",\"messages\":[{\"role\":\"user\"}]}|400|invalid_value|sim_fault",
        "/v1/completions|{\"model\":\"m\",\"prompt\":\"\"}|400|invalid_value|prompt",
        "/v1/completions|{\"model\":\"m\",\"prompt\":[\"a\",\"\"]}|400|invalid_value|prompt[1]",
        "/v1/embeddings|{\"model\":\"m\",\"input\":[\"a\",\"\"]}|400|invalid_value|input[1]",
        "/v1/embeddings|{\"model\":\"m\",\"input\":\"a\",\"encoding_format\":\"x\"}|400|invalid_value|encoding_format",
        "/v1/nothing|{}|404|unknown_path|",
      })
  void tellsWhatIsWrong(String path, String body, int status, String code, String param)
      throws Exception {
    RawClient.Answer answer = RawClient.post(port, path, body);
    assertThat(answer.status()).isEqualTo(status);
    JsonNode error = json(answer.body()).get("error");
    assertThat(error.path("code").asText()).isEqualTo(code);
    assertThat(error.path("param").asText("")).isEqualTo(param == null ? "" : param);
    assertThat(error.path("message").asText()).isNotEmpty();
  }

  @Test
  void saysThatItIsLoading() throws Exception {
    EngineSimulator loading = start(config.withStartupDelay(Duration.ofMinutes(5)));
    int loadingPort = loading.ports().get(0);
    assertThat(RawClient.get(loadingPort, "/health").status()).isEqualTo(503);
    RawClient.Answer refused = RawClient.post(loadingPort, CHAT, chat(""));
    assertThat(refused.status()).isEqualTo(503);
    assertThat(refused.head()).containsIgnoringCase("retry-after: 1");
    loading.stop().toCompletionStage().toCompletableFuture().get(60, SECONDS);
  }

  @Test
  void aPortThatIsTakenIsNamed() {
    assertThatThrownBy(() -> start(config.withReplicas(1).withBasePort(port)))
        .hasMessageContaining("port: 127.0.0.1:" + port + " can not be opened");
  }

  // Time, cancellation, back-pressure.

  @Test
  void keepsItsPaceAndItsLimitOfSequences() throws Exception {
    SimProfile paced = SimProfile.of("instant").withFixedStep(50_000); // while all four are sent
    EngineSimulator slow = start(config.withProfile(paced).withMaxNumSeqs(2));
    int slowPort = slow.ports().get(0);
    String body = chat(",\"stream\":true,\"max_tokens\":40");
    List<RawClient> clients = new ArrayList<>();
    long start = System.nanoTime();
    for (int i = 0; i < 4; i++) {
      RawClient client = new RawClient(slowPort);
      client.send("POST", CHAT, body);
      clients.add(client);
    }
    for (RawClient client : clients) {
      assertThat(client.read().frames()).hasSize(42);
      client.close();
    }
    // Two batches of 40 steps of 50 ms; late only by what the machine is late.
    assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(4_000_000_000L);
    SimStats seen = slow.stats(0).toCompletionStage().toCompletableFuture().get(60, SECONDS);
    assertThat(seen.peakRunningSequences()).isEqualTo(2);
    assertThat(seen.peakInFlight()).isEqualTo(4);
    assertThat(seen.finished()).isEqualTo(4);
    slow.stop().toCompletionStage().toCompletableFuture().get(60, SECONDS);
  }

  @ParameterizedTest
  @ValueSource(strings = {"instant", "h100-llama-3.1-8b-static"})
  void promptsOfOneCallSayWhatEachSaysAlone(String profile) throws Exception {
    EngineSimulator engine = start(config.withProfile(SimProfile.of(profile)));
    int at = engine.ports().get(0);
    List<String> prompts = List.of("one", "two of them", "three, and the longest by far");
    String array =
        "{\"model\":\"m\",\"max_tokens\":12,\"prompt\":[\"" + String.join("\",\"", prompts) + "\"]";
    JsonNode whole = json(RawClient.post(at, COMPLETIONS, array + "}").body());
    List<String> streamed = new ArrayList<>(List.of("", "", ""));
    List<Integer> order = new ArrayList<>();
    for (String frame : RawClient.post(at, COMPLETIONS, array + ",\"stream\":true}").frames()) {
      if (!frame.equals("[DONE]")) {
        JsonNode choice = json(frame).at("/choices/0");
        int index = choice.get("index").asInt();
        order.add(index);
        streamed.set(index, streamed.get(index) + choice.get("text").asText());
      }
    }
    assertThat(order).hasSize(36).startsWith(0, 1, 2, 0);
    for (int i = 0; i < 3; i++) {
      String alone = array.substring(0, array.indexOf('[')) + "\"" + prompts.get(i) + "\"}";
      String expected =
          json(RawClient.post(at, COMPLETIONS, alone).body()).at("/choices/0/text").asText();
      assertThat(whole.at("/choices/" + i + "/text").asText()).isEqualTo(expected);
      assertThat(streamed.get(i)).isEqualTo(expected);
    }
    assertThat(whole.at("/usage/completion_tokens").asInt()).isEqualTo(36);
    engine.stop().toCompletionStage().toCompletableFuture().get(60, SECONDS);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aClientThatLeavesStopsTheGeneration(boolean stream) throws Exception {
    stop();
    sim = start(config.withProfile(SimProfile.of("instant").withFixedStep(2_000)));
    port = sim.ports().get(0);
    long before = System.nanoTime();
    try (RawClient client = new RawClient(port)) {
      client.send("POST", CHAT, chat(",\"max_tokens\":100000,\"stream\":" + stream));
      if (stream) {
        client.readUntil("\"content\":\"\"");
      }
      statsWhen(seen -> seen.runningSequences() == 1 && seen.generatedTokens() > 0);
    }
    SimStats gone = statsWhen(seen -> seen.cancelled() == 1);
    assertThat(gone.runningSequences()).isZero();
    assertThat(gone.inFlight()).isZero();
    assertThat(gone.kvUsage()).isZero();
    assertThat(gone.wastedTokens()).isEqualTo(gone.generatedTokens());
    assertThat(gone.lastCancelNanos()).isGreaterThan(before);
    assertThat(gone.lastCancelEpochMillis()).isPositive();
  }

  @Test
  void aSlowReaderHoldsBackOnlyItself() throws Exception {
    try (RawClient slow = new RawClient(port, 4096)) {
      slow.send("POST", CHAT, chat(",\"stream\":true,\"max_tokens\":60000"));
      statsWhen(seen -> seen.generatedTokens() == 60_000);
      // Generated at once, yet the exchange is open: its frames are not rendered before their time.
      assertThat(stats(0).inFlight()).isEqualTo(1);
      RawClient.Answer other = RawClient.post(port, CHAT, chat(",\"max_tokens\":10"));
      assertThat(other.status()).isEqualTo(200);
      assertThat(slow.read().frames()).hasSize(60_002);
    }
    statsWhen(seen -> seen.finished() == 2);
  }

  @Test
  void sharesPrefixesBetweenRequests() throws Exception {
    String prompt = "water ".repeat(200);
    String body = "{\"model\":\"m\",\"prompt\":\"" + prompt + "\"}";
    RawClient.post(port, COMPLETIONS, body);
    JsonNode usage = json(RawClient.post(port, COMPLETIONS, body).body()).get("usage");
    assertThat(usage.get("prompt_tokens").asInt()).isEqualTo(300);
    assertThat(usage.at("/prompt_tokens_details/cached_tokens").asInt()).isEqualTo(288);
    assertThat(stats(0).prefixHitTokens()).isEqualTo(288);
  }

  // Faults.

  private RawClient.Answer faulty(String fault, String rest) throws IOException {
    return RawClient.post(port, CHAT, chat(rest), "x-sim-fault: " + fault);
  }

  private static final String STREAM_10 = ",\"stream\":true,\"max_tokens\":10";

  @ParameterizedTest
  @CsvSource({"0,0", "1,1", "5,5", "10,10", "11,11", "all,11"})
  void resetsAfterSoManyFrames(String after, int frames) throws Exception {
    RawClient.Answer answer = faulty("reset;after=" + after, STREAM_10);
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.frames()).hasSize(frames).doesNotContain("[DONE]");
    assertThat(answer.end()).isEqualTo(RawClient.End.RESET);
    assertThat(stats(0).faulted()).isEqualTo(1);
  }

  @Test
  void resetsBeforeAnyByte() throws Exception {
    RawClient.Answer answer = faulty("reset;after=before_headers", STREAM_10);
    assertThat(answer.head()).isEmpty();
    assertThat(answer.end()).isEqualTo(RawClient.End.RESET);
  }

  @Test
  void endsProperlyButEarly() throws Exception {
    RawClient.Answer answer = faulty("eof;after=4", STREAM_10);
    assertThat(answer.frames()).hasSize(4);
    assertThat(answer.end()).isEqualTo(RawClient.End.COMPLETE);
  }

  @Test
  void saysNothing() throws Exception {
    try (RawClient client = new RawClient(port)) {
      client.timeoutMillis(150).send("POST", CHAT, chat(""), "x-sim-fault: silent");
      RawClient.Answer answer = client.read();
      assertThat(answer.head()).isEmpty();
      assertThat(answer.end()).isEqualTo(RawClient.End.TIMEOUT);
      statsWhen(seen -> seen.inFlight() == 1);
    }
    statsWhen(seen -> seen.cancelled() == 1 && seen.inFlight() == 0);
  }

  @Test
  void sendsHeadersAndNothingElse() throws Exception {
    try (RawClient client = new RawClient(port)) {
      client.timeoutMillis(3_000).send("POST", CHAT, chat(STREAM_10), "x-sim-fault: headers_only");
      RawClient.Answer answer = client.read();
      assertThat(answer.status()).isEqualTo(200);
      assertThat(answer.body()).isEmpty();
      assertThat(answer.end()).isEqualTo(RawClient.End.TIMEOUT);
    }
  }

  @Test
  void standsStillThenGoesOn() throws Exception {
    long start = System.nanoTime();
    RawClient.Answer answer = faulty("stall;after=3;ms=200", STREAM_10);
    assertThat(System.nanoTime() - start).isGreaterThan(200_000_000L);
    assertThat(answer.frames()).hasSize(12).endsWith("[DONE]");
  }

  @Test
  void putsABrokenFrameBetweenTheGood() throws Exception {
    List<String> frames = faulty("malformed;after=3", STREAM_10).frames();
    assertThat(frames).hasSize(13);
    assertThatThrownBy(() -> json(frames.get(3))).isInstanceOf(Rejection.class);
  }

  @Test
  void splitsAtEveryByte() throws Exception {
    RawClient.Answer answer = faulty("split", STREAM_10);
    assertThat(answer.chunkSizes()).hasSizeGreaterThan(1000).allMatch(size -> size == 1);
    assertThat(content(answer.frames()))
        .isEqualTo(SimText.expected(config, CHAT, chat(STREAM_10), 0));
    assertThat(answer.frames()).endsWith("[DONE]");
    assertThat(json(faulty("split", "").body()).at("/choices/0/message/content").asText())
        .isNotEmpty();
  }

  @Test
  void sendsAFrameOfAMegabyte() throws Exception {
    RawClient.Answer answer = faulty("huge;after=2", STREAM_10);
    assertThat(answer.frames()).hasSize(13);
    assertThat(answer.frames().get(2).length() + "data: \n\n".length()).isEqualTo(1 << 20);
    assertThat(content(answer.frames()))
        .isEqualTo(SimText.expected(config, CHAT, chat(STREAM_10), 0));
  }

  @Test
  void tellsAnErrorInsideTheStream() throws Exception {
    List<String> frames = faulty("error;after=2", STREAM_10).frames();
    assertThat(frames).hasSize(4).endsWith("[DONE]");
    assertThat(json(frames.get(2)).at("/error/message").asText()).isNotEmpty();
  }

  @ParameterizedTest
  @CsvSource({"500,0", "502,0", "503,7", "429,3"})
  void answersWithAStatus(int status, int retryAfter) throws Exception {
    RawClient.Answer answer =
        faulty("status;status=" + status + ";retry_after=" + retryAfter, STREAM_10);
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.head().contains("retry-after: " + retryAfter)).isEqualTo(retryAfter > 0);
    assertThat(json(answer.body()).has("error")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {STREAM_10, ""})
  void dripsItsHeaders(String rest) throws Exception {
    long start = System.nanoTime();
    RawClient.Answer answer = faulty("slow_headers;ms=1", rest);
    assertThat(System.nanoTime() - start).isGreaterThan(answer.head().length() * 1_000_000L);
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.end()).isEqualTo(RawClient.End.COMPLETE);
    assertThat(stats(0).finished()).isEqualTo(1);
    if (!rest.isEmpty()) {
      assertThat(answer.frames()).hasSize(12).endsWith("[DONE]");
    }
  }

  @Test
  void isSlowForOneRequestOrForAll() throws Exception {
    EngineSimulator paced =
        start(config.withProfile(SimProfile.of("instant").withFixedStep(2_000)));
    int pacedPort = paced.ports().get(0);
    String body = chat(",\"stream\":true,\"max_tokens\":10");
    long start = System.nanoTime();
    assertThat(RawClient.post(pacedPort, CHAT, body, "x-sim-fault: slow;factor=10").frames())
        .hasSize(12);
    assertThat(System.nanoTime() - start).isGreaterThan(200_000_000L);
    paced
        .arm(0, SimFault.of(SimFault.Kind.SLOW), 1, 0)
        .toCompletionStage()
        .toCompletableFuture()
        .get(60, SECONDS);
    long again = System.nanoTime();
    RawClient.post(pacedPort, CHAT, body);
    assertThat(System.nanoTime() - again).isGreaterThan(200_000_000L);
    paced.stop().toCompletionStage().toCompletableFuture().get(60, SECONDS);
  }

  @Test
  void breaksAnswersThatAreNoStream() throws Exception {
    assertThat(faulty("reset", "").end()).isEqualTo(RawClient.End.RESET);
    assertThat(faulty("eof", "").end()).isEqualTo(RawClient.End.EOF);
    assertThatThrownBy(() -> json(faulty("malformed", "").body())).isInstanceOf(Rejection.class);
    assertThat(json(faulty("error", "").body()).has("error")).isTrue();
    assertThat(faulty("huge", "").body()).hasSizeGreaterThan(1 << 20);
    RawClient.Answer embedding =
        RawClient.post(
            port,
            "/v1/embeddings",
            "{\"model\":\"m\",\"input\":\"a\",\"sim_fault\":\"status;status=502\"}");
    assertThat(embedding.status()).isEqualTo(502);
  }

  @Test
  void aFaultInTheBodyStrikesOnceAmongAllReplicas() throws Exception {
    String body = chat(STREAM_10 + ",\"sim_fault\":\"reset;after=1;once=" + port + "\"");
    assertThat(RawClient.post(port, CHAT, body).end()).isEqualTo(RawClient.End.RESET);
    assertThat(RawClient.post(sim.ports().get(1), CHAT, body).frames()).endsWith("[DONE]");
    assertThat(RawClient.post(port, CHAT, body).frames()).endsWith("[DONE]");
  }

  @Test
  void faultsAreArmedByTheAdminEndpoint() throws Exception {
    String twice = "{\"kind\":\"status\",\"status\":503,\"retry_after\":2,\"count\":2}";
    assertThat(RawClient.post(port, "/sim/faults", twice).status()).isEqualTo(200);
    assertThat(RawClient.get(port, "/sim/faults").body()).contains("\"left\":2");
    assertThat(RawClient.post(port, CHAT, chat("")).status()).isEqualTo(503);
    assertThat(RawClient.post(port, CHAT, chat("")).status()).isEqualTo(503);
    assertThat(RawClient.post(port, CHAT, chat("")).status()).isEqualTo(200);
    RawClient.post(port, "/sim/faults", "{\"kind\":\"error\",\"rate\":0.5}");
    int struck = 0;
    for (int i = 0; i < 100; i++) {
      struck += RawClient.post(port, CHAT, chat("")).body().contains("\"error\"") ? 1 : 0;
    }
    assertThat(struck).isBetween(20, 80);
    RawClient.post(port, "/sim/faults", "{\"clear\":true}");
    assertThat(RawClient.get(port, "/sim/faults").body()).contains("\"armed\":[]");
    assertThat(RawClient.post(port, "/sim/faults", "{\"kind\":\"x\"}").body())
        .contains("kind: 'x' (expected: one of refused, silent");
    assertThat(RawClient.post(port, "/sim/faults", "{\"kind\":\"error\",\"rate\":2}").status())
        .isEqualTo(400);
  }

  @Test
  void healthFailsOnDemand() throws Exception {
    RawClient.post(port, "/sim/faults", "{\"kind\":\"unhealthy\",\"status\":500}");
    assertThat(RawClient.get(port, "/health").status()).isEqualTo(500);
    assertThat(RawClient.post(port, CHAT, chat("")).status()).isEqualTo(200);
    sim.clearFaults(0).toCompletionStage().toCompletableFuture().get(60, SECONDS);
    assertThat(RawClient.get(port, "/health").status()).isEqualTo(200);
  }

  @Test
  void isKilledWithLiveStreamsAndReturns() throws Exception {
    stop();
    sim = start(config.withProfile(SimProfile.of("instant").withFixedStep(2_000)));
    port = sim.ports().get(0);
    List<RawClient> clients = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      RawClient client = new RawClient(port);
      client.send("POST", CHAT, chat(",\"stream\":true,\"max_tokens\":100000"));
      client.readUntil("\"content\":\"\"");
      clients.add(client);
    }
    sim.kill(0).toCompletionStage().toCompletableFuture().get(60, SECONDS);
    for (RawClient client : clients) {
      assertThat(drain(client)).isEqualTo(RawClient.End.RESET);
      client.close();
    }
    assertThatThrownBy(() -> RawClient.get(port, "/health")).isInstanceOf(ConnectException.class);
    assertThat(stats(0).faulted()).isEqualTo(20);
    assertThat(stats(0).inFlight()).isZero();
    sim.revive(0).toCompletionStage().toCompletableFuture().get(60, SECONDS);
    assertThat(RawClient.post(port, CHAT, chat(",\"max_tokens\":2")).status()).isEqualTo(200);
  }

  @Test
  void isKilledByTheAdminEndpointForAWhile() throws Exception {
    RawClient.Answer set = RawClient.post(port, "/sim/faults", "{\"kind\":\"killed\",\"ms\":3000}");
    assertThat(set.status()).isEqualTo(200);
    boolean refused = false;
    boolean back = false;
    long deadline = System.nanoTime() + SECONDS.toNanos(60);
    while (!(refused && back) && System.nanoTime() < deadline) {
      try {
        back = RawClient.get(port, "/health").status() == 200;
      } catch (SocketException e) {
        refused = true;
        back = false;
      }
    }
    assertThat(refused).isTrue();
    assertThat(back).isTrue();
  }

  private static RawClient.End drain(RawClient client) throws IOException {
    try {
      client.readUntil("[NEVER]");
      return RawClient.End.COMPLETE;
    } catch (SocketException e) {
      return RawClient.End.RESET;
    }
  }

  @Test
  void refusesConnectionsWhileLiveStreamsGoOn() throws Exception {
    stop();
    sim = start(config.withProfile(SimProfile.of("instant").withFixedStep(2_000)));
    port = sim.ports().get(0);
    try (RawClient live = new RawClient(port)) {
      live.send("POST", CHAT, chat(",\"stream\":true,\"max_tokens\":300"));
      live.readUntil("\"content\":\"\"");
      sim.arm(0, SimFault.of(SimFault.Kind.REFUSED), 1, 0)
          .toCompletionStage()
          .toCompletableFuture()
          .get(60, SECONDS);
      assertThatThrownBy(() -> awaitRefusal(port)).isInstanceOf(ConnectException.class);
      live.readUntil("data: [DONE]");
    }
    sim.revive(0).toCompletionStage().toCompletableFuture().get(60, SECONDS);
    assertThat(RawClient.get(port, "/health").status()).isEqualTo(200);
  }

  /**
   * The listening socket is closed on another thread than the one that said so; who has been
   * accepted by the kernel alone by then is reset.
   */
  private static void awaitRefusal(int port) throws IOException {
    long deadline = System.nanoTime() + SECONDS.toNanos(60);
    while (System.nanoTime() < deadline) {
      try (RawClient client = new RawClient(port)) {
        client.timeoutMillis(100).send("GET", "/health", "");
      } catch (ConnectException refused) {
        throw refused;
      } catch (SocketException reset) {
        // once more
      }
    }
  }
}
