package io.penstock.sim;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.penstock.measure.Hash64;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An embeddings answer. A vector depends on seed and input alone and has length 1; its cost is the
 * input's prefill, in steps with others or in a turn of its own.
 */
final class EmbeddingExchange extends WholeExchange {
  private static final int DIMENSIONS_DEFAULT = 384;
  private static final int DIMENSIONS_MAX = 4096;

  /** A request, validated. */
  record Request(String model, List<Prompt> inputs, int dimensions, boolean base64) {
    static Request of(ObjectNode body, long seed, int maxModelLength) {
      List<Prompt> inputs =
          GenerationRequest.prompts(GenerationRequest.required(body, "input"), seed, "input");
      for (int i = 0; i < inputs.size(); i++) {
        if (inputs.get(i).tokens() >= maxModelLength) {
          throw Rejection.badRequest(
              "input[" + i + "]",
              "context_length_exceeded",
              "This model's maximum context length is "
                  + maxModelLength
                  + " tokens. However, input "
                  + i
                  + " has "
                  + inputs.get(i).tokens()
                  + " tokens.");
        }
      }
      int dimensions =
          GenerationRequest.integer(body, "dimensions", 1, DIMENSIONS_MAX)
              .orElse(DIMENSIONS_DEFAULT);
      JsonNode format = body.path("encoding_format");
      return switch (format.asText("float")) {
        case "float" -> new Request(GenerationRequest.model(body), inputs, dimensions, false);
        case "base64" -> new Request(GenerationRequest.model(body), inputs, dimensions, true);
        default -> throw Rejection.invalid("encoding_format", format, "float or base64");
      };
    }
  }

  private final Request request;
  private final String id;
  private final long createdSeconds;

  EmbeddingExchange(
      Replica replica,
      Wire wire,
      @Nullable SimFault fault,
      Request request,
      String id,
      long createdSeconds) {
    super(replica, wire, fault);
    this.request = request;
    this.id = id;
    this.createdSeconds = createdSeconds;
  }

  @Override
  void open() {
    if (replica().profile().callsInTurn()) {
      long tokens = request.inputs().stream().mapToLong(Prompt::tokens).sum();
      awaitTurn(replica().turnMillis(replica().profile().stepMicros(tokens, 0, 0)));
    } else {
      request.inputs().forEach(input -> await(input, 1));
    }
  }

  @Override
  ObjectNode body() {
    ObjectNode body = Json.newObject().put("id", id).put("object", "list");
    body.put("created", createdSeconds).put("model", request.model());
    ArrayNode data = body.putArray("data");
    int tokens = 0;
    for (int i = 0; i < request.inputs().size(); i++) {
      Prompt input = request.inputs().get(i);
      tokens += input.tokens();
      ObjectNode entry = data.addObject().put("index", i).put("object", "embedding");
      float[] vector = vector(input, request.dimensions());
      if (request.base64()) {
        entry.put("embedding", base64(vector));
      } else {
        ArrayNode numbers = entry.putArray("embedding");
        for (float each : vector) {
          numbers.add(each);
        }
      }
      replica().onAnswered("stop");
    }
    body.putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
    return body;
  }

  /** Little-endian floats, as the API has it. */
  private static String base64(float[] vector) {
    ByteBuffer bytes = ByteBuffer.allocate(vector.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (float each : vector) {
      bytes.putFloat(each);
    }
    return Base64.getEncoder().encodeToString(bytes.array());
  }

  private static float[] vector(Prompt input, int dimensions) {
    long state = input.cursor().hash();
    double[] raw = new double[dimensions];
    double squares = 0;
    for (int i = 0; i < dimensions; i++) {
      raw[i] = Hash64.combine(state, i) * 0x1.0p-63;
      squares += raw[i] * raw[i];
    }
    double length = Math.sqrt(squares);
    float[] vector = new float[dimensions];
    for (int i = 0; i < dimensions; i++) {
      vector[i] = (float) (raw[i] / length);
    }
    return vector;
  }
}
