package io.penstock.ingress;

import io.penstock.openai.Question;
import io.penstock.openai.Slice;
import io.penstock.tiers.Draft;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Reads what an answer that is held says: text, finish reason, tool calls and log probabilities of
 * its first choice. What is not of the expected form is passed over: an engine's oddities are no
 * reason to fail. Pure; over at most so many bytes as are held.
 */
final class DraftText {
  private final StringBuilder text = new StringBuilder();
  private String finishReason = "";
  private boolean callsTools;
  private double logprobs;
  private int tokens;

  static Draft ofWhole(Question question, byte[] body) {
    DraftText read = new DraftText();
    read.object(new String(body, StandardCharsets.UTF_8));
    return read.draft(question);
  }

  /**
   * Reads frames of a stream, each slice one or several whole ones. As they come: read at the end,
   * a long draft would hold up for some ten milliseconds all that its loop carries.
   */
  void read(List<Slice> frames) {
    for (Slice each : frames) {
      new String(each.bytes(), each.offset(), each.length(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> line.startsWith("data:"))
          .map(line -> line.substring("data:".length()).strip())
          .filter(data -> data.startsWith("{"))
          .forEach(this::object);
    }
  }

  /** What has been read so far. */
  Draft draft(Question question) {
    return new Draft(
        question.text(),
        question.asksForJson(),
        text.toString(),
        finishReason,
        callsTools,
        tokens == 0 ? OptionalDouble.empty() : OptionalDouble.of(logprobs / tokens));
  }

  private void object(String json) {
    try {
      Object choices = new JsonObject(json).getValue("choices");
      if (choices instanceof JsonArray list) {
        for (Object each : list) {
          if (each instanceof JsonObject choice && isFirst(choice)) {
            choice(choice);
          }
        }
      }
    } catch (DecodeException unreadable) {
      // the relay has judged its syntax as far as clients are concerned
    }
  }

  private static boolean isFirst(JsonObject choice) {
    return !(choice.getValue("index") instanceof Number index) || index.intValue() == 0;
  }

  private void choice(JsonObject choice) {
    if (choice.getValue("finish_reason") instanceof String reason) {
      finishReason = reason;
    }
    append(choice.getValue("text"));
    said(choice.getValue("message"));
    said(choice.getValue("delta"));
    if (choice.getValue("logprobs") instanceof JsonObject probabilities) {
      logprobs(probabilities);
    }
  }

  private void said(Object message) {
    if (message instanceof JsonObject of) {
      append(of.getValue("content"));
      append(of.getValue("refusal"));
      boolean calls = of.getValue("tool_calls") instanceof JsonArray list && !list.isEmpty();
      callsTools |= calls || of.getValue("function_call") instanceof JsonObject;
    }
  }

  private void append(Object part) {
    if (part instanceof String said) {
      text.append(said);
    }
  }

  /** Of chats in {@code content}, of completions in {@code token_logprobs}. */
  private void logprobs(JsonObject of) {
    if (of.getValue("content") instanceof JsonArray list) {
      for (Object each : list) {
        if (each instanceof JsonObject token) {
          logprob(token.getValue("logprob"));
        }
      }
    }
    if (of.getValue("token_logprobs") instanceof JsonArray list) {
      list.forEach(this::logprob);
    }
  }

  private void logprob(Object value) {
    if (value instanceof Number number) {
      logprobs += number.doubleValue();
      tokens++;
    }
  }
}
