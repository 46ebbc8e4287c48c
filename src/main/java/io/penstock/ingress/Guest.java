package io.penstock.ingress;

import io.penstock.message.LaneEnd;
import io.penstock.openai.Slice;
import java.util.List;

/** Who waits for the answer of a lane, at the batch's host. */
interface Guest {
  /** The call has been written to the engine. */
  void sent();

  /**
   * An answer begins.
   *
   * @param contentType empty when the engine sent none
   * @param retryAfter empty when the engine sent none
   */
  void begin(int status, String contentType, String retryAfter);

  /** More of it; nobody writes to it any more. */
  void more(List<Slice> part);

  /** This was the end of what came. */
  void done();

  /** There is no answer, or no more of one. */
  void fail(LaneEnd end);

  /** What has come for it and waits for its client to read. */
  long unreadBytes();

  /** The whole answer. */
  default void answer(int status, String contentType, String retryAfter, List<Slice> body) {
    begin(status, contentType, retryAfter);
    more(body);
    done();
  }
}
