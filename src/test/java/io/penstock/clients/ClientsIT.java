package io.penstock.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIException;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionFunctionTool;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.EmbeddingCreateParams;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiEmbeddingModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import io.penstock.cluster.PenstockProcess;
import io.penstock.fake.Ports;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The clients that people use, against the jar: they are the referees of the HTTP contract. */
class ClientsIT {
  private static final String MODEL = "river-8b";

  /** A stream of 4,000 tokens takes 30 s where nobody leaves it. */
  private static final Duration BEFORE_ITS_END = Duration.ofSeconds(25);

  @TempDir static Path folder;

  private static PenstockProcess engine;
  private static PenstockProcess node;
  private static String url;
  private static String engineUrl;

  @BeforeAll
  static void startANodeAndAnEngine() throws IOException {
    int enginePort = Ports.free();
    int port = Ports.free();
    engineUrl = "http://127.0.0.1:" + enginePort;
    url = "http://127.0.0.1:" + port;
    engine =
        PenstockProcess.start(
            Map.of(),
            "engine-sim",
            "--port",
            Integer.toString(enginePort),
            "--model",
            MODEL,
            "--profile",
            "h100-llama-3.1-8b");
    engine.await(
        "serving",
        Duration.ofMinutes(2),
        () -> PenstockProcess.status(enginePort, "/health") == 200);
    Path file = folder.resolve("node.json");
    Files.writeString(
        file,
        """
        {
          "node": {"name": "clients", "ports": {"http": %d}},
          "fleet": {"pools": [
            {"name": "rivers", "model_id": "%s", "aliases": ["river"], "engine": "vllm",
             "replicas": [{"url": "%s", "id": "rivers-0"}]}
          ]}
        }
        """
            .formatted(port, MODEL, engineUrl));
    node = PenstockProcess.start(Map.of(), "run", file.toString()).awaitReady(port);
  }

  @AfterAll
  static void stop() {
    node.close();
    engine.close();
  }

  private static OpenAIClient openai() {
    return OpenAIOkHttpClient.builder().baseUrl(url + "/v1").apiKey("none").maxRetries(0).build();
  }

  private static ChatCompletionCreateParams.Builder chat() {
    return ChatCompletionCreateParams.builder()
        .model(MODEL)
        .addUserMessage("Tell me about rivers.");
  }

  private static String streamed(OpenAIClient client, ChatCompletionCreateParams params) {
    try (StreamResponse<ChatCompletionChunk> chunks =
        client.chat().completions().createStreaming(params)) {
      return chunks.stream()
          .flatMap(chunk -> chunk.choices().stream())
          .map(choice -> choice.delta().content().orElse(""))
          .collect(Collectors.joining());
    }
  }

  @Test
  void openaiJavaStreamsTheTextThatItGetsInOnePiece() {
    OpenAIClient client = openai();
    ChatCompletionCreateParams params = chat().maxCompletionTokens(24).build();
    ChatCompletion whole = client.chat().completions().create(params);

    assertThat(whole.usage().orElseThrow().completionTokens()).isEqualTo(24);
    assertThat(whole.choices().get(0).message().content().orElseThrow()).isNotEmpty();
    assertThat(streamed(client, params))
        .isEqualTo(whole.choices().get(0).message().content().orElseThrow());
  }

  @Test
  void openaiJavaReachesTheModelByItsAlias() {
    ChatCompletion answer =
        openai().chat().completions().create(chat().model("river").maxCompletionTokens(4).build());
    assertThat(answer.model()).isEqualTo(MODEL);
  }

