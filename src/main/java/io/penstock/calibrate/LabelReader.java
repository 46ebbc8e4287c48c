package io.penstock.calibrate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPInputStream;

/**
 * Reads labelled requests: JSON, one a line, gzip where the name ends in {@code .gz}; {@code
 * prompt}, {@code m} with a {@code score} for each model and perhaps {@code cost_usd}, {@code
 * subset}, {@code contaminated}; other fields are passed over.
 */
final class LabelReader {
  private static final ObjectMapper MAPPER = JsonMapper.builder().build();
  private static final int ROWS_MAX = 5_000_000;

  private LabelReader() {}

  /**
   * The requests of a file, in its order.
   *
   * @param without subsets that are left out
   * @param contaminated whether those count that models have been trained on
   * @throws LabelException when it is no such file
   */
  static List<Labelled> read(Path file, Set<String> without, boolean contaminated)
      throws LabelException, IOException {
    List<Labelled> rows = new ArrayList<>();
    try (InputStream raw = Files.newInputStream(file);
        InputStream plain =
            file.toString().endsWith(".gz") ? new GZIPInputStream(raw, 1 << 16) : raw;
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(plain, StandardCharsets.UTF_8))) {
      int number = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        if (line.isBlank()) {
          continue;
        }
        if (rows.size() == ROWS_MAX) {
          throw new LabelException(file + ": more than " + ROWS_MAX + " requests");
        }
        JsonNode row = parse(file, number, line);
        boolean counts = contaminated || !row.path("contaminated").asBoolean();
        if (counts && !without.contains(row.path("subset").asText())) {
          rows.add(labelled(file, number, row));
        }
      }
    } catch (NoSuchFileException e) {
      throw new LabelException(file + ": no such file (expected: labelled requests)");
    }
    return rows;
  }

  private static JsonNode parse(Path file, int number, String line) throws LabelException {
    try {
      return MAPPER.readTree(line);
    } catch (JsonProcessingException e) {
      throw new LabelException(
          file + ", line " + number + ": " + e.getOriginalMessage() + " (expected: a JSON object)");
    }
  }

  private static Labelled labelled(Path file, int number, JsonNode row) throws LabelException {
    JsonNode prompt = row.path("prompt");
    if (!prompt.isTextual()) {
      throw wrong(file, number, "prompt", prompt, "a string");
    }
    if (!row.path("m").isObject() || row.path("m").isEmpty()) {
      throw wrong(file, number, "m", row.path("m"), "an object with a result for each model");
    }
    Map<String, Labelled.Result> results = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> each : row.path("m").properties()) {
      JsonNode score = each.getValue().path("score");
      if (!score.isNumber()) {
        throw wrong(file, number, "m." + each.getKey() + ".score", score, "a number");
      }
      results.put(
          each.getKey(),
          new Labelled.Result(
              score.asDouble(), each.getValue().path("cost_usd").asDouble(Double.NaN)));
    }
    return new Labelled(row.path("subset").asText(), prompt.asText(), results);
  }

  private static LabelException wrong(
      Path file, int number, String key, JsonNode found, String expected) {
    return new LabelException(
        file
            + ", line "
            + number
            + ": "
            + key
            + ": "
            + (found.isMissingNode() ? "missing" : found)
            + " (expected: "
            + expected
            + ")");
  }
}
