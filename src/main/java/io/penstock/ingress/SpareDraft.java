package io.penstock.ingress;

import io.penstock.inference.Pool;
import io.penstock.inference.TierName;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Grant;
import io.penstock.openai.Slice;
import io.penstock.openai.UsageSum;
import java.util.List;

/**
 * A rejected draft that is kept for when the tier above fails.
 *
 * @param grant of the attempt that brought it
 * @param usageBefore of the tiers before its own: frames of a stream tell it with their own
 * @param usage of those and its own
 */
record SpareDraft(
    TierName tier,
    Pool pool,
    Grant grant,
    HeldAnswer answer,
    TokenUsage usageBefore,
    TokenUsage usage,
    Judging.Ruling ruling) {

  /**
   * Its frames, which tell the usage of all that was generated for the request.
   *
   * @param all over all tiers by now
   */
  List<Slice> frames(TokenUsage all) {
    return UsageSum.of(answer.frames(), Usages.difference(all, usage));
  }

  /** The same of an answer in one piece, which tells its own usage alone. */
  byte[] whole(byte[] body, TokenUsage all) {
    return UsageSum.of(body, Usages.sum(usageBefore, Usages.difference(all, usage)));
  }
}
