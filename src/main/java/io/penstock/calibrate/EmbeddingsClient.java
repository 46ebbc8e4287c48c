package io.penstock.calibrate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.penstock.inference.ComplexityModel;
import io.penstock.measure.Backoff;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Asks an OpenAI-compatible server for embeddings. What may pass is tried again: no connection, no
 * answer in time, 408, 429 and 5xx; {@code Retry-After} is kept to. Blocks; any thread.
 */
final class EmbeddingsClient {
  static final int TRIES = 6;

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration CONNECT = Duration.ofSeconds(10);
  private static final Backoff WAITS = new Backoff(200, 10_000);
  private static final long RETRY_AFTER_MAX_SECONDS = 60;
  private static final int SHOWN_MAX = 300;

  private final EmbeddingsConfig config;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT).build();

  EmbeddingsClient(EmbeddingsConfig config) {
    this.config = config;
  }

  /** What one try came to. */
  private record Answer(int status, String body, long retryAfterMillis, String trouble) {
    boolean mayPass() {
      return !trouble.isEmpty() || status == 408 || status == 429 || status >= 500;
    }

    String found() {
      String shown = body.length() > SHOWN_MAX ? body.substring(0, SHOWN_MAX) + "…" : body;
      return trouble.isEmpty() ? "status " + status + ": " + shown.strip() : trouble;
    }
  }

  /**
   * The embeddings of some texts, in their order.
   *
   * @throws EmbeddingsException when the server does not give them
   */
  List<float[]> embed(List<String> texts) throws EmbeddingsException, InterruptedException {
    String body = body(texts);
    for (int tries = 1; ; tries++) {
      Answer answer = ask(body);
      if (answer.trouble().isEmpty() && answer.status() == 200) {
        return read(answer.body(), texts.size());
      }
      if (!answer.mayPass() || tries == TRIES) {
        throw new EmbeddingsException(
            config.endpoint()
                + ": "
                + answer.found()
                + " (expected: status 200 with embeddings of '"
                + config.model()
                + (tries > 1 ? "', within " + tries + " tries" : "'")
                + ")");
      }
      await(Math.max(answer.retryAfterMillis(), WAITS.afterMillis(tries)));
    }
  }

  private static void await(long millis) throws InterruptedException {
    try {
      new CompletableFuture<Boolean>().completeOnTimeout(true, millis, TimeUnit.MILLISECONDS).get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("nothing completes it but time", e);
    }
  }

  private String body(List<String> texts) {
    ObjectNode body = JSON.createObjectNode().put("model", config.model());
    texts.forEach(body.putArray("input")::add);
    return body.put("encoding_format", "float").toString();
  }

  private Answer ask(String body) throws InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(config.endpoint())
            .header("content-type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body));
    config.apiKey().ifPresent(key -> request.header("authorization", "Bearer " + key));
    CompletableFuture<HttpResponse<String>> asked =
        http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString());
    try {
      // a timeout of the request itself would end with the head of the answer
      HttpResponse<String> response = asked.get(config.timeout().toMillis(), TimeUnit.MILLISECONDS);
      String after = response.headers().firstValue("retry-after").orElse("");
      long seconds = after.matches("[0-9]{1,6}") ? Long.parseLong(after) : 0;
      return new Answer(
          response.statusCode(),
          response.body(),
          Math.min(RETRY_AFTER_MAX_SECONDS, seconds) * 1_000,
          "");
    } catch (TimeoutException e) {
      return trouble("no whole answer within " + config.timeout().toMillis() + " ms");
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      String said = cause.getMessage();
      return trouble(said == null || said.isBlank() ? cause.getClass().getSimpleName() : said);
    } finally {
      asked.cancel(true);
    }
  }

  private static Answer trouble(String what) {
    return new Answer(0, "", 0, what);
  }

  private List<float[]> read(String body, int count) throws EmbeddingsException {
    JsonNode data;
    try {
      data = JSON.readTree(body).path("data");
    } catch (JsonProcessingException e) {
      throw wrong("no JSON: " + e.getOriginalMessage(), "a list of embeddings");
    }
    if (data.size() != count) {
      throw wrong(data.size() + " embeddings", count + ", one for each text");
    }
    float[][] vectors = new float[count][];
    for (int i = 0; i < count; i++) {
      JsonNode entry = data.path(i);
      int index = entry.path("index").asInt(i);
      if (index < 0 || index >= count || vectors[index] != null) {
        throw wrong("data[" + i + "].index: " + index, "each of 0.." + (count - 1) + " once");
      }
      vectors[index] = vector(entry.path("embedding"), i);
    }
    return List.of(vectors);
  }

  private float[] vector(JsonNode numbers, int at) throws EmbeddingsException {
    if (numbers.size() > ComplexityModel.DIMENSION_MAX) {
      throw wrong(
          "data[" + at + "].embedding: " + numbers.size() + " numbers",
          "at most " + ComplexityModel.DIMENSION_MAX);
    }
    float[] vector = new float[numbers.size()];
    boolean finite = numbers.isArray() && vector.length > 0;
    double squares = 0;
    for (int i = 0; i < vector.length; i++) {
      finite &= numbers.path(i).isNumber();
      vector[i] = numbers.path(i).floatValue();
      squares += (double) vector[i] * vector[i];
    }
    if (!finite || !(squares > 0 && squares < Double.POSITIVE_INFINITY)) {
      String found = numbers.toString();
      throw wrong(
          "data["
              + at
              + "].embedding: "
              + (found.length() > SHOWN_MAX ? found.substring(0, SHOWN_MAX) + "…" : found),
          "finite numbers, not all 0");
    }
    return vector;
  }

  private EmbeddingsException wrong(String found, String expected) {
    return new EmbeddingsException(
        config.endpoint() + ": " + found + " (expected: " + expected + ")");
  }
}
