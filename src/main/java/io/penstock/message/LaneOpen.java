package io.penstock.message;

import io.penstock.inference.RequestId;

/**
 * A request that was given a {@link Seat} comes to its batch's host with its inputs. Answered by
 * {@link LaneSent} and {@link LaneAnswer}s, unless {@link LaneLeave} takes it back.
 *
 * @param body the client's, whole
 */
public record LaneOpen(RequestId batch, RequestId id, Station replyTo, Bytes body)
    implements Message {}
