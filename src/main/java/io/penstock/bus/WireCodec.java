package io.penstock.bus;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.bus.UnreadableMessageException.Reason;
import io.penstock.message.Message;
import io.penstock.telemetry.Names;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.MessageCodec;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands {@link WireForm} to the event bus: the same object within the node, a length and the wire
 * form between nodes, of a {@link Parcel} one after the other. Called on every event loop at once.
 */
final class WireCodec implements MessageCodec<Object, Object> {
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
  public void encodeToWire(Buffer buffer, Object body) {
    if (body instanceof Parcel parcel) {
      parcel.messages().forEach(each -> write(each, buffer));
    } else {
      write((Message) body, buffer);
    }
  }

  private static void write(Message message, Buffer buffer) {
    int start = buffer.length();
    buffer.appendInt(0);
    WireForm.write(message, new BufferStream(buffer));
    buffer.setInt(start, buffer.length() - start - LENGTH_BYTES);
  }

  /** Without what this node can not read; null when that is all, and the consumer skips it. */
  @Override
  public @Nullable Object decodeFromWire(int position, Buffer buffer) {
    List<Message> messages = new ArrayList<>(1);
    int at = position;
    while (at < buffer.length()) {
      int left = buffer.length() - at - LENGTH_BYTES;
      int length = left < 0 ? -1 : buffer.getInt(at);
      if (length < 0 || length > left) {
        drop(
            new UnreadableMessageException(
                Reason.MALFORMED, "length: " + length + " (expected: 0.." + left + ")"));
        break;
      }
      at += LENGTH_BYTES;
      read(buffer.getBytes(at, at + length)).ifPresent(messages::add);
      at += length;
    }
    return switch (messages.size()) {
      case 0 -> null;
      case 1 -> messages.get(0);
      default -> new Parcel(messages);
    };
  }

  private Optional<Message> read(byte[] bytes) {
    try {
      return Optional.of(WireForm.read(bytes, 0, bytes.length));
    } catch (UnreadableMessageException e) {
      drop(e);
      return Optional.empty();
    }
  }

  @Override
  public Object transform(Object body) {
    return body;
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
