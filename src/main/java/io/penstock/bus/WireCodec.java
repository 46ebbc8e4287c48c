package io.penstock.bus;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.bus.UnreadableMessageException.Reason;
import io.penstock.message.Message;
import io.penstock.telemetry.Names;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.MessageCodec;
import java.io.OutputStream;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands {@link WireForm} to the event bus: the same object within the node, a length and the wire
 * form between nodes. Called on every event loop at once.
 */
final class WireCodec implements MessageCodec<Message, Message> {
  static final String NAME = "penstock";

  private static final Logger LOG = LoggerFactory.getLogger(WireCodec.class);
  private static final int LENGTH_BYTES = 4;

  private final Map<Reason, Counter> dropped = new EnumMap<>(Reason.class);
  private final AtomicLong droppedInAll = new AtomicLong();

  WireCodec(MeterRegistry registry) {
    for (Reason reason : Reason.values()) {
      dropped.put(reason, registry.counter(Names.MESSAGES_DROPPED, "reason", reason.label()));
    }
  }

  @Override
  public void encodeToWire(Buffer buffer, Message message) {
    int start = buffer.length();
    buffer.appendInt(0);
    WireForm.write(message, new BufferStream(buffer));
    buffer.setInt(start, buffer.length() - start - LENGTH_BYTES);
  }

  /** Null for what this node can not read: the consumer skips it. */
  @Override
  public @Nullable Message decodeFromWire(int position, Buffer buffer) {
    int from = position + LENGTH_BYTES;
    byte[] bytes = buffer.getBytes(from, from + buffer.getInt(position));
    try {
      return WireForm.read(bytes, 0, bytes.length);
    } catch (UnreadableMessageException e) {
      drop(e);
      return null;
    }
  }

  @Override
  public Message transform(Message message) {
    return message;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public byte systemCodecID() {
    return -1;
  }

  private void drop(UnreadableMessageException e) {
    Counter counter = dropped.get(e.reason());
    if (counter != null) {
      counter.increment();
    }
    long count = droppedInAll.incrementAndGet();
    if (Long.bitCount(count) == 1) { // the 1st, 2nd, 4th, 8th…: a peer can not flood the log
      LOG.warn(
          "dropped a message of another node, {} so far: {} ({})",
          count,
          e.getMessage(),
          e.reason().label());
    }
  }

  private static final class BufferStream extends OutputStream {
    private final Buffer buffer;

    BufferStream(Buffer buffer) {
      this.buffer = buffer;
    }

    @Override
    public void write(int b) {
      buffer.appendByte((byte) b);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      buffer.appendBytes(bytes, offset, length);
    }
  }
}
