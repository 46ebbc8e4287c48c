package io.penstock.ingress;

import io.penstock.message.LaneEnd;
import io.penstock.openai.Slice;
import java.util.List;

/** Who waits for the answer of a lane, at the batch's host. */
interface Guest {
  /** The call has been written to the engine. */
  void sent();

  /**
   * The whole answer.
   *
   * @param contentType empty when the engine sent none
   * @param retryAfter empty when the engine sent none
   */
  void answer(int status, String contentType, String retryAfter, List<Slice> body);

  /** There is no answer. */
  void fail(LaneEnd end);
}
