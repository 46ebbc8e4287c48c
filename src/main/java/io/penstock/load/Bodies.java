package io.penstock.load;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Request bodies as bytes, written without a tree. One thread. */
final class Bodies {
  private final Prompts prompts;
  private final byte[] head;
  private final String middle;
  private final boolean exactOutput;
  private final int maxInput;
  private final int maxOutput;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream(16 * 1024);

  Bodies(String model, Endpoint endpoint, LoadConfig.Workload workload, Prompts prompts) {
    this.prompts = prompts;
    this.exactOutput = workload.exactOutput();
    this.maxInput = workload.maxInput().orElse(Integer.MAX_VALUE);
    this.maxOutput = workload.maxOutput().orElse(Integer.MAX_VALUE);
    boolean chat = endpoint == Endpoint.CHAT;
    String quoted = new String(JsonStringEncoder.getInstance().quoteAsString(model));
    String opening = chat ? "\"messages\":[{\"role\":\"user\",\"content\":\"" : "\"prompt\":\"";
    this.head = ("{\"model\":\"" + quoted + "\"," + opening).getBytes(StandardCharsets.UTF_8);
    boolean usage = workload.stream() && workload.usage();
    this.middle =
        (chat ? "\"}]" : "\"")
            + ",\"stream\":"
            + workload.stream()
            + (usage ? ",\"stream_options\":{\"include_usage\":true}" : "")
            + ",\"max_tokens\":";
  }

  /** How many tokens are asked of it. */
  int outputTokens(Planned planned) {
    return Math.max(1, Math.min(planned.request().outputTokens(), maxOutput));
  }

  byte[] of(Planned planned) {
    out.reset();
    out.writeBytes(head);
    prompts.write(planned, maxInput, out);
    int tokens = outputTokens(planned);
    String exact = exactOutput ? ",\"min_tokens\":" + tokens + ",\"ignore_eos\":true}" : "}";
    out.writeBytes((middle + tokens + exact).getBytes(StandardCharsets.US_ASCII));
    return out.toByteArray();
  }
}
