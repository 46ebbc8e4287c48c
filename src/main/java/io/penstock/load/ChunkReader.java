package io.penstock.load;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Reads one object of an answer, a chunk of a stream or a whole completion, in one pass without a
 * tree. The fields tell what the last {@link #read} found; reused, one thread.
 */
final class ChunkReader {
  private static final JsonFactory JSON = new JsonFactory();

  /** Empty without one. */
  String id = "";

  boolean choices;
  boolean content;
  boolean finished;

  /** The error's code, or its type; null without an error. */
  @Nullable String error;

  boolean usage;
  long promptTokens;
  long completionTokens;
  long totalTokens;

  /** Whether the bytes are one JSON object and nothing more. */
  boolean read(byte[] bytes, int length) {
    id = "";
    choices = false;
    content = false;
    finished = false;
    error = null;
    usage = false;
    try (JsonParser json = JSON.createParser(bytes, 0, length)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        return false;
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String field = json.currentName();
        JsonToken value = json.nextToken();
        switch (field) {
          case "id" -> id = value == JsonToken.VALUE_STRING ? json.getText() : "";
          case "choices" -> readChoices(json, value);
          case "usage" -> readUsage(json, value);
          case "error" -> readError(json, value);
          case "object" -> {
            if (value == JsonToken.VALUE_STRING
                && json.getText().equals("error")
                && error == null) {
              error = "error";
            }
          }
          default -> {}
        }
        json.skipChildren(); // no-op where the value has been read
      }
      return json.nextToken() == null;
    } catch (JsonProcessingException e) {
      return false;
    } catch (IOException e) {
      throw new IllegalStateException("bytes cannot fail to be read", e);
    }
  }

  private void readChoices(JsonParser json, JsonToken value) throws IOException {
    if (value != JsonToken.START_ARRAY) {
      return;
    }
    choices = true;
    while (json.nextToken() != JsonToken.END_ARRAY) {
      if (json.currentToken() == JsonToken.START_OBJECT) {
        readChoice(json);
      } else {
        json.skipChildren();
      }
    }
  }

  private void readChoice(JsonParser json) throws IOException {
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      JsonToken value = json.nextToken();
      switch (field) {
        case "delta", "message" -> readDelta(json, value);
        case "text" -> content |= isContent(json, value);
        case "finish_reason" -> finished |= value == JsonToken.VALUE_STRING;
        default -> {}
      }
      json.skipChildren();
    }
  }

  private void readDelta(JsonParser json, JsonToken value) throws IOException {
    if (value != JsonToken.START_OBJECT) {
      return;
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      JsonToken inner = json.nextToken();
      switch (field) {
        case "content", "reasoning_content", "reasoning", "refusal", "tool_calls" ->
            content |= isContent(json, inner);
        default -> {}
      }
      json.skipChildren();
    }
  }

  /** A string that is not empty, or an array that is not; read to its end. */
  private static boolean isContent(JsonParser json, JsonToken value) throws IOException {
    if (value == JsonToken.VALUE_STRING) {
      return json.getTextLength() > 0;
    }
    if (value != JsonToken.START_ARRAY) {
      return false;
    }
    boolean any = false;
    while (json.nextToken() != JsonToken.END_ARRAY) {
      any = true;
      json.skipChildren();
    }
    return any;
  }

  private void readUsage(JsonParser json, JsonToken value) throws IOException {
    if (value != JsonToken.START_OBJECT) {
      return;
    }
    usage = true;
    promptTokens = 0;
    completionTokens = 0;
    totalTokens = 0;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      long number = json.nextToken() == JsonToken.VALUE_NUMBER_INT ? json.getLongValue() : -1;
      switch (field) {
        case "prompt_tokens" -> promptTokens = number;
        case "completion_tokens" -> completionTokens = number;
        case "total_tokens" -> totalTokens = number;
        default -> {}
      }
      json.skipChildren();
    }
  }

  private void readError(JsonParser json, JsonToken value) throws IOException {
    if (value == JsonToken.VALUE_NULL) {
      return;
    }
    error = "error";
    if (value == JsonToken.VALUE_STRING) {
      return;
    }
    String code = "";
    String type = "";
    while (value == JsonToken.START_OBJECT && json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "code" -> code = word(json);
        case "type" -> type = word(json);
        default -> {}
      }
      json.skipChildren();
    }
    String found = code.isEmpty() ? type : code;
    if (!found.isEmpty()) {
      error = found.length() <= 60 ? found : found.substring(0, 60);
    }
  }

  private static String word(JsonParser json) throws IOException {
    JsonToken value = json.currentToken();
    return value == JsonToken.VALUE_STRING || value == JsonToken.VALUE_NUMBER_INT
        ? json.getText()
        : "";
  }
}
