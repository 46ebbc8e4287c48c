package io.penstock.message;

import io.penstock.inference.NodeId;
import java.util.List;

/**
 * Some of what a node knows of registered prefixes. Published to {@link Room#PREFIX} on each change
 * and again within a second; sent to a node whose {@link BookDigest} shows that it lacks them.
 */
public record PrefixMarks(NodeId from, List<PrefixMark> marks) implements Message {
  public PrefixMarks {
    marks = List.copyOf(marks);
  }
}
