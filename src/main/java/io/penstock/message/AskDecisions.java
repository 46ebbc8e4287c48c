package io.penstock.message;

import io.penstock.inference.PoolName;
import io.penstock.inference.RequestId;
import java.util.Optional;

/**
 * Asks a pool's owner for the receipts of its latest choices; answered to {@code replyTo} by one
 * {@link Decisions}.
 *
 * @param question number that the asker knows the answer by
 * @param request the id, as its client knows it, of the request of which they are to be; of any
 *     where it is empty
 * @param last most receipts, at most {@link #LAST_MAX}
 */
public record AskDecisions(
    long question, Station replyTo, PoolName pool, Optional<RequestId> request, int last)
    implements Message {
  /** Most receipts in one answer. */
  public static final int LAST_MAX = 50;
}
