package io.penstock.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.penstock.inference.EngineKind;
import io.penstock.inference.ModelName;
import io.penstock.inference.Operation;
import io.penstock.inference.ResumeMode;
import io.penstock.openai.BodyScan;
import io.penstock.openai.ResumeRefusal;
import io.penstock.openai.ScannedBody;
import io.penstock.openai.Slice;
import io.penstock.openai.UsageReporting;
import io.penstock.stream.StreamRelay.Verdict;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/**
 * Streams that are cut anywhere, in the middle of a frame too, up to twice, and go on at an engine
 * that would have said the same: what the client has is what it would have had.
 */
class StreamResumePropertyTest {
  private static final ModelName MODEL = new ModelName("engine/m");

  /** What the client has at the end, and what the engines know of it. */
  private record Seen(
      WordEngine engine, String events, Optional<ResumeRefusal> refusal, int usage) {}

  /** Plays a whole exchange. */
  private static Seen play(long seed, boolean chat) {
    Random random = new Random(seed);
    WordEngine engine = new WordEngine(random, chat);
    UsageReporting asked = UsageReporting.values()[random.nextInt(3)];
    UsageReporting ask =
        random.nextBoolean() || asked == UsageReporting.CONTINUOUS
            ? UsageReporting.CONTINUOUS
            : UsageReporting.FINAL;
    byte[] body = engine.request(random.nextBoolean());
    Operation operation = chat ? Operation.CHAT : Operation.COMPLETION;
    ScannedBody scan =
        BodyScan.scan(operation, body, Optional.empty())
            .fold(
                scanned -> scanned,
                no -> {
                  throw new AssertionError(no.message());
                });
    StreamResume resume = new StreamResume(scan, ResumeMode.AUTO, true);
    ByteArrayOutputStream client = new ByteArrayOutputStream();
    StreamRelay relay = new StreamRelay(asked, ask);
    byte[] sent = body;
    int cuts = 1 + random.nextInt(2);
    for (int attempt = 0; ; attempt++) {
      WordEngine.Stream stream = engine.answer(sent, ask == UsageReporting.CONTINUOUS);
      int from = attempt == 0 ? stream.afterFirstWord() : 0;
      int end =
          attempt < cuts
              ? from + random.nextInt(stream.bytes().length - from + 1)
              : stream.bytes().length;
      feed(random, relay, stream.bytes(), end, client, resume);
      if (relay.verdict() == Verdict.DONE) {
        int usage = attempt == 0 ? -1 : resume.usage().completionTokens();
        return new Seen(engine, client.toString(UTF_8), Optional.empty(), usage);
      }
      Optional<ResumeRefusal> no = resume.broke(body, relay);
      if (no.isPresent()) {
        int usage = resume.usage().completionTokens();
        return new Seen(engine, client.toString(UTF_8), no, usage);
      }
      assertThat(resume.refusedBy(EngineKind.VLLM, Optional.empty())).isEmpty();
      sent = joined(resume.body(EngineKind.VLLM, Optional.empty(), MODEL, ask).slices());
      relay = resume.relay(asked, ask);
    }
  }

  /** In pieces of any size, as sockets give them. */
  private static void feed(
      Random random,
      StreamRelay relay,
      byte[] bytes,
      int end,
      ByteArrayOutputStream client,
      StreamResume resume) {
    int at = 0;
    while (at < end) {
      int length = Math.min(end - at, 1 + random.nextInt(random.nextBoolean() ? 9 : 900));
      byte[] piece = new byte[length];
      System.arraycopy(bytes, at, piece, 0, length);
      at += length;
      relay.feed(Slice.of(piece));
      List<Slice> frames = relay.drain();
      client.writeBytes(joined(frames));
      resume.relayed(frames);
    }
  }

  private static byte[] joined(List<Slice> slices) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    slices.forEach(each -> all.writeBytes(each.toByteArray()));
    return all.toByteArray();
  }

  @Property(tries = 3_000)
  void theJoinedTextIsThatOfTheUndisturbedStream(@ForAll long seed, @ForAll boolean chat)
      throws Exception {
    Seen seen = play(seed, chat);
    WordEngine.Client read = WordEngine.Client.of(seen.events());
    if (seen.refusal().isPresent()) {
      assertThat(seen.refusal()).contains(ResumeRefusal.FINISHED);
      assertThat(seen.events()).doesNotContain("data: [DONE]");
    } else {
      assertThat(seen.events()).endsWith("data: [DONE]\n\n");
      assertThat(read.finishReasons()).isEqualTo(1);
    }
    assertThat(read.text()).isEqualTo(seen.engine().text());
    assertThat(read.ids()).hasSize(1);
    assertThat(read.created()).hasSize(1);
    assertThat(read.roles()).isEqualTo(chat ? 1 : 0);
    if (seen.usage() >= 0) {
      assertThat(seen.usage()).as("as undisturbed").isEqualTo(seen.engine().tokens());
    }
    for (JsonNode usage : read.usages()) {
      assertThat(usage.path("prompt_tokens").asInt()).isEqualTo(WordEngine.PROMPT_TOKENS);
      assertThat(usage.path("total_tokens").asInt())
          .isEqualTo(WordEngine.PROMPT_TOKENS + usage.path("completion_tokens").asInt());
    }
    if (seen.refusal().isEmpty() && !read.usages().isEmpty()) {
      JsonNode last = read.usages().get(read.usages().size() - 1);
      assertThat(last.path("completion_tokens").asInt()).isEqualTo(seen.engine().tokens());
    }
  }
}
