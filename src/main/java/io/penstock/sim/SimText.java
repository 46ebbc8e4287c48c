package io.penstock.sim;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;

/**
 * What a simulated engine will say, so that a test knows it before it asks.
 *
 * <p>The text depends on the seed and the prompt alone: every replica says the same, whatever the
 * model is called. Each word is a function of all text before it, so the answer to a prompt plus
 * the first tokens of its answer is the rest of that answer, for chat with {@code
 * continue_final_message} and for completions.
 */
public final class SimText {
  private SimText() {}

  /**
   * The text of one choice of a request: the content, or the arguments where a tool is called.
   *
   * @param config of the simulator that is asked
   * @param path {@code /v1/chat/completions} or {@code /v1/completions}
   * @param requestBody the JSON body
   * @param choice the choice's index
   * @throws IllegalArgumentException when the engine would refuse the request or has no such choice
   */
  public static String expected(SimConfig config, String path, String requestBody, int choice) {
    return answer(config, path, requestBody, choice).rest();
  }

  private static Answer answer(SimConfig config, String path, String requestBody, int choice) {
    try {
      ObjectNode body = Json.object(requestBody.getBytes(StandardCharsets.UTF_8));
      int context = config.effectiveProfile().maxModelLength();
      GenerationRequest request =
          switch (path) {
            case "/v1/chat/completions" -> GenerationRequest.chat(body, config);
            case "/v1/completions" -> GenerationRequest.completion(body, config.seed(), context);
            default ->
                throw new IllegalArgumentException(
                    "path: '" + path + "' (expected: /v1/chat/completions or /v1/completions)");
          };
      if (choice < 0 || choice >= request.answers().size()) {
        throw new IllegalArgumentException(
            "choice: " + choice + " (expected: 0.." + (request.answers().size() - 1) + ")");
      }
      return request.answers().get(choice);
    } catch (Rejection e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }
}
