package io.penstock.message;

import io.penstock.inference.TenantId;
import java.util.List;

/**
 * An ingress loop tells the keeper of a tenant's limits what it has used, and asks for more;
 * answered to {@code from} by one {@link LimitAnswer}. What it says of itself is the whole state,
 * so a message that is lost is made good by the next one.
 *
 * @param epoch tells this life of the loop from the ones before
 * @param seq rises; of two asks the later holds
 */
public record LimitAsk(TenantId tenant, Station from, long epoch, long seq, List<LimitLine> lines)
    implements Message {
  public LimitAsk {
    lines = List.copyOf(lines);
  }
}
