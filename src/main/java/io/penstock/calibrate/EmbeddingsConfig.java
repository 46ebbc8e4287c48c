package io.penstock.calibrate;

import static io.penstock.inference.Checks.require;

import io.penstock.inference.ComplexityModel;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Where a calibration gets embeddings of its prompts.
 *
 * @param endpoint that embeds, as {@code http://host:8080/v1/embeddings}
 * @param model that is asked for
 * @param apiKey sent as a bearer token
 * @param batch most prompts of one call
 * @param concurrency most calls at a time
 * @param charsMax of a longer prompt, its last characters are embedded; so by the router, later
 * @param timeout of one call
 * @param cache file that keeps what was answered; left out, beside the first file of labels
 */
public record EmbeddingsConfig(
    URI endpoint,
    String model,
    Optional<String> apiKey,
    int batch,
    int concurrency,
    int charsMax,
    Duration timeout,
    Optional<Path> cache) {
  public EmbeddingsConfig {
    require(!model.isBlank(), "--embeddings-model", "\"" + model + "\"", "a name");
    require(batch >= 1 && batch <= 2_048, "--embeddings-batch", batch, "1..2048");
    require(
        concurrency >= 1 && concurrency <= 64, "--embeddings-concurrency", concurrency, "1..64");
    require(
        charsMax >= 1 && charsMax <= ComplexityModel.CHARS_MAX,
        "--embeddings-chars",
        charsMax,
        "1.." + ComplexityModel.CHARS_MAX);
  }

  /**
   * The endpoint of an OpenAI-compatible server, whether it is named by its base, by {@code /v1} or
   * in full.
   *
   * @throws IllegalArgumentException when the text is no such address
   */
  public static URI endpoint(String text) {
    String expected = "an address as http://127.0.0.1:8080 or https://host/v1";
    try {
      URI uri = new URI(text.strip());
      boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
      require(http && uri.getHost() != null, "--embeddings", "'" + text + "'", expected);
      require(
          uri.getRawUserInfo() == null && uri.getRawQuery() == null && uri.getRawFragment() == null,
          "--embeddings",
          "an address with a user, a query or a fragment",
          expected);
      String path = uri.getRawPath().replaceAll("/+$", "");
      if (!path.endsWith("/embeddings")) {
        path += path.endsWith("/v1") ? "/embeddings" : "/v1/embeddings";
      }
      return new URI(uri.getScheme() + "://" + uri.getRawAuthority() + path);
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(
          "--embeddings: '" + text + "' (expected: " + expected + ")", e);
    }
  }
}
