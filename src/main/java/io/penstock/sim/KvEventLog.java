package io.penstock.sim;

import io.penstock.sim.KvPublishing.Encoding;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.msgpack.core.MessageBufferPacker;
import org.msgpack.core.MessagePack;

/**
 * Gathers what becomes of an engine's blocks, and writes it as vLLM writes it. What comes of the
 * same kind in a row is one event. Pure; one thread.
 */
final class KvEventLog implements KvListener {
  private enum Kind {
    STORED("BlockStored"),
    REMOVED("BlockRemoved"),
    CLEARED("AllBlocksCleared");

    private final String tag;

    Kind(String tag) {
      this.tag = tag;
    }
  }

  private record Event(Kind kind, List<Long> hashes) {}

  private static final int HASH_BYTES = 32;

  private final KvPublishing how;
  private final int blockTokens;
  private final List<Event> events = new ArrayList<>();

  KvEventLog(KvPublishing how, int blockTokens) {
    this.how = how;
    this.blockTokens = blockTokens;
  }

  @Override
  public void stored(long blockHash) {
    of(Kind.STORED).hashes().add(blockHash);
  }

  @Override
  public void removed(long blockHash) {
    of(Kind.REMOVED).hashes().add(blockHash);
  }

  @Override
  public void cleared() {
    events.add(new Event(Kind.CLEARED, List.of()));
  }

  private Event of(Kind kind) {
    Event last = events.isEmpty() ? null : events.get(events.size() - 1);
    if (last != null && last.kind() == kind) {
      return last;
    }
    Event event = new Event(kind, new ArrayList<>());
    events.add(event);
    return event;
  }

  /** What has been gathered since the last call, as one batch; empty when it is nothing. */
  Optional<byte[]> take(long epochMillis) {
    if (events.isEmpty()) {
      return Optional.empty();
    }
    try (MessageBufferPacker out = MessagePack.newDefaultBufferPacker()) {
      batch(out, epochMillis / 1_000.0);
      events.clear();
      return Optional.of(out.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException("a batch could not be written to memory", e);
    }
  }

  private void batch(MessageBufferPacker out, double seconds) throws IOException {
    if (how.encoding() == Encoding.ARRAYS) {
      out.packArrayHeader(3).packDouble(seconds).packArrayHeader(events.size());
      for (Event each : events) {
        array(out, each);
      }
      out.packInt(0);
    } else {
      out.packMapHeader(3).packString("ts").packDouble(seconds);
      out.packString("events").packArrayHeader(events.size());
      for (Event each : events) {
        map(out, each);
      }
      out.packString("data_parallel_rank").packInt(0);
    }
  }

  private void array(MessageBufferPacker out, Event event) throws IOException {
    switch (event.kind()) {
      case STORED -> {
        out.packArrayHeader(7).packString(event.kind().tag);
        hashes(out, event);
        out.packNil();
        tokens(out, event);
        out.packInt(blockTokens).packNil().packString("GPU");
      }
      case REMOVED -> {
        out.packArrayHeader(3).packString(event.kind().tag);
        hashes(out, event);
        out.packString("GPU");
      }
      case CLEARED -> out.packArrayHeader(1).packString(event.kind().tag);
    }
  }

  private void map(MessageBufferPacker out, Event event) throws IOException {
    switch (event.kind()) {
      case STORED -> {
        out.packMapHeader(7).packString("type").packString(event.kind().tag);
        out.packString("block_hashes");
        hashes(out, event);
        out.packString("parent_block_hash").packNil().packString("token_ids");
        tokens(out, event);
        out.packString("block_size").packInt(blockTokens).packString("lora_id").packNil();
        out.packString("medium").packString("GPU");
      }
      case REMOVED -> {
        out.packMapHeader(3).packString("type").packString(event.kind().tag);
        out.packString("block_hashes");
        hashes(out, event);
        out.packString("medium").packString("GPU");
      }
      case CLEARED -> out.packMapHeader(1).packString("type").packString(event.kind().tag);
    }
  }

  private void hashes(MessageBufferPacker out, Event event) throws IOException {
    out.packArrayHeader(event.hashes().size());
    for (long hash : event.hashes()) {
      if (how.byteHashes()) {
        out.packBinaryHeader(HASH_BYTES)
            .writePayload(ByteBuffer.allocate(HASH_BYTES).putLong(hash).array());
      } else {
        out.packLong(hash);
      }
    }
  }

  /** Made up, as all that the engine reads and writes. */
  private void tokens(MessageBufferPacker out, Event event) throws IOException {
    out.packArrayHeader(event.hashes().size() * blockTokens);
    for (long hash : event.hashes()) {
      for (int i = 0; i < blockTokens; i++) {
        out.packInt((int) (hash + i) & 0x1ffff);
      }
    }
  }
}
