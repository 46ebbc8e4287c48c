package io.penstock.message;

import io.penstock.inference.RequestId;

/**
 * A lane to its batch's host: its client has left, or it has its answer, or it never wanted the
 * seat. The call goes on for the others; where it was the last it is cancelled.
 */
public record LaneLeave(RequestId batch, RequestId id) implements Message {}
