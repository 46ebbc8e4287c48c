package io.penstock.adapter.engine;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Reads an engine's {@code /openapi.json}: whether a chat request there has the field {@code
 * continue_final_message}. Read as a stream of tokens in one pass, since the page of a vLLM has
 * hundreds of kilobytes and is wanted for one bit.
 *
 * <p>What counts is the schema to which the chat path refers, or which stands there, wherever in
 * the page either comes. A path that takes an untyped body says nothing: an engine that validates
 * by hand may know the field all the same.
 */
final class ApiDescription {
  private static final JsonFactory JSON = new JsonFactory();
  private static final List<String> CHAT_BODY =
      List.of("paths", "/v1/chat/completions", "post", "requestBody");
  private static final List<String> SCHEMAS = List.of("components", "schemas");
  private static final String SCHEMAS_REF = "#/components/schemas/";
  private static final String PROPERTIES = "properties";
  private static final String FIELD = "continue_final_message";

  /** Name of a schema that stands in the path itself. */
  private static final String INLINE = "";

  /** Names of the objects around the token; an array's elements have the name of the array. */
  private final List<String> path = new ArrayList<>();

  private final Set<String> described = new HashSet<>();
  private final Set<String> withField = new HashSet<>();
  private String chatSchema = INLINE;

  private ApiDescription() {}

  /** Whether an engine says that it can go on with a message; empty when it does not say. */
  static Optional<Boolean> continuesMessages(byte[] page) {
    try (JsonParser parser = JSON.createParser(page)) {
      return new ApiDescription().read(parser);
    } catch (IOException notJson) {
      return Optional.empty();
    }
  }

  private Optional<Boolean> read(JsonParser in) throws IOException {
    String name = "";
    for (JsonToken token = in.nextToken(); token != null; token = in.nextToken()) {
      switch (token) {
        case FIELD_NAME -> {
          name = in.currentName();
          member(name);
        }
        case START_OBJECT, START_ARRAY -> path.add(name);
        case END_OBJECT, END_ARRAY -> name = path.remove(path.size() - 1);
        case VALUE_STRING -> {
          if (name.equals("$ref") && isWithin(CHAT_BODY)) {
            reference(in.getText());
          }
        }
        default -> {}
      }
    }
    return described.contains(chatSchema)
        ? Optional.of(withField.contains(chatSchema))
        : Optional.empty();
  }

  private void reference(String to) {
    if (chatSchema.equals(INLINE) && to.startsWith(SCHEMAS_REF)) {
      chatSchema = to.substring(SCHEMAS_REF.length());
    }
  }

  private void member(String name) {
    int parent = path.size() - 1;
    if (isWithin(SCHEMAS) && parent >= SCHEMAS.size() + 1) {
      String schema = path.get(SCHEMAS.size() + 1);
      described.add(schema);
      if (name.equals(FIELD)
          && parent == SCHEMAS.size() + 2
          && path.get(parent).equals(PROPERTIES)) {
        withField.add(schema);
      }
    } else if (isWithin(CHAT_BODY)) {
      if (name.equals(PROPERTIES)) {
        described.add(INLINE);
      } else if (name.equals(FIELD) && path.get(parent).equals(PROPERTIES)) {
        withField.add(INLINE);
      }
    }
  }

  /** The outermost object has no name of its own. */
  private boolean isWithin(List<String> names) {
    return path.size() > names.size() && path.subList(1, names.size() + 1).equals(names);
  }
}
