package io.penstock.openai;

import io.penstock.inference.Capability;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.Priority;
import io.penstock.inference.PromptBlocks;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What the gateway needs to know of a request's body. The body itself stays as it came.
 *
 * @param model the header's model where there is one, else the body's
 * @param stream whether the client wants server-sent events
 * @param usage what the client asked for on its stream; {@code NONE} where it does not stream
 * @param maxTokens {@code max_completion_tokens}, else {@code max_tokens}; 0 when neither is there
 * @param choices {@code n}; 1 when it is not there
 * @param user affinity key; empty when it is not there
 * @param priority what {@code service_tier} asks for; empty when it asks for nothing special
 * @param needs capabilities that the request uses
 * @param promptTokens estimate: bytes of the prompt's text divided by 4; token ids are counted
 * @param inputs number of prompts or of texts to embed; 1 for chat
 * @param blocks what the prompt begins with; none for embeddings
 * @param points where {@link Splice} may edit
 */
public record ScannedBody(
    Operation operation,
    ModelName model,
    boolean stream,
    UsageReporting usage,
    int maxTokens,
    int choices,
    String user,
    Optional<Priority> priority,
    Set<Capability> needs,
    int promptTokens,
    int inputs,
    PromptBlocks blocks,
    SplicePoints points) {
  public ScannedBody {
    needs = Set.copyOf(needs);
  }

  /**
   * Offsets in the body at which it can be edited.
   *
   * @param afterBrace after the {@code {} that opens the body's object, which has members
   * @param models the value of each top-level {@code model}; more than one where the key is doubled
   * @param streamOptions the value of the last {@code stream_options}, an object or null
   * @param includeUsage the value of its last {@code include_usage}
   * @param continuousUsage the value of its last {@code continuous_usage_stats}
   */
  public record SplicePoints(
      int afterBrace,
      List<Span> models,
      Optional<Span> streamOptions,
      Optional<Span> includeUsage,
      Optional<Span> continuousUsage) {
    public SplicePoints {
      models = List.copyOf(models);
    }
  }
}
