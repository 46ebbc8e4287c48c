package io.penstock.message;

import io.penstock.inference.RequestId;

/** A batch's host to a lane: the call has been written to the replica. */
public record LaneSent(RequestId batch, RequestId id) implements Message {}
