package io.penstock.openai;

import io.penstock.inference.TokenUsage;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Puts into an answer what the tiers before it have used besides, so that the client reads the sum.
 * Its member {@code usage} is written anew, as the sums; the rest stays as it is.
 */
public final class UsageSum {
  private UsageSum() {}

  /** An answer in one piece; as it is where it tells no usage or there was none before. */
  public static byte[] of(byte[] body, TokenUsage before) {
    if (before.equals(TokenUsage.NONE)) {
      return body;
    }
    EventJson json = new EventJson();
    SseFrame.Kind kind = json.read(body, 0, body.length);
    TokenUsage told = json.usageOrNull();
    if (kind == SseFrame.Kind.MALFORMED || told == null || json.usageFrom() < 0) {
      return body;
    }
    return replaced(body, 0, body.length, json.usageFrom(), json.usageTo(), sum(told, before));
  }

  /** Frames of a stream that is there as a whole; those that tell usage tell the sum. */
  public static List<Slice> of(List<Slice> frames, TokenUsage before) {
    if (before.equals(TokenUsage.NONE)) {
      return frames;
    }
    List<Slice> summed = new ArrayList<>();
    SseScanner scanner =
        new SseScanner(
            frame -> {
              byte[] anew = frame.usage() == null ? null : frame.withUsageAfter(before);
              summed.add(anew == null ? frame.slice() : Slice.of(anew));
            });
    frames.forEach(scanner::feed);
    scanner.end();
    return summed;
  }

  /** A frame that tells usage. */
  static byte[] of(SseFrame frame, Span member, TokenUsage told, TokenUsage before) {
    return replaced(
        frame.bytes(),
        frame.offset(),
        frame.offset() + frame.length(),
        member.offset(),
        member.end(),
        sum(told, before));
  }

  private static TokenUsage sum(TokenUsage a, TokenUsage b) {
    return new TokenUsage(
        a.promptTokens() + b.promptTokens(),
        a.completionTokens() + b.completionTokens(),
        a.cachedTokens() + b.cachedTokens());
  }

  /** The member's stretch has the comma that goes with it, before or behind. */
  private static byte[] replaced(
      byte[] bytes, int from, int to, int memberFrom, int memberTo, TokenUsage usage) {
    String text =
        new String(bytes, memberFrom, memberTo - memberFrom, StandardCharsets.ISO_8859_1).strip();
    String member =
        (text.startsWith(",") ? "," : "")
            + "\"usage\":{\"prompt_tokens\":"
            + usage.promptTokens()
            + ",\"completion_tokens\":"
            + usage.completionTokens()
            + ",\"total_tokens\":"
            + ((long) usage.promptTokens() + usage.completionTokens())
            + ",\"prompt_tokens_details\":{\"cached_tokens\":"
            + usage.cachedTokens()
            + "}}"
            + (text.endsWith(",") ? "," : "");
    return JsonText.concat(
        Arrays.copyOfRange(bytes, from, memberFrom),
        member.getBytes(StandardCharsets.US_ASCII),
        Arrays.copyOfRange(bytes, memberTo, to));
  }
}
