package io.penstock.calibrate;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import io.penstock.inference.ComplexityModel;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/** Writes a model's file. */
final class ModelWriter {
  private ModelWriter() {}

  /**
   * Writes it whole or not at all: a node that reads its files again never sees half of one.
   *
   * @param about what it was trained on, for people
   */
  static void write(Path file, ComplexityModel model, String about) throws IOException {
    Path whole = file.toAbsolutePath().resolveSibling(file.getFileName() + ".tmp");
    Files.writeString(whole, text(model, about), StandardCharsets.UTF_8);
    Files.move(whole, file, StandardCopyOption.REPLACE_EXISTING);
  }

  private static String text(ComplexityModel model, String about) throws IOException {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      json.setPrettyPrinter(new DefaultPrettyPrinter());
      json.writeStartObject();
      json.writeStringField("format", ComplexityModel.FORMAT);
      json.writeNumberField("version", ComplexityModel.VERSION);
      json.writeStringField("about", about);
      json.writeArrayFieldStart("features");
      for (String each : model.features()) {
        json.writeString(each);
      }
      json.writeEndArray();
      numbers(json, "means", model.means());
      numbers(json, "scales", model.scales());
      part(json, model.surface());
      if (model.embedded().isPresent()) {
        ComplexityModel.Embedded embedded = model.embedded().get();
        json.writeObjectFieldStart("embeddings");
        json.writeStringField("model", embedded.model());
        json.writeNumberField("dimension", embedded.dimension());
        json.writeNumberField("prompt_chars", embedded.charsMax());
        part(json, embedded.part());
        floats(json, "vector_weights", embedded.vectorWeights());
        json.writeEndObject();
      }
      json.writeEndObject();
    }
    return text + "\n";
  }

  private static void part(JsonGenerator json, ComplexityModel.Part part) throws IOException {
    numbers(json, "weights", part.weights());
    json.writeNumberField("bias", part.bias());
    floats(json, "hashed_weights", part.hashedWeights());
    numbers(json, "quantiles", part.quantiles());
  }

  private static void floats(JsonGenerator json, String name, List<Float> numbers)
      throws IOException {
    json.writeArrayFieldStart(name);
    for (float each : numbers) {
      json.writeNumber(each);
    }
    json.writeEndArray();
  }

  private static void numbers(JsonGenerator json, String name, List<Double> numbers)
      throws IOException {
    json.writeArrayFieldStart(name);
    for (double each : numbers) {
      json.writeNumber(each);
    }
    json.writeEndArray();
  }
}
