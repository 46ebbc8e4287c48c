package io.penstock.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.penstock.inference.Operation;
import io.penstock.openai.CompletionSplit.Verdict;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class CompletionSplitTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ID = "\"id\":\"cmpl-7\",\"object\":\"text_completion\",";

  /** What one request has been told. */
  private static final class Told {
    final StringBuilder stream = new StringBuilder();
    String whole = "";
    boolean done;
    boolean broken;

    List<String> frames() {
      return Arrays.stream(stream.toString().split("\n\n"))
          .filter(each -> !each.isEmpty())
          .map(each -> each.substring("data: ".length()))
          .toList();
    }
  }

  private final List<Told> told = new ArrayList<>();

  private CompletionSplit split(String... bodies) {
    List<LaneBody> lanes = new ArrayList<>();
    told.clear();
    for (String each : bodies) {
      lanes.add(LaneBody.of(Operation.COMPLETION, each.getBytes(UTF_8)).orElseThrow());
      told.add(new Told());
    }
    return new CompletionSplit(
        lanes,
        new CompletionSplit.Outlet() {
          @Override
          public void more(int lane, byte[] frames) {
            assertThat(told.get(lane).done).isFalse();
            told.get(lane).stream.append(new String(frames, UTF_8));
          }

          @Override
          public void done(int lane) {
            assertThat(told.get(lane).done).isFalse();
            told.get(lane).done = true;
          }

          @Override
          public void whole(int lane, byte[] answer) {
            assertThat(told.get(lane).whole).isEmpty();
            told.get(lane).whole = new String(answer, UTF_8);
          }

          @Override
          public void broken(int lane) {
            told.get(lane).broken = true;
          }
        });
  }

  private static String body(String prompt, boolean stream, boolean usage, int maxTokens) {
    return "{\"model\":\"m\",\"prompt\":\""
        + prompt
        + "\",\"stream\":"
        + stream
        + (usage ? ",\"stream_options\":{\"include_usage\":true}" : "")
        + (maxTokens > 0 ? ",\"max_tokens\":" + maxTokens : "")
        + "}";
  }

  private static String choice(int index, String text, String finish) {
    return "{\"index\":"
        + index
        + ",\"text\":\""
        + text
        + "\",\"logprobs\":null,\"finish_reason\":"
        + (finish.isEmpty() ? "null" : "\"" + finish + "\",\"stop_reason\":null")
        + "}";
  }

  private static String frame(String... choices) {
    return "data: {" + ID + "\"choices\":[" + String.join(",", choices) + "]}\n\n";
  }

  private static String usage(int prompt, int completion) {
    return "data: {"
        + ID
        + "\"choices\":[],\"usage\":{\"prompt_tokens\":"
        + prompt
        + ",\"completion_tokens\":"
        + completion
        + ",\"total_tokens\":"
        + (prompt + completion)
        + "}}\n\n";
  }

  private static Verdict feed(CompletionSplit split, String text) {
    return split.feed(Slice.of(text.getBytes(UTF_8)));
  }

  private static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (IOException e) {
      throw new AssertionError(text, e);
    }
  }

  private static void assertUsage(JsonNode of, int prompt, int completion) {
    assertThat(of.at("/usage/prompt_tokens").asInt()).isEqualTo(prompt);
    assertThat(of.at("/usage/completion_tokens").asInt()).isEqualTo(completion);
    assertThat(of.at("/usage/total_tokens").asInt()).isEqualTo(prompt + completion);
  }

  /** Requests of all kinds, frames of one or several choices, cut anywhere. */
  @Property(tries = 300)
  void eachIsToldWhatItWouldHaveBeenToldAlone(@ForAll long seed) throws IOException {
    Random random = new Random(seed);
    int count = 2 + random.nextInt(6);
    boolean limited = random.nextBoolean();
    String[] bodies = new String[count];
    boolean[] streams = new boolean[count];
    boolean[] usages = new boolean[count];
    int[] limits = new int[count];
    int most = 0;
    for (int i = 0; i < count; i++) {
      streams[i] = random.nextBoolean();
      usages[i] = streams[i] && random.nextBoolean();
      limits[i] = limited ? 1 + random.nextInt(8) : 0;
      most = Math.max(most, limits[i]);
      bodies[i] = body("p".repeat(4 * (1 + random.nextInt(9))), streams[i], usages[i], limits[i]);
    }
    int[] natural = new int[count];
    List<List<String>> tokens = new ArrayList<>();
    List<String> waiting = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      natural[i] = 1 + random.nextInt(10);
      int says = limited ? Math.min(natural[i], most) : natural[i];
      List<String> words = new ArrayList<>();
      for (int t = 0; t < says; t++) {
        words.add(" w" + i + "." + t + (random.nextInt(4) == 0 ? "é\\n\\\"" : ""));
      }
      tokens.add(words);
    }
    StringBuilder wire = new StringBuilder(": hello\n\n");
    int[] at = new int[count];
    int total = 0;
    for (boolean more = true; more; ) {
      more = false;
      for (int i = 0; i < count; i++) {
        if (at[i] < tokens.get(i).size()) {
          boolean last = at[i] == tokens.get(i).size() - 1;
          boolean byLength = limited && natural[i] >= most;
          String finish = last ? byLength ? "length" : "stop" : "";
          waiting.add(choice(i, tokens.get(i).get(at[i]++), finish));
          total++;
          more = true;
          if (random.nextBoolean()) {
            wire.append(frame(waiting.toArray(String[]::new)));
            waiting.clear();
          }
        }
      }
      if (!waiting.isEmpty()) {
        wire.append(frame(waiting.toArray(String[]::new)));
        waiting.clear();
      }
    }
    int prompts = Arrays.stream(bodies).mapToInt(each -> each.indexOf("\",\"stream") - 23).sum();
    wire.append(usage(prompts / 4, total)).append("data: [DONE]\n\n");
    CompletionSplit split = split(bodies);
    byte[] bytes = wire.toString().getBytes(UTF_8);
    for (int from = 0; from < bytes.length; ) {
      int to = Math.min(bytes.length, from + 1 + random.nextInt(200));
      split.feed(Slice.of(Arrays.copyOfRange(bytes, from, to)));
      from = to;
    }
    assertThat(split.isOver()).isTrue();
    for (int i = 0; i < count; i++) {
      int due = limited ? Math.min(limits[i], tokens.get(i).size()) : tokens.get(i).size();
      String text = json("\"" + String.join("", tokens.get(i).subList(0, due)) + "\"").asText();
      boolean isCut = limited && due < tokens.get(i).size();
      String finish = isCut || (limited && natural[i] >= most) ? "length" : "stop";
      int prompt = (bodies[i].indexOf("\",\"stream") - 23) / 4;
      if (streams[i]) {
        assertStream(told.get(i), i, text, finish, due, usages[i] ? prompt : -1);
      } else {
        JsonNode answer = json(told.get(i).whole);
        assertThat(answer.at("/id").asText()).isEqualTo("cmpl-7-" + i);
        assertThat(answer.at("/choices")).hasSize(1);
        assertThat(answer.at("/choices/0/index").asInt()).isZero();
        assertThat(answer.at("/choices/0/text").asText()).isEqualTo(text);
        assertThat(answer.at("/choices/0/finish_reason").asText()).isEqualTo(finish);
        assertUsage(answer, prompt, due); // of whole tokens, so that estimates are right too
      }
    }
  }

  private static void assertStream(
      Told lane, int number, String text, String finish, int tokens, int prompt) {
    List<String> frames = lane.frames();
    assertThat(lane.done).isTrue();
    assertThat(frames.get(frames.size() - 1)).isEqualTo("[DONE]");
    assertThat(frames).hasSize(tokens + 2);
    StringBuilder said = new StringBuilder();
    for (int i = 0; i < tokens; i++) {
      JsonNode each = json(frames.get(i));
      assertThat(each.at("/id").asText()).isEqualTo("cmpl-7-" + number);
      assertThat(each.at("/choices")).hasSize(1);
      assertThat(each.at("/choices/0/index").asInt()).isZero();
      assertThat(each.has("usage")).isFalse();
      said.append(each.at("/choices/0/text").asText());
      assertThat(each.at("/choices/0/finish_reason").asText("null"))
          .isEqualTo(i == tokens - 1 ? finish : "null");
    }
    assertThat(said.toString()).isEqualTo(text);
    JsonNode last = json(frames.get(tokens));
    assertThat(last.at("/choices")).isEmpty();
    assertUsage(last, prompt < 0 ? last.at("/usage/prompt_tokens").asInt() : prompt, tokens);
  }

  @Test
  void aStreamThatDoesNotAskForUsageEndsWithItsText() {
    CompletionSplit split = split(body("pppp", true, false, 2), body("pppp", true, true, 5));
    feed(split, frame(choice(0, "a", ""), choice(1, "b", "")));
    feed(split, frame(choice(0, "c", ""), choice(1, "d", "")));
    assertThat(told.get(0).done).isTrue();
    assertThat(told.get(0).frames()).hasSize(4);
    assertThat(told.get(0).stream).endsWith("data: [DONE]\n\n");
    assertThat(json(told.get(0).frames().get(1)).at("/choices/0/finish_reason").asText())
        .isEqualTo("length");
    assertUsage(json(told.get(0).frames().get(2)), 1, 2);
    assertThat(split.isOver()).isFalse();
  }

  @Test
  void nobodyWaitsForACountWhereTheEngineGoesOnForNobody() {
    CompletionSplit split = split(body("pppp", false, false, 1), body("pppp", true, true, 9));
    feed(split, frame(choice(0, "a", ""), choice(1, "b", "")));
    assertThat(told.get(0).whole).as("waits to be told its usage").isEmpty();
    split.left(1);
    assertThat(json(told.get(0).whole).at("/choices/0/text").asText()).isEqualTo("a");
    assertUsage(json(told.get(0).whole), 1, 1);
    assertThat(split.isOver()).isTrue();
    assertThat(split.isFinished()).as("the engine goes on").isFalse();
  }

  @Test
  void theCountIsWaitedForWhereTheEngineOnlyEndsItsStep() {
    CompletionSplit split = split(body("pppp", false, false, 2), body("pppp", false, false, 1));
    feed(split, frame(choice(0, "a", "")) + frame(choice(1, "b", "")));
    feed(split, frame(choice(0, "c", "length")));
    assertThat(told.get(0).whole).as("the engine still has to end the other").isEmpty();
    feed(split, frame(choice(1, "d", "length")) + usage(21, 4) + "data: [DONE]\n\n");
    assertUsage(json(told.get(0).whole), 11, 2);
    assertUsage(json(told.get(1).whole), 10, 1);
  }

  @Test
  void whatTheEngineCountsBeyondItsFramesIsSharedByThem() {
    CompletionSplit split =
        split(body("p".repeat(12), false, false, 9), body("p".repeat(4), false, false, 9));
    feed(split, frame(choice(0, "a b", "")));
    feed(split, frame(choice(1, "c d", "stop")));
    feed(split, frame(choice(0, "e", "")) + frame(choice(0, "f", "")));
    feed(split, frame(choice(0, "", "stop")));
    assertThat(told.get(1).whole).isEmpty();
    assertThat(feed(split, usage(9, 8) + "data: [DONE]\n\n")).isEqualTo(Verdict.DONE);
    assertThat(json(told.get(0).whole).at("/choices/0/text").asText()).isEqualTo("a bef");
    assertUsage(json(told.get(0).whole), 7, 6);
    assertUsage(json(told.get(1).whole), 2, 2);
  }

  @Test
  void whoHasAllOfItsTextIsServedWhenTheEngineFails() {
    CompletionSplit split = split(body("pppp", false, false, 1), body("pppp", true, false, 9));
    feed(split, frame(choice(0, "a", ""), choice(1, "b", "")));
    String error = "data: {\"error\":{\"message\":\"no memory\"}}\n\n";
    assertThat(feed(split, error)).isEqualTo(Verdict.ERROR);
    assertThat(split.engineError().orElseThrow().toByteArray()).isEqualTo(error.getBytes(UTF_8));
    assertThat(json(told.get(0).whole).at("/choices/0/finish_reason").asText()).isEqualTo("length");
    assertThat(told.get(1).done).isFalse();
    assertThat(feed(split, frame(choice(1, "c", "")))).isEqualTo(Verdict.ERROR);
    assertThat(told.get(1).frames()).hasSize(1);
  }

  @Test
  void anAnswerThatNobodyAskedForIsNone() {
    CompletionSplit split = split(body("p", true, false, 0), body("p", true, false, 0));
    assertThat(feed(split, frame(choice(2, "a", "")))).isEqualTo(Verdict.MALFORMED);
    split = split(body("p", true, false, 0), body("p", true, false, 0));
    assertThat(feed(split, "data: {\"choices\":\n\n")).isEqualTo(Verdict.MALFORMED);
  }

  @Test
  void whoIsNotEndedWhenTheEngineIsDoneIsBroken() {
    CompletionSplit split = split(body("p", true, false, 0), body("p", false, false, 0));
    feed(split, frame(choice(0, "a", "stop")) + frame(choice(1, "b", "")));
    assertThat(feed(split, "data: [DONE]\n\n")).isEqualTo(Verdict.DONE);
    assertThat(told.get(0).done).isTrue();
    assertThat(told.get(0).broken).isFalse();
    assertThat(told.get(1).broken).isTrue();
  }
}
