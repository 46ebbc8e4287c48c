package io.penstock.message;

import io.penstock.inference.RequestId;

/**
 * A lane to its batch's host: it has read so many pieces, and is still there. Sent every few pieces
 * and every few seconds; where the host knows nothing of it, it is told so.
 *
 * @param read pieces since the beginning
 */
public record LaneCredit(RequestId batch, RequestId id, Station replyTo, int read)
    implements Message {}
