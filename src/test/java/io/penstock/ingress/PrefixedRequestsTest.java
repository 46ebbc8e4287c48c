package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.NodeId;
import io.penstock.inference.PromptPrefix;
import io.penstock.message.PrefixMark;
import io.penstock.prefix.PrefixRegister;
import io.penstock.prefix.Prefixes;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What an engine gets of a request that names a prefix, byte for byte, and what it never gets. */
class PrefixedRequestsTest {
  private static final String USER = "{\"role\":\"user\",\"content\":\"x\"}";
  private static final String BODY = "{ \"model\":\"river\",\"messages\":[" + USER + "]}";
  private static final String ANSWER =
      "{\"choices\":[{\"message\":{\"content\":\"y\"}}],\"usage\":{\"prompt_tokens\":900,"
          + "\"completion_tokens\":1,\"total_tokens\":901,\"prompt_tokens_details\":{\"cached_tokens\":640}}}";

  private final Vertx vertx = Vertx.vertx();
  private final ScriptedEngine engine = new ScriptedEngine(vertx);
  private final List<String> used = new CopyOnWriteArrayList<>();
  private Gateway gateway = start(List.of(), true);

  private Gateway start(List<PromptPrefix> prefixes, boolean isComplete) {
    List<PrefixMark> marks =
        prefixes.stream()
            .map(each -> new PrefixMark(each.id(), Optional.of(each), 1, new NodeId("n")))
            .toList();
    Gateway.Setup setup = new Gateway.Setup();
    setup.prefixes =
        new Prefixes() {
          @Override
          public PrefixRegister now() {
            return PrefixRegister.of(marks, isComplete);
          }

          @Override
          public void used(PromptPrefix prefix, int cachedTokens) {
            used.add(prefix.id() + " " + cachedTokens);
          }
        };
    return new Gateway(engine.url(), setup);
  }

  private void restart(List<PromptPrefix> prefixes, boolean isComplete) {
    gateway.close();
    gateway = start(prefixes, isComplete);
  }

  @AfterEach
  void stop() {
    gateway.close();
    vertx.close().await();
  }

  private static PromptPrefix prefix(String id, String text) {
    return new PromptPrefix(id, Optional.empty(), Optional.empty(), text, 5);
  }

  private HttpResponse<String> send(String prefix, String body) throws Exception {
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .build()
        .send(
            HttpRequest.newBuilder(
                    URI.create("http://127.0.0.1:" + gateway.port + "/v1/chat/completions"))
                .header("x-penstock-prefix", prefix)
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.ofString());
  }

  private static void refused(
      HttpResponse<String> answer, int status, String code, String message) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    JsonObject error = new JsonObject(answer.body()).getJsonObject("error");
    assertThat(error.getString("code")).isEqualTo(code);
    assertThat(error.getString("message")).isEqualTo(message);
  }

  @Test
  void theEngineGetsTheTextAndNotItsName() throws Exception {
    String text = "Say \"y\".\n".repeat(300);
    restart(List.of(prefix("yes", text)), true);
    engine.answer((socket, request) -> socket.write(ScriptedEngine.json(ANSWER)));

    HttpResponse<String> answer = send("yes", BODY);

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    String request = engine.requests.get(0);
    String expected =
        "{ \"model\":\"engine/river-8b\",\"messages\":[{\"role\":\"system\",\"content\":\""
            + "Say \\\"y\\\".\\n".repeat(300)
            + "\"},"
            + USER
            + "]}";
    assertThat(request).endsWith("\r\n\r\n" + expected).doesNotContain("x-penstock-prefix");
    assertThat(request).contains("content-length: " + expected.length() + "\r\n");
    awaitUsed("yes 640");
    assertThat(gateway.metric("llm_prefix_cache_hit_total", "prefix=\"yes\"")).isEqualTo(1);
    assertThat(gateway.metric("llm_prefix_cache_tokens_saved_total", "prefix=\"yes\""))
        .isEqualTo(640);
    assertThat(gateway.metric("llm_prefix_cache_tokens_saved_total", "")).isEqualTo(640);
  }

  private void awaitUsed(String expected) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (used.isEmpty()) {
      assertThat(System.nanoTime()).isLessThan(end);
    }
    assertThat(used).containsExactly(expected);
  }

  @Test
  void aPromptThatIsTooLongWithItIsRefusedWithItsPart() throws Exception {
    restart(List.of(prefix("long", "word ".repeat(20_000))), true);
    refused(
        send("long", BODY),
        400,
        "context_length_exceeded",
        "The model 'river-8b' takes at most 8192 tokens of prompt and completion together, but the"
            + " prompt has about 25009 and max_tokens is 0. Shorten the prompt or lower max_tokens."
            + " The registered prefix 'long' takes about 25000 of its tokens.");
    assertThat(engine.requests).isEmpty();
  }

  @Test
  void aBodyThatIsTooLargeWithItIsRefused() throws Exception {
    restart(List.of(prefix("p", "word ".repeat(20_000))), true);
    String filler = "x".repeat(Gateway.MAX_BODY_BYTES - BODY.length() - 50);
    String body = BODY.replace("\"x\"", "\"" + filler + "\"");
    refused(
        send("p", body),
        413,
        "body_too_large",
        "the body has "
            + (body.length() + "{\"role\":\"system\",\"content\":\"\"},".length() + 100_000)
            + " bytes with the registered prefix in it (expected: at most 1048576,"
            + " ingress.max_body_bytes)");
    assertThat(engine.requests).isEmpty();
  }

  @Test
  void whileNotAllAreKnownNoneIsSaidNotToBeThere() throws Exception {
    restart(List.of(), false);
    HttpResponse<String> answer = send("p", BODY);
    refused(
        answer,
        503,
        "prefixes_unavailable",
        "The prefix 'p' is not known here yet: this node has not been able to read the prefixes"
            + " that the admin API has registered.");
    assertThat(answer.headers().firstValue("x-should-retry")).isNotEqualTo(Optional.of("false"));
    assertThat(engine.requests).isEmpty();
  }
}
