package io.penstock.message;

import io.penstock.inference.NodeId;
import java.util.List;

/**
 * What a node knows of the marks of one room, in short: one hash for each part of its book, the
 * same for equal parts. Published to the room when the cluster changes, a second after the book
 * did, and every ten seconds. Whoever has more sends what it has of the parts that differ.
 */
public record BookDigest(NodeId from, List<Long> parts) implements Message {
  public BookDigest {
    parts = List.copyOf(parts);
  }
}
