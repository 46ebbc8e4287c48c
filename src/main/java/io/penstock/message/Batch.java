package io.penstock.message;

import io.penstock.inference.RequestId;
import java.util.List;

/**
 * One slot for several requests, told to the ingress loop of the first of them, which is to make
 * the call: the batch's host. Each request, the first one's too, learns of it by a {@link Seat} and
 * comes as a lane of the batch.
 *
 * @param grant of the slot, under an id of the batch's own; held, renewed and released like others
 * @param lanes in the order of the call
 */
public record Batch(Grant grant, List<Lane> lanes) implements Message {
  public Batch {
    lanes = List.copyOf(lanes);
  }

  /** A request of the batch and the ingress loop that carries it. */
  public record Lane(RequestId id, Station station) {}
}
