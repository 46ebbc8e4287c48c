package io.penstock.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.penstock.calibrate.EmbeddingsCache.Key;
import io.penstock.fake.HiddenDifficulty;
import io.penstock.inference.ComplexityModel;
import io.penstock.tiers.Complexity;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EmbeddingsTest {
  private static final int REQUESTS = 900;
  private static final int CHARS = 40;

  @SuppressWarnings("NullAway.Init") // by open
  private static Vertx vertx;

  @TempDir Path folder;

  @SuppressWarnings("NullAway.Init") // by start
  private HiddenDifficulty server;

  @BeforeAll
  static void open() {
    vertx = Vertx.vertx();
  }

  @AfterAll
  static void close() {
    vertx.close().await();
  }

  @BeforeEach
  void start() {
    server = new HiddenDifficulty(vertx);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static String prompt(int i) {
    return "Name the river r" + Integer.toString(7_919 * i + 1_000, 36) + ".";
  }

  /** The cheaper model fails the hard ones, and now and then another. */
  private Path labels(int count) throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      boolean needs = i % 20 == 0 || HiddenDifficulty.isHard(prompt(i));
      lines.add(
          "{\"subset\":\"s%d\",\"prompt\":\"%s\",\"m\":{\"small\":{\"score\":%d},\"large\":{\"score\":1}}}"
              .formatted(i % 3, prompt(i), needs ? 0 : 1));
    }
    return Files.write(folder.resolve("labels.jsonl"), lines);
  }

  private EmbeddingsConfig source(Optional<Path> cache) {
    return new EmbeddingsConfig(
        EmbeddingsConfig.endpoint(server.url()),
        "seer/1",
        Optional.of("key"),
        16,
        3,
        CHARS,
        Duration.ofSeconds(20),
        cache);
  }

  private Calibration calibrate(Path labels, EmbeddingsConfig source)
      throws LabelException, EmbeddingsException, IOException {
    return calibrate(labels, source, EmbeddingsProgress.NONE);
  }

  private Calibration calibrate(Path labels, EmbeddingsConfig source, EmbeddingsProgress progress)
      throws LabelException, EmbeddingsException, IOException {
    return Calibration.of(
        new CalibrationConfig(
            List.of(labels),
            Optional.empty(),
            Optional.empty(),
            0.1,
            1,
            3,
            false,
            Set.of(),
            false,
            6,
            200,
            7,
            Optional.of(source)),
        progress);
  }

  private static double apgr(JsonObject figures, String router, String bound) {
    return figures.getJsonArray("routers").stream()
        .map(JsonObject.class::cast)
        .filter(each -> each.getString("router").equals(router))
        .mapToDouble(each -> each.getJsonObject("apgr").getDouble(bound))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void embeddingsSeeWhatTheSurfaceDoesNotTell() throws Exception {
    Path labels = labels(REQUESTS);
    Calibration of = calibrate(labels, source(Optional.empty()));
    JsonObject figures = new JsonObject(of.json());
    assertThat(apgr(figures, "learned", "low")).isGreaterThan(0.75);
    assertThat(apgr(figures, "surface", "value")).isBetween(0.4, 0.6);
    assertThat(figures.getJsonArray("apgr_of_learned_above").getJsonObject(0).getString("router"))
        .isEqualTo("surface");
    assertThat(figures.getJsonArray("apgr_of_learned_above").getJsonObject(0).getDouble("low"))
        .as("certainly better")
        .isGreaterThan(0.15);
    assertThat(of.report())
        .contains("embedded   by seer/1, 16 numbers, at most the last 40 characters")
        .contains("\nsurface    ")
        .contains("APGR of learned above that of surface ");

    ComplexityModel.Embedded embedded = of.model().embedded().orElseThrow();
    assertThat(embedded.model()).isEqualTo("seer/1");
    assertThat(embedded.dimension()).isEqualTo(HiddenDifficulty.DIMENSION);
    assertThat(embedded.charsMax()).isEqualTo(CHARS);
    assertThat(Complexity.by(of.model()).of(prompt(1)))
        .as("without an embedding")
        .isBetween(0.0, 1.0);
  }

  @Test
  void nothingIsAskedForTwiceAndBytesAreTheSame() throws Exception {
    Path labels = labels(200);
    List<String> told = new ArrayList<>();
    Calibration once =
        calibrate(
            labels,
            source(Optional.empty()),
            (done, of, cached) -> told.add(done + "/" + of + "/" + cached));
    assertThat(told).startsWith("0/200/0", "16/200/0").endsWith("200/200/0").hasSize(14);
    assertThat(server.asked).hasSize(200).doesNotHaveDuplicates();
    assertThat(server.mostOpen.get()).isBetween(1, 3);
    Path cache = folder.resolve("labels.jsonl.seer-1.embeddings");
    byte[] kept = Files.readAllBytes(cache);

    Calibration again = calibrate(labels, source(Optional.empty()));
    assertThat(server.asked).hasSize(200);
    assertThat(again.json()).isEqualTo(once.json());
    assertThat(again.report()).isEqualTo(once.report());
    once.write(folder.resolve("a.json"));
    again.write(folder.resolve("b.json"));
    assertThat(folder.resolve("b.json")).hasSameBinaryContentAs(folder.resolve("a.json"));

    Files.delete(cache);
    calibrate(labels, source(Optional.empty()));
    assertThat(cache).as("whoever is first").hasBinaryContent(kept);
  }

  @Test
  void aRunThatWasEndedIsGoneOnWith() throws Exception {
    Path labels = labels(50);
    Path cache = folder.resolve("kept");
    calibrate(labels, source(Optional.of(cache)));
    byte[] whole = Files.readAllBytes(cache);
    Files.write(cache, Arrays.copyOf(whole, whole.length - 7));
    server.asked.clear();
    calibrate(labels, source(Optional.of(cache)));
    assertThat(server.asked).containsExactly(prompt(49));
    assertThat(cache).hasBinaryContent(whole);
  }

  @Test
  void theEndOfALongPromptIsEmbedded() throws Exception {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      lines.add(
          "{\"prompt\":\"%s\",\"m\":{\"a\":{\"score\":%d},\"b\":{\"score\":1}}}"
              .formatted("x".repeat(100) + prompt(i), i % 2));
    }
    calibrate(Files.write(folder.resolve("long.jsonl"), lines), source(Optional.empty()));
    assertThat(server.asked).hasSize(20).allMatch(text -> text.length() == CHARS);
    assertThat(server.asked).anyMatch(text -> text.endsWith("x" + prompt(0)));
  }

  @Test
  void whatMayPassIsTriedAgain() throws Exception {
    AtomicInteger refusals = new AtomicInteger();
    server.script(
        (request, inputs) -> {
          switch (refusals.getAndIncrement()) {
            case 0 -> request.response().setStatusCode(503).end("busy");
            case 1 -> request.response().setStatusCode(429).putHeader("retry-after", "0").end();
            case 2 -> request.connection().close();
            default -> HiddenDifficulty.embed(request, inputs);
          }
        });
    calibrate(labels(30), source(Optional.empty()));
    assertThat(server.calls.get()).isGreaterThanOrEqualTo(2 + 3);
  }

  @Test
  void anAnswerThatBeginsAndDoesNotEndIsTriedAgain() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    server.script(
        (request, inputs) -> {
          if (calls.getAndIncrement() == 0) {
            request.response().setChunked(true).write("{");
          } else {
            HiddenDifficulty.embed(request, inputs);
          }
        });
    EmbeddingsConfig patient = source(Optional.empty());
    calibrate(
        labels(30),
        new EmbeddingsConfig(
            patient.endpoint(),
            patient.model(),
            patient.apiKey(),
            patient.batch(),
            patient.concurrency(),
            patient.charsMax(),
            Duration.ofSeconds(2),
            patient.cache()));
    assertThat(calls.get()).isGreaterThanOrEqualTo(2 + 1);
  }

  private static HiddenDifficulty.Script says(int status, String body) {
    return (HttpServerRequest request, List<String> inputs) ->
        request.response().setStatusCode(status).end(body);
  }

  @Test
  void whatIsWrongIsToldExactly() throws Exception {
    Path labels = labels(16);
    String at =
        labels + ", line 1 to " + labels + ", line 16: " + server.url() + "/v1/embeddings: ";
    server.script(says(404, "{\"error\":\"no model seer/1\"}"));
    isRefused(
        labels,
        at
            + "status 404: {\"error\":\"no model seer/1\"} (expected: status 200 with embeddings of"
            + " 'seer/1')");
    assertThat(server.calls.get()).as("not again").isEqualTo(1);
    server.script(says(200, "<html>"));
    isRefused(labels, at + "no JSON: ");
    server.script(says(200, "{\"data\":[]}"));
    isRefused(labels, at + "0 embeddings (expected: 16, one for each text)");
    server.script(
        (request, inputs) -> {
          StringBuilder rows = new StringBuilder();
          for (String each : inputs) {
            rows.append(rows.isEmpty() ? "" : ",").append("{\"embedding\":[1,2");
            rows.append(each.equals(prompt(4)) ? "]}" : ",3]}");
          }
          request.response().end("{\"data\":[" + rows + "]}");
        });
    isRefused(
        labels,
        labels
            + ", line 5: embedding of 2 numbers by 'seer/1' at "
            + server.url()
            + "/v1/embeddings (expected: 3, as in "
            + labels
            + ", line 1)");
    server.script(
        (request, inputs) ->
            request
                .response()
                .end(
                    "{\"data\":[" + "{\"embedding\":[0,0]},".repeat(15) + "{\"embedding\":[1]}]}"));
    isRefused(labels, at + "data[0].embedding: [0,0] (expected: finite numbers, not all 0)");
    String many = "{\"embedding\":[1" + ",1".repeat(16_384) + "]}";
    server.script(says(200, "{\"data\":[" + many + ",{}".repeat(15) + "]}"));
    isRefused(labels, at + "data[0].embedding: 16385 numbers (expected: at most 16384)");
  }

  private void isRefused(Path labels, String message) {
    assertThatThrownBy(() -> calibrate(labels, source(Optional.empty())))
        .isInstanceOf(EmbeddingsException.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void aCacheOfSomethingElseIsNotTouched() throws Exception {
    Path labels = labels(16);
    Path other = Files.writeString(folder.resolve("other"), "{\"format\":\"x\"}\nprecious");
    assertThatThrownBy(() -> calibrate(labels, source(Optional.of(other))))
        .hasMessage(
            other
                + ": format x (expected: penstock-embeddings; another file by --embeddings-cache)");
    assertThat(other).hasContent("{\"format\":\"x\"}\nprecious");
    Path cache = folder.resolve("kept");
    try (EmbeddingsCache made = EmbeddingsCache.open(cache, "another", Set.of())) {
      made.add(Map.of(Key.of("x"), new float[] {1}));
      assertThatThrownBy(() -> calibrate(labels, source(Optional.of(cache))))
          .hasMessageStartingWith(cache + ": in use");
    }
    assertThatThrownBy(() -> calibrate(labels, source(Optional.of(cache))))
        .hasMessageStartingWith(cache + ": model another (expected: seer/1;");
    Path huge =
        Files.writeString(
            folder.resolve("huge"),
            "{\"format\":\"penstock-embeddings\",\"version\":1,\"model\":\"seer/1\","
                + "\"dimension\":2000000000}\n");
    assertThatThrownBy(() -> calibrate(labels, source(Optional.of(huge))))
        .hasMessageStartingWith(huge + ": dimension 2000000000 (expected: 1 to 16384;");
    assertThatThrownBy(() -> calibrate(labels, source(Optional.of(folder.resolve("no/such")))))
        .hasMessageContaining("NoSuchFileException (expected: a file that can be read and written");
    Path vast =
        Files.writeString(
            folder.resolve("vast"),
            "{\"format\":\"penstock-embeddings\",\"version\":1,\"model\":\"seer/1\","
                + "\"dimension\":1000000000}\nxx");
    assertThatThrownBy(() -> calibrate(labels, source(Optional.of(vast))))
        .hasMessageStartingWith(vast + ": dimension 1000000000 (expected: 1 to 16384;");
    assertThat(server.calls.get()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "http://h:1, http://h:1/v1/embeddings",
    "https://h/v1/, https://h/v1/embeddings",
    "http://h/api/v1, http://h/api/v1/embeddings",
    "http://h/v1/embeddings, http://h/v1/embeddings",
  })
  void aServerIsNamedInOneWayOrAnother(String text, String endpoint) {
    assertThat(EmbeddingsConfig.endpoint(text)).hasToString(endpoint);
  }

  @ParameterizedTest
  @CsvSource({
    "h:1, 'h:1'",
    "ftp://h, 'ftp://h'",
    "http://u:p@h, 'an address with a user, a query or a fragment'",
    "http://h h, 'http://h h'",
  })
  void whatIsNoServerIsAMistake(String text, String found) {
    assertThatThrownBy(() -> EmbeddingsConfig.endpoint(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--embeddings: ")
        .hasMessageContaining(found)
        .hasMessageContaining("(expected: an address as http://127.0.0.1:8080 or https://host/v1)");
  }

  /** Wherever a file ends, what is whole of it is there, and what is added is found. */
  @Property(tries = 100)
  void aCacheThatIsCutAnywhereKeepsWhatIsWhole(
      @ForAll @IntRange(min = 1, max = 12) int count,
      @ForAll @IntRange(min = 1, max = 5) int dimension,
      @ForAll @IntRange(min = 0, max = 200) int cut)
      throws Exception {
    Path file = Files.createTempFile("penstock", ".embeddings");
    try {
      Map<Key, float[]> all = new LinkedHashMap<>();
      for (int i = 0; i < count; i++) {
        float[] vector = new float[dimension];
        Arrays.fill(vector, i + 0.5f);
        all.put(Key.of("t" + i), vector);
      }
      try (EmbeddingsCache cache = EmbeddingsCache.open(file, "m\u00fc", Set.of())) {
        cache.add(all);
      }
      byte[] bytes = Files.readAllBytes(file);
      int record = Key.BYTES + 4 * dimension;
      int kept = Math.max(bytes.length - count * record, bytes.length - cut);
      Files.write(file, Arrays.copyOf(bytes, kept));
      int whole = (kept - (bytes.length - count * record)) / record;
      Key more = Key.of("more");
      try (EmbeddingsCache cache = EmbeddingsCache.open(file, "m\u00fc", all.keySet())) {
        assertThat(cache.found().keySet())
            .containsExactlyInAnyOrderElementsOf(all.keySet().stream().limit(whole).toList());
        cache.add(Map.of(more, new float[dimension]));
      }
      try (EmbeddingsCache cache = EmbeddingsCache.open(file, "m\u00fc", Set.of(more))) {
        assertThat(cache.found()).containsOnlyKeys(more);
        assertThat(cache.dimension()).isEqualTo(dimension);
      }
    } finally {
      Files.delete(file);
    }
  }
}
