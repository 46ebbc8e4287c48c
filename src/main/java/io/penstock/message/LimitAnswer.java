package io.penstock.message;

import io.penstock.inference.TenantId;
import java.util.List;

/**
 * The answer to a {@link LimitAsk}.
 *
 * @param keeper tells the keeper's lives apart: one that is new knows nothing of the last minute;
 *     {@link #NOT_KEPT} from a node that keeps no limits of this tenant, by its view of the cluster
 * @param seq of the ask
 * @param learning whether the keeper does not know yet what others have used: nothing is granted
 */
public record LimitAnswer(
    TenantId tenant, long keeper, long seq, boolean learning, List<LimitGrant> lines)
    implements Message {
  /** No keeper: nothing of the ask was heard. */
  public static final long NOT_KEPT = 0;

  public LimitAnswer {
    lines = List.copyOf(lines);
  }
}
