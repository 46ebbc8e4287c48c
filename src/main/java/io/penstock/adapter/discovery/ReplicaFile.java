package io.penstock.adapter.discovery;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.penstock.inference.Capability;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Reads the JSON form of a replica list, the same as in a node's configuration:
 *
 * <pre>{@code
 * [{"url": "http://10.0.0.7:8000", "id": "a", "weight": 2, "max_concurrent": 64,
 *   "capabilities": ["tools"], "zone": "z1"}]
 * }</pre>
 *
 * Only {@code url} is needed. All mistakes are told at once, each with its place, what was found
 * and what is expected; an unknown key is a mistake.
 */
final class ReplicaFile {
  private static final ObjectReader JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .build()
          .readerFor(JsonNode.class);
  private static final Set<String> KEYS =
      Set.of("url", "id", "weight", "max_concurrent", "capabilities", "zone");
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9._-]{1,64}");
  private static final int MISTAKES_MAX = 20;
  private static final int FOUND_CHARS_MAX = 80;

  /** What is wrong with a list; the message has all of it. */
  static final class MistakeException extends Exception {
    MistakeException(String message) {
      super(message);
    }
  }

  private final Pool pool;
  private final List<String> mistakes = new ArrayList<>();
  private final Map<ReplicaId, Integer> ids = new HashMap<>();
  private final Map<String, Integer> urls = new HashMap<>();

  private ReplicaFile(Pool pool) {
    this.pool = pool;
  }

  static List<ReplicaSpec> parse(byte[] text, Pool pool) throws MistakeException {
    return new ReplicaFile(pool).list(tree(text));
  }

  private static JsonNode tree(byte[] text) throws MistakeException {
    try {
      JsonNode root = JSON.readTree(text);
      if (root == null || root.isMissingNode()) {
        throw new MistakeException("nothing in it (expected: a JSON list of replicas)");
      }
      return root;
    } catch (JsonProcessingException broken) {
      var at = broken.getLocation();
      String place =
          at == null ? "" : "line " + at.getLineNr() + ", column " + at.getColumnNr() + ": ";
      throw new MistakeException(place + "not JSON: " + broken.getOriginalMessage());
    } catch (IOException unreadable) {
      throw new MistakeException("not JSON: " + unreadable.getMessage());
    }
  }

  private List<ReplicaSpec> list(JsonNode root) throws MistakeException {
    List<ReplicaSpec> replicas = new ArrayList<>();
    if (root.isArray()) {
      for (int i = 0; i < root.size(); i++) {
        replica(root.get(i), i).ifPresent(replicas::add);
      }
    } else {
      wrong("the file", root, "a JSON list of replicas");
    }
    if (mistakes.isEmpty()) {
      return List.copyOf(replicas);
    }
    String more =
        mistakes.size() > MISTAKES_MAX ? "; and " + (mistakes.size() - MISTAKES_MAX) + " more" : "";
    throw new MistakeException(
        mistakes.stream().limit(MISTAKES_MAX).collect(Collectors.joining("; ")) + more);
  }

  private Optional<ReplicaSpec> replica(JsonNode node, int index) {
    String path = "[" + index + "]";
    if (!node.isObject()) {
      wrong(path, node, "an object with a url");
      return Optional.empty();
    }
    int before = mistakes.size();
    node.fieldNames()
        .forEachRemaining(
            key -> {
              if (!KEYS.contains(key)) {
                mistakes.add(
                    path + "." + key + ": unknown key (expected: one of " + sorted(KEYS) + ")");
              }
            });
    Optional<URI> url = url(node.path("url"), path + ".url");
    Optional<String> id = id(node.path("id"), path + ".id");
    double weight = weight(node.path("weight"), path + ".weight");
    int maxConcurrent = maxConcurrent(node.path("max_concurrent"), path + ".max_concurrent");
    Set<Capability> capabilities = capabilities(node.path("capabilities"), path + ".capabilities");
    String zone = zone(node.path("zone"), path + ".zone");
    if (mistakes.size() > before || url.isEmpty()) {
      return Optional.empty();
    }
    URI at = url.get();
    ReplicaId name =
        id.map(ReplicaId::new)
            .orElseGet(() -> Addresses.idOf(pool.name(), at.getHost(), portOf(at)));
    String base = at.getScheme() + "://" + at.getRawAuthority();
    unique(urls, base, path + ".url", index);
    unique(ids, name, path + ".id", index);
    return Optional.of(new ReplicaSpec(name, base, weight, maxConcurrent, capabilities, zone));
  }

  private Optional<URI> url(JsonNode node, String path) {
    String expected = "http://HOST:PORT or https://HOST:PORT without a path";
    try {
      URI url = new URI(node.isTextual() ? node.textValue() : "");
      boolean isBase =
          Set.of("http", "https").contains(String.valueOf(url.getScheme()))
              && url.getHost() != null
              && Set.of("", "/").contains(url.getRawPath())
              && url.getRawUserInfo() == null
              && url.getRawQuery() == null
              && url.getRawFragment() == null
              && url.getPort() != 0
              && url.getPort() <= 65_535;
      if (isBase) {
        return Optional.of(url);
      }
    } catch (URISyntaxException notAUrl) {
      // Told below, like every other url that will not do.
    }
    wrong(path, node, expected);
    return Optional.empty();
  }

  private static int portOf(URI url) {
    if (url.getPort() > 0) {
      return url.getPort();
    }
    return url.getScheme().equals("https") ? 443 : 80;
  }

  private Optional<String> id(JsonNode node, String path) {
    if (node.isMissingNode()) {
      return Optional.empty();
    }
    if (node.isTextual() && ID.matcher(node.textValue()).matches()) {
      return Optional.of(node.textValue());
    }
    wrong(path, node, "1 to 64 of A-Z a-z 0-9 . _ -");
    return Optional.empty();
  }

  private double weight(JsonNode node, String path) {
    if (node.isMissingNode()) {
      return 1;
    }
    if (node.isNumber() && node.doubleValue() > 0 && Double.isFinite(node.doubleValue())) {
      return node.doubleValue();
    }
    wrong(path, node, "a number > 0");
    return 1;
  }

  private int maxConcurrent(JsonNode node, String path) {
    if (node.isMissingNode()) {
      return pool.maxConcurrent();
    }
    if (node.isIntegralNumber() && node.canConvertToInt() && node.intValue() >= 1) {
      return node.intValue();
    }
    wrong(path, node, "a whole number >= 1");
    return 1;
  }

  private Set<Capability> capabilities(JsonNode node, String path) {
    if (node.isMissingNode()) {
      return pool.capabilities();
    }
    if (!node.isArray()) {
      wrong(path, node, "a list of capabilities");
      return Set.of();
    }
    Set<Capability> found = new HashSet<>();
    for (int i = 0; i < node.size(); i++) {
      JsonNode each = node.get(i);
      Optional<Capability> capability =
          each.isTextual() ? Capability.of(each.textValue()) : Optional.empty();
      capability.ifPresent(found::add);
      if (capability.isEmpty()) {
        String all =
            Arrays.stream(Capability.values())
                .map(Capability::label)
                .collect(Collectors.joining(", "));
        wrong(path + "[" + i + "]", each, "one of " + all);
      }
    }
    return found;
  }

  private String zone(JsonNode node, String path) {
    if (node.isMissingNode()) {
      return "";
    }
    if (node.isTextual()) {
      return node.textValue();
    }
    wrong(path, node, "a text");
    return "";
  }

  private <T> void unique(Map<T, Integer> seen, T value, String path, int index) {
    Integer first = seen.putIfAbsent(value, index);
    if (first != null) {
      mistakes.add(path + ": " + value + " (expected: another one than [" + first + "] has)");
    }
  }

  private void wrong(String path, JsonNode found, String expected) {
    String text = found.isMissingNode() ? "nothing" : found.toString();
    String cut = text.length() <= FOUND_CHARS_MAX ? text : text.substring(0, FOUND_CHARS_MAX) + "…";
    mistakes.add(path + ": " + cut + " (expected: " + expected + ")");
  }

  private static String sorted(Set<String> names) {
    return names.stream().sorted().collect(Collectors.joining(", "));
  }
}
