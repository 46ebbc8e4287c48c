package io.penstock.sim;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import io.penstock.inference.Operation;
import org.jspecify.annotations.Nullable;

/** A chat or completions answer that is no stream. */
final class CompletionExchange extends WholeExchange {
  private final GenerationRequest request;
  private final String id;
  private final long createdSeconds;

  CompletionExchange(
      Replica replica,
      Wire wire,
      @Nullable SimFault fault,
      GenerationRequest request,
      String id,
      long createdSeconds) {
    super(replica, wire, fault);
    this.request = request;
    this.id = id;
    this.createdSeconds = createdSeconds;
  }

  @Override
  void open() {
    for (int i = 0; i < request.answers().size(); i++) {
      await(request.prompts().get(i / request.n()), request.answers().get(i).tokens());
    }
  }

  @Override
  ObjectNode body() {
    boolean chat = request.operation() == Operation.CHAT;
    ObjectNode body =
        Json.newObject()
            .put("id", id)
            .put("object", chat ? "chat.completion" : "text_completion")
            .put("created", createdSeconds)
            .put("model", request.model());
    ArrayNode choices = body.putArray("choices");
    int completion = 0;
    for (int i = 0; i < request.answers().size(); i++) {
      Answer answer = request.answers().get(i);
      ObjectNode choice = choices.addObject().put("index", i);
      if (chat) {
        message(choice, answer);
      } else {
        text(choice, answer);
      }
      choice.put("finish_reason", answer.finishReason()).putNull("stop_reason");
      completion += answer.tokens();
      replica().onAnswered(answer.finishReason());
    }
    int prompt = request.prompts().stream().mapToInt(Prompt::tokens).sum();
    body.putObject("usage")
        .put("prompt_tokens", prompt)
        .put("total_tokens", prompt + completion)
        .put("completion_tokens", completion)
        .putObject("prompt_tokens_details")
        .put("cached_tokens", cachedTokens(request.n()));
    return body;
  }

  private void message(ObjectNode choice, Answer answer) {
    ObjectNode message = choice.putObject("message").put("role", "assistant");
    Answer.ToolCall call = answer.tool();
    if (call != null) {
      message.putNull("content");
      ObjectNode entry = message.putArray("tool_calls").addObject();
      entry.put("id", call.id()).put("type", "function");
      entry.putObject("function").put("name", call.name()).put("arguments", answer.rest());
      choice.putNull("logprobs");
      return;
    }
    if (!request.logprobs()) {
      message.put("content", answer.rest());
      choice.putNull("logprobs");
      return;
    }
    StringBuilder text = new StringBuilder();
    ArrayNode entries = choice.putObject("logprobs").putArray("content");
    for (int i = 0; i < answer.tokens(); i++) {
      Token token = answer.next();
      text.append(token.text());
      entries.addRawValue(new RawValue(Frames.chatLogprob(token)));
    }
    message.put("content", text.toString());
  }

  private void text(ObjectNode choice, Answer answer) {
    if (!request.logprobs()) {
      choice.put("text", answer.rest()).putNull("logprobs");
      return;
    }
    StringBuilder text = new StringBuilder();
    ObjectNode logprobs = choice.putObject("logprobs");
    ArrayNode offsets = logprobs.putArray("text_offset");
    ArrayNode values = logprobs.putArray("token_logprobs");
    ArrayNode tokens = logprobs.putArray("tokens");
    for (int i = 0; i < answer.tokens(); i++) {
      Token token = answer.next();
      offsets.add(text.length());
      values.add(-0.25);
      tokens.add(token.text());
      text.append(token.text());
    }
    choice.put("text", text.toString());
  }
}
