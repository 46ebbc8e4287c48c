package io.penstock.message;

import io.penstock.inference.Operation;
import io.penstock.inference.RequestId;
import java.util.Optional;

/**
 * A request that was given a {@link Seat} comes to its batch's host with its inputs. Answered by
 * {@link LaneSent} and {@link LaneAnswer}s, unless {@link LaneLeave} takes it back.
 *
 * @param operation what it asks of the model; empty, for embeddings, where a node of an older
 *     release does not say
 * @param body the client's, whole
 */
public record LaneOpen(
    RequestId batch, RequestId id, Station replyTo, Optional<Operation> operation, Bytes body)
    implements Message {}
