package io.penstock.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.penstock.config.Defaults;
import io.penstock.inference.EngineKind;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Asks engines that are named on the command line what they serve. */
final class Backends {
  private static final String MODELS = "/v1/models";
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final int ANSWER_BYTES_MAX = 1 << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  private Backends() {}

  /** Either what an engine serves or what is wrong with it. */
  private record Asked(Optional<Defaults.Backend> backend, String problem) {}

  /**
   * Asks all at once.
   *
   * @param urls scheme, host and port each
   * @param given what all of them are; empty for what each says of itself
   * @throws CliException naming each engine that can not be used, what happened and what to do
   */
  static List<Defaults.Backend> ask(List<String> urls, Optional<EngineKind> given) {
    HttpClient client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(TIMEOUT)
            .build();
    List<CompletableFuture<Asked>> answers =
        urls.stream().map(url -> ask(client, url, given)).toList();
    List<Defaults.Backend> found = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    for (CompletableFuture<Asked> answer : answers) {
      Asked asked = answer.join();
      asked.backend().ifPresentOrElse(found::add, () -> problems.add(asked.problem()));
    }
    if (!problems.isEmpty()) {
      throw CliException.failed(String.join("\n", problems));
    }
    return found;
  }

  private static CompletableFuture<Asked> ask(
      HttpClient client, String url, Optional<EngineKind> given) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + MODELS)).timeout(TIMEOUT).GET().build();
    return client
        .sendAsync(request, HttpResponse.BodyHandlers.ofInputStream())
        .handle(
            (response, e) -> e == null ? read(url, response, given) : unreachable(url, cause(e)));
  }

  private static Asked read(
      String url, HttpResponse<InputStream> response, Optional<EngineKind> given) {
    try (InputStream body = response.body()) {
      if (response.statusCode() != 200) {
        return problem(
            url,
            "GET " + MODELS + " was answered with " + response.statusCode(),
            response.statusCode() == 401 || response.statusCode() == 403
                ? "the engine wants a key; write a configuration file with the pool's engine_api_key"
                : "check that this is an engine with the OpenAI API, and that it has started");
      }
      JsonNode models = JSON.readTree(body.readNBytes(ANSWER_BYTES_MAX)).path("data");
      List<String> names = new ArrayList<>();
      models.forEach(model -> names.add(model.path("id").asText()));
      names.removeIf(String::isBlank);
      if (names.isEmpty()) {
        return problem(
            url,
            "GET " + MODELS + " names no model",
            "check that the engine has loaded one: {\"data\":[{\"id\":\"…\"}]} was expected");
      }
      EngineKind kind = given.orElseGet(() -> kind(models.path(0).path("owned_by")));
      return new Asked(Optional.of(new Defaults.Backend(url, kind, names)), "");
    } catch (JsonProcessingException e) {
      return problem(
          url,
          "the answer to GET " + MODELS + " is not JSON",
          "check that this is an engine with the OpenAI API");
    } catch (IOException e) {
      return unreachable(url, e);
    }
  }

  /** Engines sign their lists of models; one that does not is treated as any other. */
  private static EngineKind kind(JsonNode ownedBy) {
    return switch (ownedBy.asText()) {
      case "vllm" -> EngineKind.VLLM;
      case "sglang" -> EngineKind.SGLANG;
      case "llamacpp" -> EngineKind.LLAMA_CPP;
      case "tensorrt_llm" -> EngineKind.TENSORRT_LLM;
      default -> EngineKind.OPENAI;
    };
  }

  private static Asked unreachable(String url, Throwable e) {
    if (e instanceof HttpTimeoutException && !(e instanceof HttpConnectTimeoutException)) {
      return problem(
          url,
          "no answer to GET " + MODELS + " within " + TIMEOUT.toSeconds() + " s",
          "check that the engine has finished loading");
    }
    return problem(
        url, reason(e), "check that the engine is running and that host and port are right");
  }

  private static String reason(Throwable e) {
    if (e instanceof HttpConnectTimeoutException) {
      return "no connection within " + TIMEOUT.toSeconds() + " s";
    }
    if (e.getCause() instanceof UnresolvedAddressException
        || e instanceof UnresolvedAddressException) {
      return "the host name does not resolve";
    }
    if (e instanceof ConnectException) {
      return "the connection was refused";
    }
    return "the connection failed: " + e;
  }

  private static Throwable cause(Throwable e) {
    return e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
  }

  private static Asked problem(String url, String happened, String remedy) {
    return new Asked(Optional.empty(), "--backend " + url + ": " + happened + " (" + remedy + ")");
  }
}
