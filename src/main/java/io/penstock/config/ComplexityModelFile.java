package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import io.penstock.inference.ComplexityModel;
import io.penstock.tiers.Complexity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The file of a model that {@code penstock calibrate} has written: JSON, with its {@code format}
 * and {@code version}. Reads files, so not for an event loop. Any thread.
 */
public final class ComplexityModelFile {
  private ComplexityModelFile() {}

  /** What a file has, or what is wrong with it. */
  private record Result(Optional<ComplexityModel> model, String found, String expected) {
    static Result no(String found, String expected) {
      return new Result(Optional.empty(), found, expected);
    }
  }

  /** Checks the file that a key names, as {@link LocalFiles} does others. */
  static void check(Section key, LocalFiles files) {
    if (!key.tree().isTextual() || key.tree().textValue().isBlank()) {
      return;
    }
    Optional<Path> file = LocalFiles.named(key);
    if (file.isEmpty() || !Files.isReadable(file.get())) {
      files.check(key);
      return;
    }
    Result read = read(file.get());
    if (read.model().isEmpty()) {
      key.expected(key.found() + ": " + read.found(), read.expected());
    }
  }

  /** The model of a file that {@link #check} has found to be one; empty where there is none. */
  static Optional<ComplexityModel> load(Path file) {
    return Files.isReadable(file) ? read(file).model() : Optional.empty();
  }

  /**
   * Reads a file.
   *
   * @throws IllegalArgumentException when it is no such model; says what was found and expected
   */
  public static ComplexityModel parse(Path file) {
    Result read = read(file);
    return read.model()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    file + ": " + read.found() + " (expected: " + read.expected() + ")"));
  }

  private static Result read(Path file) {
    Mistakes mistakes = new Mistakes();
    Optional<JsonNode> tree = JsonFile.read(file, "", mistakes);
    if (tree.isEmpty()) {
      Mistake first = mistakes.list().get(0);
      return Result.no(first.found(), "a model file of penstock calibrate");
    }
    JsonNode root = tree.get();
    if (!root.path("format").asText().equals(ComplexityModel.FORMAT)) {
      return Result.no("format " + root.path("format"), "\"" + ComplexityModel.FORMAT + "\"");
    }
    if (root.path("version").asInt() != ComplexityModel.VERSION) {
      return Result.no(
          "version " + root.path("version"),
          "version "
              + ComplexityModel.VERSION
              + "; train it again with this release's penstock calibrate");
    }
    try {
      ComplexityModel model =
          new ComplexityModel(
              texts(root.path("features")),
              numbers(root, "means"),
              numbers(root, "scales"),
              part(root),
              Optional.of(root.path("embeddings"))
                  .filter(each -> !each.isMissingNode())
                  .map(ComplexityModelFile::embedded),
              Fingerprint.of(root));
      Complexity.by(model);
      return new Result(Optional.of(model), "", "");
    } catch (IllegalArgumentException e) {
      return Result.no(String.valueOf(e.getMessage()), "a model file of penstock calibrate");
    }
  }

  private static ComplexityModel.Part part(JsonNode of) {
    return new ComplexityModel.Part(
        numbers(of, "weights"),
        number(of.path("bias"), "bias"),
        floats(of, "hashed_weights"),
        numbers(of, "quantiles"));
  }

  private static ComplexityModel.Embedded embedded(JsonNode of) {
    int dimension = of.path("dimension").asInt();
    List<Float> weights = floats(of, "vector_weights");
    if (weights.size() != dimension) {
      throw new IllegalArgumentException(
          "vector_weights: "
              + weights.size()
              + " numbers (expected: "
              + dimension
              + ", the dimension)");
    }
    return new ComplexityModel.Embedded(
        of.path("model").asText(), of.path("prompt_chars").asInt(), part(of), weights);
  }

  private static List<Float> floats(JsonNode root, String key) {
    return numbers(root, key).stream().map(Double::floatValue).toList();
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(each -> texts.add(each.asText()));
    return texts;
  }

  private static List<Double> numbers(JsonNode root, String key) {
    List<Double> numbers = new ArrayList<>();
    for (JsonNode each : root.path(key)) {
      numbers.add(number(each, key + "[" + numbers.size() + "]"));
    }
    return numbers;
  }

  private static double number(JsonNode value, String key) {
    if (!value.isNumber() || !Double.isFinite(value.asDouble())) {
      throw new IllegalArgumentException(key + ": " + value + " (expected: a number)");
    }
    return value.asDouble();
  }
}
