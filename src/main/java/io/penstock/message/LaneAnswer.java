package io.penstock.message;

import io.penstock.inference.RequestId;

/**
 * A batch's host to a lane: a piece of its answer. The bus has no back-pressure, so no more than
 * {@link #WINDOW} pieces are under way: the lane says how many it has read by {@link LaneCredit}.
 *
 * @param number of the piece, from 0; -1 where there is no such lane any more
 * @param status the HTTP status, the same in every piece; 0 where none came
 * @param contentType the engine's; empty when it sent none
 * @param retryAfter the engine's header; empty when it sent none
 */
public record LaneAnswer(
    RequestId batch,
    RequestId id,
    int number,
    int status,
    String contentType,
    String retryAfter,
    Bytes piece,
    LaneEnd end)
    implements Message {
  /** Pieces that may be sent beyond what the lane has read. */
  public static final int WINDOW = 16;

  /** Longest piece, in bytes. */
  public static final int PIECE_BYTES = 32 << 10;
}