  @Test
  void openaiJavaCallsTools() {
    ChatCompletionCreateParams params =
        chat()
            .addTool(
                ChatCompletionFunctionTool.builder()
                    .function(
                        FunctionDefinition.builder()
                            .name("weather")
                            .parameters(
                                FunctionParameters.builder()
                                    .putAdditionalProperty("type", JsonValue.from("object"))
                                    .putAdditionalProperty(
                                        "properties",
                                        JsonValue.from(Map.of("city", Map.of("type", "string"))))
                                    .putAdditionalProperty(
                                        "required", JsonValue.from(List.of("city")))
                                    .build())
                            .build())
                    .build())
            .toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED)
            .build();
    ChatCompletion answer = openai().chat().completions().create(params);
    var call = answer.choices().get(0).message().toolCalls().orElseThrow().get(0).asFunction();
    assertThat(call.function().name()).isEqualTo("weather");
    assertThat(call.function().arguments()).contains("\"city\"");
  }

  @Test
  void openaiJavaCompletesAndEmbeds() {
    assertThat(
            openai()
                .completions()
                .create(
                    CompletionCreateParams.builder()
                        .model(MODEL)
                        .prompt("Once")
                        .maxTokens(5)
                        .build())
                .choices())
        .hasSize(1);
    assertThat(
            openai()
                .embeddings()
                .create(
                    EmbeddingCreateParams.builder()
                        .model(MODEL)
                        .inputOfArrayOfStrings(List.of("a river", "a dam"))
                        .build())
                .data())
        .hasSize(2);
  }

  @Test
  void openaiJavaGetsTheRightExceptions() {
    assertThatThrownBy(
            () -> openai().chat().completions().create(chat().model("no-such-model").build()))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining(MODEL);
    assertThatThrownBy(
            () -> openai().chat().completions().create(chat().maxCompletionTokens(-1).build()))
        .isInstanceOfSatisfying(
            BadRequestException.class,
            error -> assertThat(error.param()).contains("max_completion_tokens"));
  }

  @Test
  void openaiJavaRaisesWhenAStreamBreaks() {
    for (String fault : List.of("reset;after=40", "eof;after=40", "error;after=40")) {
      List<String> parts = new ArrayList<>();
      var params = chat().maxCompletionTokens(50).putAdditionalHeader("x-sim-fault", fault);
      assertThatThrownBy(
              () -> {
                try (var chunks = openai().chat().completions().createStreaming(params.build())) {
                  chunks.stream()
                      .flatMap(chunk -> chunk.choices().stream())
                      .forEach(choice -> choice.delta().content().ifPresent(parts::add));
                }
              })
          .as(fault)
          .isInstanceOf(OpenAIException.class);
      assertThat(parts).as(fault).isNotEmpty();
    }
  }

  @Test
  void openaiJavaLeavingAStreamStopsTheEngine() throws IOException, InterruptedException {
    int before = engine("cancelled");
    try (StreamResponse<ChatCompletionChunk> chunks =
        openai().chat().completions().createStreaming(chat().maxCompletionTokens(4_000).build())) {
      assertThat(chunks.stream().findFirst()).isPresent();
    }
    node.await(
        "the engine was told",
        BEFORE_ITS_END,
        () -> {
          try {
            return engine("cancelled") > before && engine("in_flight") == 0;
          } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
          }
        });
  }

  private static int engine(String counter) throws IOException, InterruptedException {
    String stats =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create(engineUrl + "/sim/stats")).build(),
                HttpResponse.BodyHandlers.ofString())
            .body();
    return new io.vertx.core.json.JsonObject(stats).getInteger(counter);
  }

  @Test
  void langchain4jChatsStreamsAndEmbeds() throws Exception {
    String text =
        OpenAiChatModel.builder()
            .baseUrl(url + "/v1")
            .apiKey("none")
            .modelName(MODEL)
            .maxTokens(12)
            .build()
            .chat("Tell me about rivers.");
    CompletableFuture<String> streamed = new CompletableFuture<>();
    OpenAiStreamingChatModel.builder()
        .baseUrl(url + "/v1")
        .apiKey("none")
        .modelName(MODEL)
        .maxTokens(12)
        .build()
        .chat(
            List.of(UserMessage.from("Tell me about rivers.")),
            new StreamingChatResponseHandler() {
              @Override
              public void onPartialResponse(String part) {}

              @Override
              public void onCompleteResponse(ChatResponse response) {
                streamed.complete(response.aiMessage().text());
              }

              @Override
              public void onError(Throwable error) {
                streamed.completeExceptionally(error);
              }
            });
    assertThat(streamed.get(60, TimeUnit.SECONDS)).isEqualTo(text).isNotEmpty();
    assertThat(
            OpenAiEmbeddingModel.builder()
                .baseUrl(url + "/v1")
                .apiKey("none")
                .modelName(MODEL)
                .build()
                .embed("a river")
                .content()
                .dimension())
        .isPositive();
    assertThatThrownBy(
            () ->
                OpenAiChatModel.builder()
                    .baseUrl(url + "/v1")
                    .apiKey("none")
                    .modelName("no-such-model")
                    .maxRetries(0)
                    .build()
                    .chat("hello"))
        .isInstanceOf(ModelNotFoundException.class);
  }

  /**
   * Needs node and npm; where CI runs they must be there, elsewhere the test is skipped without.
   */
  @Test
  void javaScriptClients() throws IOException, InterruptedException {
    boolean required = "true".equals(System.getenv("CI"));
    assumeTrue(required || run(Path.of("."), "node", "--version") == 0, "node is not installed");
    Path project = Path.of("src", "test", "clients");
    if (!Files.isDirectory(project.resolve("node_modules"))) {
      assertThat(run(project, "npm", "ci", "--no-audit", "--no-fund")).isZero();
    }
    assertThat(run(project, "node", "--test", "openai.test.mjs", "ai-sdk.test.mjs")).isZero();
  }

  private static int run(Path folder, String... command) throws InterruptedException {
    Path output = ClientsIT.folder.resolve(command[0] + ".out"); // stdout is the test runner's
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder
        .environment()
        .putAll(Map.of("PENSTOCK_URL", url, "PENSTOCK_MODEL", MODEL, "PENSTOCK_SIM", engineUrl));
    try {
      Process process = builder.start();
      if (!process.waitFor(10, TimeUnit.MINUTES)) {
        process.destroyForcibly();
        return -1;
      }
      if (process.exitValue() != 0) {
        System.err.println(Files.readString(output));
      }
      return process.exitValue();
    } catch (IOException notInstalled) {
      return 127;
    }
  }
}
