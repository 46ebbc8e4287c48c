package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;

/**
 * A short name for what a tree says: equal trees have equal fingerprints however they are written.
 * SHA-256 over a canonical form (keys sorted, numbers by value, no white space), cut to 128 bits:
 * enough against accident, and nodes of one cluster do not attack each other with it.
 */
final class Fingerprint {
  private static final int BYTES = 16;

  private Fingerprint() {}

  static String of(JsonNode tree) {
    return of(tree, MissingNode.getInstance());
  }

  /** Of a fleet and its tenants, without where each node keeps their keys. */
  static String of(JsonNode fleet, JsonNode tenants) {
    StringBuilder canonical = new StringBuilder();
    write(fleet, canonical);
    if (tenants instanceof ObjectNode section) {
      write(section.deepCopy().without("key_file"), canonical);
    }
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(canonical.toString().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-256 is in every JDK", e);
    }
  }

  private static void write(JsonNode value, StringBuilder out) {
    if (value.isObject()) {
      List<String> keys = new ArrayList<>();
      value.fieldNames().forEachRemaining(keys::add);
      keys.remove("$schema");
      Collections.sort(keys);
      out.append('{');
      for (String key : keys) {
        out.append('"').append(key).append("\":");
        write(value.path(key), out);
        out.append(',');
      }
      out.append('}');
    } else if (value.isArray()) {
      out.append('[');
      for (JsonNode each : value) {
        write(each, out);
        out.append(',');
      }
      out.append(']');
    } else if (value.isNumber()) {
      out.append(value.decimalValue().stripTrailingZeros());
    } else {
      out.append(value);
    }
  }
}
