package io.penstock.sim;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.penstock.inference.Operation;
import io.penstock.measure.Hash64;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A chat or completions request, validated, with the answer it will get.
 *
 * <p>Conventions of the simulator:
 *
 * <ul>
 *   <li>With {@code max_tokens} or {@code max_completion_tokens} exactly so many tokens are
 *       generated, as if {@code ignore_eos} were set, so that a replayed trace has its lengths. A
 *       chat without them ends of itself; completions default to 16, as the API says.
 *   <li>A tool is called when {@code tool_choice} is {@code required} or names a function, or when
 *       the last message is the user's and mentions a tool by its name. The arguments are the least
 *       that fit the tool's schema.
 *   <li>{@code continue_final_message: true} goes on with the last assistant message, unless the
 *       configuration says otherwise.
 * </ul>
 *
 * @param operation chat or completion
 * @param model the name asked for
 * @param stream whether the answer is a stream
 * @param includeUsage a last frame with usage
 * @param continuousUsage usage in every frame
 * @param logprobs whether each token comes with a log probability
 * @param prompts one or more; chat has one
 * @param n answers to each prompt
 * @param answers per prompt, then per choice
 * @param fault the fault that the body asks for, in the {@code sim_fault} field
 */
record GenerationRequest(
    Operation operation,
    String model,
    boolean stream,
    boolean includeUsage,
    boolean continuousUsage,
    boolean logprobs,
    List<Prompt> prompts,
    int n,
    List<Answer> answers,
    Optional<SimFault> fault) {
  static final int CHOICES_MAX = 128;
  private static final int PROMPTS_MAX = 2048;
  private static final int STOPS_MAX = 16;
  private static final int COMPLETION_DEFAULT_TOKENS = 16;

  static GenerationRequest chat(ObjectNode body, SimConfig config) {
    switch (config.continuation()) {
      case OFFERED -> {}
      case REFUSED -> {
        if (body.has("continue_final_message")) {
          throw Rejection.badRequest(
              "continue_final_message", "unknown_field", "continue_final_message: unknown field");
        }
      }
      case IGNORED -> {
        body.remove("continue_final_message");
        body.remove("add_generation_prompt");
      }
    }
    return chat(body, config.seed(), config.effectiveProfile().maxModelLength());
  }

  private static GenerationRequest chat(ObjectNode body, long seed, int maxModelLength) {
    boolean continues = body.path("continue_final_message").asBoolean(false);
    boolean opens = body.path("add_generation_prompt").asBoolean(true);
    if (continues && opens && body.has("add_generation_prompt")) {
      throw Rejection.badRequest(
          "continue_final_message",
          "invalid_value",
          "continue_final_message: true with add_generation_prompt: true (expected: at most one)");
    }
    JsonNode messages = required(body, "messages");
    String text = ChatTemplate.render(messages, continues, opens);
    return build(
        Operation.CHAT, body, List.of(Prompt.ofText(seed, text)), maxModelLength, "messages");
  }

  static GenerationRequest completion(ObjectNode body, long seed, int maxModelLength) {
    List<Prompt> prompts = prompts(required(body, "prompt"), seed, "prompt");
    return build(Operation.COMPLETION, body, prompts, maxModelLength, "prompt");
  }

  /** A string, an array of strings, token ids, or an array of token ids. */
  static List<Prompt> prompts(JsonNode node, long seed, String param) {
    List<Prompt> prompts = new ArrayList<>();
    if (node.isArray() && node.size() > 0 && !node.get(0).isNumber()) {
      if (node.size() > PROMPTS_MAX) {
        throw Rejection.invalid(param, node.size() + " entries", "at most " + PROMPTS_MAX);
      }
      for (int i = 0; i < node.size(); i++) {
        prompts.add(prompt(node.get(i), seed, param + "[" + i + "]"));
      }
    } else {
      prompts.add(prompt(node, seed, param));
    }
    return prompts;
  }

  private static Prompt prompt(JsonNode node, long seed, String param) {
    if (node.isTextual() && !node.asText().isEmpty()) {
      return Prompt.ofText(seed, node.asText());
    }
    if (node.isArray() && node.size() > 0) {
      int[] ids = new int[node.size()];
      for (int i = 0; i < ids.length; i++) {
        if (!node.get(i).canConvertToInt() || node.get(i).asInt() < 0) {
          throw Rejection.invalid(param + "[" + i + "]", node.get(i), "a token id, >= 0");
        }
        ids[i] = node.get(i).asInt();
      }
      return Prompt.ofIds(seed, ids);
    }
    throw Rejection.invalid(
        param, node.isValueNode() ? node : Json.kind(node), "a string or token ids, not empty");
  }

  private static GenerationRequest build(
      Operation operation,
      ObjectNode body,
      List<Prompt> prompts,
      int maxModelLength,
      String promptParam) {
    int n = integer(body, "n", 1, CHOICES_MAX).orElse(1);
    if (prompts.size() * (long) n > PROMPTS_MAX) {
      throw Rejection.invalid("n", n, "prompts × n <= " + PROMPTS_MAX);
    }
    Optional<Integer> asked = integer(body, "max_completion_tokens", 1, Integer.MAX_VALUE);
    if (asked.isEmpty()) {
      asked = integer(body, "max_tokens", 1, Integer.MAX_VALUE);
    }
    if (asked.isEmpty() && operation == Operation.COMPLETION) {
      asked = Optional.of(COMPLETION_DEFAULT_TOKENS);
    }
    AnswerPlan plan = AnswerPlan.of(operation, body);
    List<Answer> answers = new ArrayList<>();
    for (Prompt prompt : prompts) {
      int room = room(prompt.tokens(), asked, maxModelLength, promptParam);
      for (int choice = 0; choice < n; choice++) {
        answers.add(plan.answer(prompt.cursor().choice(choice), asked, room));
      }
    }
    JsonNode streamOptions = body.path("stream_options");
    boolean stream = bool(body, "stream");
    boolean usage = stream && streamOptions.path("include_usage").asBoolean(false);
    return new GenerationRequest(
        operation,
        model(body),
        stream,
        usage,
        usage && streamOptions.path("continuous_usage_stats").asBoolean(false),
        body.path("logprobs").asBoolean(false) || body.path("logprobs").isNumber(),
        prompts,
        n,
        answers,
        fault(body));
  }

  private static int room(
      int promptTokens, Optional<Integer> asked, int maxModelLength, String promptParam) {
    long total = (long) promptTokens + asked.orElse(1);
    if (total > maxModelLength) {
      throw Rejection.badRequest(
          promptParam,
          "context_length_exceeded",
          "This model's maximum context length is "
              + maxModelLength
              + " tokens. However, you requested "
              + total
              + " tokens ("
              + promptTokens
              + " in the "
              + promptParam
              + ", "
              + asked.orElse(1)
              + " in the completion). Please reduce the length of the "
              + promptParam
              + " or completion.");
    }
    return maxModelLength - promptTokens;
  }

  static String model(ObjectNode body) {
    JsonNode model = required(body, "model");
    if (!model.isTextual() || model.asText().isEmpty()) {
      throw Rejection.invalid("model", Json.kind(model), "a string");
    }
    return model.asText();
  }

  static JsonNode required(ObjectNode body, String field) {
    JsonNode value = body.get(field);
    if (value == null || value.isNull()) {
      throw Rejection.badRequest(
          field, "missing_field", field + ": missing (expected: this field in the body)");
    }
    return value;
  }

  static Optional<SimFault> fault(ObjectNode body) {
    JsonNode text = body.path("sim_fault");
    if (!text.isTextual()) {
      return Optional.empty();
    }
    try {
      return Optional.of(SimFault.parse(text.asText()));
    } catch (IllegalArgumentException e) {
      throw Rejection.badRequest("sim_fault", "invalid_value", String.valueOf(e.getMessage()));
    }
  }

  static Optional<Integer> integer(ObjectNode body, String field, int least, int most) {
    JsonNode value = body.get(field);
    if (value == null || value.isNull()) {
      return Optional.empty();
    }
    if (!value.canConvertToInt()
        || !value.isIntegralNumber()
        || value.asInt() < least
        || value.asInt() > most) {
      throw Rejection.invalid(
          field,
          value,
          "an integer " + (most == Integer.MAX_VALUE ? ">= " + least : least + ".." + most));
    }
    return Optional.of(value.asInt());
  }

  private static boolean bool(ObjectNode body, String field) {
    JsonNode value = body.get(field);
    if (value != null && !value.isNull() && !value.isBoolean()) {
      throw Rejection.invalid(field, value, "true or false");
    }
    return value != null && value.asBoolean();
  }

  /** What kind of answer a request gets, the same for all its choices. */
  private record AnswerPlan(@Nullable String tool, @Nullable String fixed, List<String> stops) {
    static AnswerPlan of(Operation operation, ObjectNode body) {
      List<String> stops = stops(body.path("stop"));
      if (operation == Operation.COMPLETION) {
        return new AnswerPlan(null, null, stops);
      }
      Optional<JsonNode> tool = Tools.called(body);
      if (tool.isPresent()) {
        JsonNode function = tool.get().path("function");
        return new AnswerPlan(
            function.path("name").asText(),
            MinimalJson.of(function.path("parameters")).toString(),
            stops);
      }
      JsonNode format = body.path("response_format");
      return switch (format.path("type").asText("text")) {
        case "text" -> new AnswerPlan(null, null, stops);
        case "json_object" -> new AnswerPlan(null, "{\"answer\":\"word\"}", stops);
        case "json_schema" ->
            new AnswerPlan(
                null, MinimalJson.of(format.path("json_schema").path("schema")).toString(), stops);
        default ->
            throw Rejection.invalid(
                "response_format.type", format.path("type"), "text, json_object or json_schema");
      };
    }

    private static List<String> stops(JsonNode node) {
      List<String> stops = new ArrayList<>();
      for (JsonNode each : node.isTextual() ? List.of(node) : node) {
        if (!each.isTextual() || each.asText().isEmpty() || stops.size() == STOPS_MAX) {
          throw Rejection.invalid("stop", node, "a string or at most " + STOPS_MAX + " strings");
        }
        stops.add(each.asText());
      }
      return stops;
    }

    Answer answer(TextCursor cursor, Optional<Integer> asked, int room) {
      int most = asked.orElse(room);
      if (tool != null) {
        String id = "call_" + Long.toHexString(Hash64.of(cursor.copy().next().text() + tool));
        return Answer.tool(new Answer.ToolCall(id, tool), String.valueOf(fixed), most);
      }
      if (fixed != null) {
        return Answer.fixed(fixed, most);
      }
      Answer words = asked.isPresent() ? Answer.words(cursor, most) : Answer.natural(cursor, most);
      return stops.isEmpty() ? words : Answer.cutAt(words, stops);
    }
  }
}
