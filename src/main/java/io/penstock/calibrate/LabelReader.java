package io.penstock.calibrate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
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
  private static final int SHOWN_MAX = 200;

  private LabelReader() {}

  /**
   * The requests of a file, in its order.
   *
   * @param without subsets that are left out
   * @param contaminated whether those count that models have been trained on
   * @throws LabelException when it is no such file
   */
  static List<Labelled> read(Path file, Set<String> without, boolean contaminated)
      throws LabelException {
    List<Labelled> rows = new ArrayList<>();
    int number = 0;
    try (InputStream raw = Files.newInputStream(file);
        InputStream plain =
            file.toString().endsWith(".gz") ? new GZIPInputStream(raw, 1 << 16) : raw;
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(plain, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        if (line.isBlank()) {
          continue;
        }
        if (rows.size() == ROWS_MAX) {
          throw new LabelException(file + ": more than " + ROWS_MAX + " requests");
        }
        Row row = new Row(file + ", line " + number);
        row.parse(line);
        boolean counts = contaminated || !row.tree.path("contaminated").asBoolean();
        if (counts && !without.contains(row.tree.path("subset").asText())) {
          rows.add(row.labelled());
        }
      }
    } catch (NoSuchFileException e) {
      throw new LabelException(file + ": no such file (expected: labelled requests)");
    } catch (IOException e) {
      throw new LabelException(
          file
              + ", after line "
              + number
              + ": "
              + e.getMessage()
              + " (expected: labelled requests"
              + (file.toString().endsWith(".gz") ? ", gzipped)" : ")"));
    }
    return rows;
  }

  /** One line. */
  private static final class Row {
    private final String origin;
    private JsonNode tree = MissingNode.getInstance();

    Row(String origin) {
      this.origin = origin;
    }

    void parse(String line) throws LabelException {
      try {
        tree = MAPPER.readTree(line);
      } catch (JsonProcessingException e) {
        throw new LabelException(
            origin + ": " + e.getOriginalMessage() + " (expected: a JSON object)");
      }
      if (!tree.isObject()) {
        throw new LabelException(origin + ": " + shown(tree) + " (expected: a JSON object)");
      }
    }

    Labelled labelled() throws LabelException {
      JsonNode prompt = tree.path("prompt");
      if (!prompt.isTextual()) {
        throw wrong("prompt", prompt, "a string");
      }
      JsonNode models = tree.path("m");
      if (!models.isObject() || models.isEmpty()) {
        throw wrong("m", models, "an object with a result for each model");
      }
      Map<String, Labelled.Result> results = new LinkedHashMap<>();
      for (Map.Entry<String, JsonNode> each : models.properties()) {
        String key = "m." + each.getKey();
        JsonNode score = each.getValue().path("score");
        if (!isFinite(score)) {
          throw wrong(key + ".score", score, "a number");
        }
        JsonNode cost = each.getValue().path("cost_usd");
        boolean told = !cost.isMissingNode() && !cost.isNull();
        if (told && !(isFinite(cost) && cost.asDouble() >= 0)) {
          throw wrong(key + ".cost_usd", cost, "a number of at least 0, or none");
        }
        results.put(
            each.getKey(),
            new Labelled.Result(score.asDouble(), told ? cost.asDouble() : Double.NaN));
      }
      return new Labelled(origin, tree.path("subset").asText(), prompt.asText(), results);
    }

    private static boolean isFinite(JsonNode number) {
      return number.isNumber() && Double.isFinite(number.asDouble());
    }

    private static String shown(JsonNode value) {
      String text = value.toString();
      return text.length() > SHOWN_MAX ? text.substring(0, SHOWN_MAX) + "…" : text;
    }

    private LabelException wrong(String key, JsonNode found, String expected) {
      return new LabelException(
          origin
              + ": "
              + key
              + ": "
              + (found.isMissingNode() ? "missing" : shown(found))
              + " (expected: "
              + expected
              + ")");
    }
  }
}
