package io.penstock.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Random chat bodies that are right, with members in any order and unknown ones among them. */
final class RandomChat {
  private RandomChat() {}

  static byte[] body(RandomJson json) {
    List<String> members = new ArrayList<>();
    String model = json.string();
    members.add(member(json, "model", model.substring(0, model.length() - 1) + "m\""));
    members.add(member(json, "messages", messages(json)));
    maybe(json, members, "stream", json.pick("true", "false", "null"));
    maybe(json, members, "stream_options", streamOptions(json));
    maybe(json, members, "max_tokens", "" + (1 + json.below(5000)));
    maybe(json, members, "n", "" + (1 + json.below(128)));
    maybe(json, members, "user", json.string());
    maybe(json, members, "tools", json.array(2));
    maybe(json, members, "unknown", json.value(3));
    maybe(json, members, "usage", json.value(3));
    Collections.shuffle(members, new Random(json.below(Integer.MAX_VALUE)));
    String body =
        json.space() + "{" + json.space() + String.join(",", members) + "}" + json.space();
    return body.getBytes(UTF_8);
  }

  private static String messages(RandomJson json) {
    List<String> messages = new ArrayList<>();
    for (int i = 1 + json.below(3); i > 0; i--) {
      String content =
          json.oneIn(3) ? "[{\"type\":\"text\",\"text\":" + json.string() + "}]" : json.string();
      messages.add("{\"role\":\"user\"," + member(json, "content", content) + "}");
    }
    return "[" + String.join(",", messages) + "]";
  }

  private static String streamOptions(RandomJson json) {
    List<String> members = new ArrayList<>();
    maybe(json, members, "include_usage", json.pick("true", "false", "null"));
    maybe(json, members, "continuous_usage_stats", json.pick("true", "false", "null"));
    maybe(json, members, "include_obfuscation", "false");
    Collections.shuffle(members, new Random(json.below(Integer.MAX_VALUE)));
    return json.oneIn(6) ? "null" : "{" + json.space() + String.join(",", members) + "}";
  }

  private static void maybe(RandomJson json, List<String> members, String name, String value) {
    if (json.oneIn(2)) {
      members.add(member(json, name, value));
    }
  }

  private static String member(RandomJson json, String name, String value) {
    return json.space()
        + "\""
        + name
        + "\""
        + json.space()
        + ":"
        + json.space()
        + value
        + json.space();
  }
}
