package io.penstock.adapter.engine;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/**
 * Reads {@code /slots} of llama.cpp. A slot owns its part of the KV cache for as long as it
 * processes a request, whatever the request has written there yet: the share of the cache that can
 * not be had is the context of the busy slots over the context of all.
 */
final class LlamaCppSlots {
  private static final JsonFactory JSON = new JsonFactory();

  private LlamaCppSlots() {}

  /** Share of the KV cache in use, 0..1; NaN when the page is not a list of slots. */
  static double kvCacheUsage(byte[] page) {
    try (JsonParser parser = JSON.createParser(page)) {
      if (parser.nextToken() != JsonToken.START_ARRAY) {
        return Double.NaN;
      }
      long busyTokens = 0;
      long tokens = 0;
      while (parser.nextToken() == JsonToken.START_OBJECT) {
        Slot slot = slot(parser);
        tokens += slot.contextTokens();
        busyTokens += slot.isBusy() ? slot.contextTokens() : 0;
      }
      return tokens > 0 ? (double) busyTokens / tokens : Double.NaN;
    } catch (IOException notJson) {
      return Double.NaN;
    }
  }

  private record Slot(long contextTokens, boolean isBusy) {}

  private static Slot slot(JsonParser parser) throws IOException {
    long contextTokens = 0;
    boolean isBusy = false;
    for (String field = parser.nextFieldName(); field != null; field = parser.nextFieldName()) {
      JsonToken value = parser.nextToken();
      if (field.equals("n_ctx") && value == JsonToken.VALUE_NUMBER_INT) {
        contextTokens = Math.max(0, parser.getLongValue());
      } else if (field.equals("is_processing")) {
        isBusy = value == JsonToken.VALUE_TRUE;
      } else if (field.equals("state") && value == JsonToken.VALUE_NUMBER_INT) {
        // Builds before the end of 2024 had a number: 0 is idle.
        isBusy = parser.getLongValue() != 0;
      } else {
        parser.skipChildren();
      }
    }
    return new Slot(contextTokens, isBusy);
  }
}
