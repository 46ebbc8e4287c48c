package io.penstock.calibrate;

import io.penstock.calibrate.EmbeddingsCache.Key;
import io.penstock.tiers.Complexity;
import io.penstock.tiers.PromptFeatures;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The embeddings of labelled requests: from the cache, else from the server, in batches, a bounded
 * number of them at a time. Batches are taken up in their order, so the cache's bytes do not hang
 * on whose answer was first. Blocks.
 */
final class Embeddings {
  private final EmbeddingsConfig config;
  private final EmbeddingsProgress progress;

  /** Each text with the first request that has it. */
  private final Map<Key, Labelled> first = new LinkedHashMap<>();

  private final Map<Key, float[]> known = new HashMap<>();
  private int dimension;
  private String dimensionOf = "";

  private Embeddings(EmbeddingsConfig config, EmbeddingsProgress progress) {
    this.config = config;
    this.progress = progress;
  }

  /**
   * The embedding of each request's prompt, in their order, each of length 1; equal prompts share
   * theirs.
   *
   * @param beside where the cache is to be, unless the configuration says otherwise
   */
  static List<float[]> of(
      List<Labelled> rows, EmbeddingsConfig config, Path beside, EmbeddingsProgress progress)
      throws EmbeddingsException, IOException {
    return new Embeddings(config, progress).of(rows, beside);
  }

  /** A batch that has been asked for. */
  private record Call(List<Key> keys, Future<List<float[]>> answer) {}

  private List<float[]> of(List<Labelled> rows, Path beside)
      throws EmbeddingsException, IOException {
    List<Key> keys = new ArrayList<>();
    for (Labelled row : rows) {
      String text = text(row);
      if (text.isBlank()) {
        throw new EmbeddingsException(
            row.origin() + ": prompt: blank (expected: a text that can be embedded)");
      }
      Key key = Key.of(text);
      first.putIfAbsent(key, row);
      keys.add(key);
    }
    Path file = config.cache().orElseGet(() -> cacheFile(beside));
    try (EmbeddingsCache cache = open(file)) {
      known.putAll(cache.found());
      dimension = cache.dimension();
      dimensionOf = file.toString();
      ask(cache);
    }
    Map<Key, float[]> units = new HashMap<>();
    known.forEach((key, vector) -> units.put(key, unit(vector)));
    return keys.stream().map(units::get).toList();
  }

  private EmbeddingsCache open(Path file) throws EmbeddingsException {
    try {
      return EmbeddingsCache.open(file, config.model(), first.keySet());
    } catch (IOException e) {
      throw new EmbeddingsException(
          file
              + ": "
              + (e.getMessage() == null || e.getMessage().equals(file.toString())
                  ? e.getClass().getSimpleName()
                  : e.getMessage())
              + " (expected: a file that can be read and written, --embeddings-cache)");
    }
  }

  /** {@code labels.jsonl.gz.MODEL.embeddings}, with what file names do not have made a dash. */
  private Path cacheFile(Path beside) {
    String model = config.model().replaceAll("[^A-Za-z0-9._-]", "-");
    return beside.resolveSibling(beside.getFileName() + "." + model + ".embeddings");
  }

  private String text(Labelled row) {
    return PromptFeatures.end(row.prompt(), config.charsMax());
  }

  private void ask(EmbeddingsCache cache) throws EmbeddingsException, IOException {
    List<Key> missing = first.keySet().stream().filter(key -> !known.containsKey(key)).toList();
    int cached = first.size() - missing.size();
    EmbeddingsClient client = new EmbeddingsClient(config);
    ExecutorService workers =
        Executors.newFixedThreadPool(
            config.concurrency(),
            work -> {
              Thread thread = new Thread(work, "embeddings");
              thread.setDaemon(true);
              return thread;
            });
    Deque<Call> calls = new ArrayDeque<>();
    try {
      progress.embedded(0, missing.size(), cached);
      int done = 0;
      int from = 0;
      while (from < missing.size() || !calls.isEmpty()) {
        while (from < missing.size() && calls.size() < 2 * config.concurrency()) {
          List<Key> keys = missing.subList(from, Math.min(missing.size(), from + config.batch()));
          from += keys.size();
          List<String> texts = keys.stream().map(key -> text(row(key))).toList();
          calls.add(new Call(keys, workers.submit(() -> client.embed(texts))));
        }
        done += take(calls.remove(), cache);
        progress.embedded(done, missing.size(), cached);
      }
    } finally {
      workers.shutdownNow();
    }
  }

  /** Waits for a batch and keeps it; how many it had. */
  private int take(Call call, EmbeddingsCache cache) throws EmbeddingsException, IOException {
    List<float[]> vectors;
    try {
      vectors = call.answer().get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof EmbeddingsException no) {
        throw new EmbeddingsException(where(call.keys()) + ": " + no.getMessage());
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while embeddings were asked for");
    }
    Map<Key, float[]> more = new LinkedHashMap<>();
    for (int i = 0; i < vectors.size(); i++) {
      Key key = call.keys().get(i);
      isAsBefore(vectors.get(i), row(key));
      more.put(key, vectors.get(i));
    }
    cache.add(more);
    known.putAll(more);
    return more.size();
  }

  private void isAsBefore(float[] vector, Labelled row) throws EmbeddingsException {
    if (dimension == 0) {
      dimension = vector.length;
      dimensionOf = row.origin();
    }
    if (vector.length != dimension) {
      throw new EmbeddingsException(
          row.origin()
              + ": embedding of "
              + vector.length
              + " numbers by '"
              + config.model()
              + "' at "
              + config.endpoint()
              + " (expected: "
              + dimension
              + ", as in "
              + dimensionOf
              + ")");
    }
  }

  /** The first request that has a text. */
  private Labelled row(Key key) {
    return Objects.requireNonNull(first.get(key));
  }

  private String where(List<Key> keys) {
    String from = row(keys.get(0)).origin();
    return keys.size() == 1 ? from : from + " to " + row(keys.get(keys.size() - 1)).origin();
  }

  private static float[] unit(float[] vector) {
    double length = Complexity.length(vector);
    float[] unit = new float[vector.length];
    for (int i = 0; i < unit.length; i++) {
      unit[i] = (float) (vector[i] / length);
    }
    return unit;
  }
}
