package io.penstock.adapter.kvevents;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import zmq.Msg;
import zmq.msg.MsgAllocator;

/**
 * Bounds what of one socket waits to be read, in bytes. ZeroMQ bounds whole messages by number, and
 * neither their bytes nor the frames of one that does not end, which a peer could go on sending
 * until memory is full.
 *
 * <p>Frames are allocated on JeroMQ's thread, which can not be told to stop: beyond the bound they
 * are empty, so that the connection makes no sense any more, and its owner ends it at its next
 * turn.
 */
final class WaitingBytes implements MsgAllocator {
  /** Most bytes that wait. */
  static final long MAX = 64L << 20;

  /** Of a frame beside its content. */
  private static final int FRAME_BYTES = 128;

  private final AtomicLong bytes = new AtomicLong();
  private volatile boolean isExceeded;

  @Override
  public Msg allocate(int size) {
    if (isExceeded || bytes.addAndGet(size + FRAME_BYTES) > MAX) {
      isExceeded = true;
      return new Msg(0);
    }
    return new Msg(size);
  }

  /** A message was read. */
  void taken(List<byte[]> frames) {
    long size = 0;
    for (byte[] each : frames) {
      size += each.length + FRAME_BYTES;
    }
    bytes.addAndGet(-size);
  }

  /** Nothing waits. */
  void clear() {
    bytes.set(0);
  }

  /** Whether there was too much; for good. */
  boolean isExceeded() {
    return isExceeded;
  }
}
