package io.penstock.ingress;

import java.util.function.LongConsumer;

/**
 * What the drafts of cascades take of one event loop's memory, in bytes of what engines have sent.
 * The bound is the node's, of which each of its loops has an equal part: loops share nothing that
 * would have to be locked. Pure; belongs to its loop.
 *
 * <p>Drafts that wait to be judged may fill all of it. Rejected ones, which are kept for when the
 * tier above fails, are kept only while less than half is taken: what is an insurance must not
 * crowd out what is needed for every request.
 */
final class DraftRoom {
  private final int loops;
  private final LongConsumer changed;
  private long heldBytes;

  /**
   * The room of one loop.
   *
   * @param loops of the node
   * @param changed told by how many bytes more, or less, are held
   */
  DraftRoom(int loops, LongConsumer changed) {
    this.loops = loops;
    this.changed = changed;
  }

  /**
   * Whether nothing more should be begun.
   *
   * @param nodeMaxBytes the node's bound
   */
  boolean isFull(long nodeMaxBytes) {
    return heldBytes >= nodeMaxBytes / loops;
  }

  /** Whether there is room for drafts that may never be needed. */
  boolean isForSpares(long nodeMaxBytes) {
    return heldBytes < nodeMaxBytes / loops / 2;
  }

  /**
   * So much is held from now on, be it too much.
   *
   * @return whether it is within the bound
   */
  boolean take(int bytes, long nodeMaxBytes) {
    heldBytes += bytes;
    changed.accept(bytes);
    return heldBytes <= nodeMaxBytes / loops;
  }

  void free(int bytes) {
    heldBytes -= bytes;
    changed.accept(-bytes);
  }

  long heldBytes() {
    return heldBytes;
  }
}
