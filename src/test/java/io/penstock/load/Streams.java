package io.penstock.load;

import java.nio.charset.StandardCharsets;

/** Streams as engines send them, for tests. */
final class Streams {
  static final String DONE = "data: [DONE]\n\n";

  private Streams() {}

  static String frame(String json) {
    return "data: " + json + "\n\n";
  }

  static String role() {
    return frame(
        "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}");
  }

  static String content(String text) {
    return frame(
        "{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\""
            + text
            + "\"},\"finish_reason\":null}]}");
  }

  static String finish() {
    return frame(
        "{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}");
  }

  static String usage(int prompt, int completion) {
    return frame(
        "{\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":"
            + prompt
            + ",\"completion_tokens\":"
            + completion
            + ",\"total_tokens\":"
            + (prompt + completion)
            + ",\"prompt_tokens_details\":{\"cached_tokens\":1}}}");
  }

  /** A whole chat stream of so many contents. */
  static String whole(int contents) {
    StringBuilder stream = new StringBuilder(role());
    for (int i = 0; i < contents; i++) {
      stream.append(content("wör" + i));
    }
    return stream.append(finish()).append(usage(7, contents)).append(DONE).toString();
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
