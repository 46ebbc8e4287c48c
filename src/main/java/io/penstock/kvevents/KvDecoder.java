package io.penstock.kvevents;

import io.penstock.measure.Hash64;
import io.penstock.measure.XxHash64;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.msgpack.core.MessageFormat;
import org.msgpack.core.MessagePack;
import org.msgpack.core.MessagePackException;
import org.msgpack.core.MessageUnpacker;
import org.msgpack.value.ValueType;

/**
 * Reads a batch of events as vLLM's {@code kv_events.py} writes it with msgspec, in msgpack.
 *
 * <p>A batch is {@code [ts, events, data_parallel_rank]}, an event {@code ["BlockStored",
 * block_hashes, parent_block_hash, token_ids, block_size, lora_id, medium, lora_name, extra_keys,
 * group_idx, …]}, {@code ["BlockRemoved", block_hashes, medium, group_idx]} or {@code
 * ["AllBlocksCleared"]}, where what is left to its default at the end is left out; or each of them,
 * in other releases, is a map with these names as keys and the kind under {@code type}. Either form
 * may hold the other. A hash is an integer of 64 bits or, of 32 bytes mostly, a string of bytes.
 *
 * <p>Token ids, which are the prompts themselves, are skipped without being read. Blocks in other
 * memory than the GPU's ({@code medium}) and kinds of events that are not known are left out.
 *
 * <p>Nothing is believed: a length is no reason to allocate, and what is out of bounds, ends too
 * early or goes on too long is a {@link MalformedBatchException}.
 */
final class KvDecoder {
  /** Longest batch; a step of an engine that stores 100,000 tokens has a tenth of it. */
  static final int BYTES_MAX = 8 << 20;

  /** Most blocks that the events of a batch name. */
  static final int BLOCKS_MAX = 1 << 20;

  /** Most events of a batch. */
  static final int EVENTS_MAX = 1 << 16;

  static final int BLOCK_TOKENS_MAX = 1 << 20;

  private static final int TEXT_BYTES_MAX = 256;
  private static final String GPU = "gpu";
  private static final long[] NO_BLOCKS = {};

  /** What was found in an event, in whatever form and order. */
  private static final class Fields {
    String kind = "";
    long @Nullable [] hashes;
    long blockTokens;
    String medium = GPU;
    long group;
  }

  private final MessageUnpacker in;
  private final int length;
  private int blocks;
  private int others;

  private KvDecoder(byte[] payload) {
    this.in = MessagePack.newDefaultUnpacker(payload);
    this.length = payload.length;
  }

  /** Reads one batch. */
  static KvBatch decode(byte[] payload) throws MalformedBatchException {
    if (payload.length > BYTES_MAX) {
      throw new MalformedBatchException(
          "batch: " + payload.length + " bytes (expected: <= " + BYTES_MAX + ")");
    }
    try {
      return new KvDecoder(payload).batch();
    } catch (IOException | MessagePackException | IndexOutOfBoundsException e) {
      throw new MalformedBatchException(e);
    }
  }

  private KvBatch batch() throws IOException, MalformedBatchException {
    long epochMillis = 0;
    List<KvEvent> events = List.of();
    if (in.getNextFormat().getValueType() == ValueType.MAP) {
      int fields = count(in.unpackMapHeader());
      for (int i = 0; i < fields; i++) {
        switch (text()) {
          case "ts" -> epochMillis = millis();
          case "events" -> events = events();
          default -> in.skipValue();
        }
      }
    } else {
      int fields = count(in.unpackArrayHeader());
      expect(fields >= 2, "fields of the batch", fields, ">= 2");
      epochMillis = millis();
      events = events();
      in.skipValue(fields - 2);
    }
    expect(!in.hasNext(), "bytes after the batch", length - in.getTotalReadBytes(), "0");
    return new KvBatch(epochMillis, events, others);
  }

  private List<KvEvent> events() throws IOException, MalformedBatchException {
    int count = count(in.unpackArrayHeader());
    expect(count <= EVENTS_MAX, "events", count, "<= " + EVENTS_MAX);
    List<KvEvent> events = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      KvEvent event = event(fields());
      if (event == null) {
        others++;
      } else {
        events.add(event);
      }
    }
    return events;
  }

  private static @Nullable KvEvent event(Fields found) throws MalformedBatchException {
    boolean here = found.medium.equalsIgnoreCase(GPU);
    switch (found.kind) {
      case "BlockStored" -> {
        if (!here) {
          return null;
        }
        expect(
            found.blockTokens >= 1 && found.blockTokens <= BLOCK_TOKENS_MAX,
            "block_size",
            found.blockTokens,
            "1.." + BLOCK_TOKENS_MAX);
        return new KvEvent.Stored(keys(found), (int) found.blockTokens, group(found));
      }
      case "BlockRemoved" -> {
        return here ? new KvEvent.Removed(keys(found)) : null;
      }
      case "AllBlocksCleared" -> {
        return new KvEvent.Cleared();
      }
      default -> {
        return null;
      }
    }
  }

  private static int group(Fields found) throws MalformedBatchException {
    expect(
        found.group >= 0 && found.group <= Short.MAX_VALUE,
        "group_idx",
        found.group,
        "0.." + Short.MAX_VALUE);
    return (int) found.group;
  }

  /** Blocks of different groups may have the same hash. */
  private static long[] keys(Fields found) throws MalformedBatchException {
    long[] hashes = found.hashes;
    if (hashes == null) {
      throw new MalformedBatchException("block_hashes: missing (expected: a list)");
    }
    int group = group(found);
    for (int i = 0; i < hashes.length; i++) {
      hashes[i] = Hash64.combine(hashes[i], group);
    }
    return hashes;
  }

  private Fields fields() throws IOException, MalformedBatchException {
    Fields found = new Fields();
    if (in.getNextFormat().getValueType() == ValueType.MAP) {
      int count = count(in.unpackMapHeader());
      for (int i = 0; i < count; i++) {
        named(found);
      }
    } else {
      int count = count(in.unpackArrayHeader());
      expect(count >= 1, "fields of an event", count, ">= 1");
      found.kind = text();
      for (int i = 1; i < count; i++) {
        placed(found, i);
      }
    }
    return found;
  }

  private void named(Fields found) throws IOException, MalformedBatchException {
    switch (text()) {
      case "type" -> found.kind = text();
      case "block_hashes" -> found.hashes = hashes();
      case "block_size" -> found.blockTokens = in.unpackLong();
      case "medium" -> found.medium = textOr(GPU);
      case "group_idx" -> found.group = longOr(0);
      default -> in.skipValue();
    }
  }

  private void placed(Fields found, int place) throws IOException, MalformedBatchException {
    boolean stored = found.kind.equals("BlockStored");
    boolean removed = found.kind.equals("BlockRemoved");
    if ((stored || removed) && place == 1) {
      found.hashes = hashes();
    } else if (stored && place == 4) {
      found.blockTokens = in.unpackLong();
    } else if ((stored && place == 6) || (removed && place == 2)) {
      found.medium = textOr(GPU);
    } else if ((stored && place == 9) || (removed && place == 3)) {
      found.group = longOr(0);
    } else {
      in.skipValue();
    }
  }

  private long[] hashes() throws IOException, MalformedBatchException {
    int count = count(in.unpackArrayHeader());
    blocks += count;
    expect(blocks <= BLOCKS_MAX, "blocks of the batch", blocks, "<= " + BLOCKS_MAX);
    long[] hashes = count == 0 ? NO_BLOCKS : new long[count];
    for (int i = 0; i < count; i++) {
      hashes[i] = hash();
    }
    return hashes;
  }

  private long hash() throws IOException, MalformedBatchException {
    MessageFormat format = in.getNextFormat();
    if (format == MessageFormat.UINT64) {
      return in.unpackBigInteger().longValue();
    }
    switch (format.getValueType()) {
      case INTEGER -> {
        return in.unpackLong();
      }
      case BINARY -> {
        byte[] bytes = bytes(in.unpackBinaryHeader());
        return XxHash64.of(bytes, 0, bytes.length, 0);
      }
      case STRING -> {
        byte[] bytes = bytes(in.unpackRawStringHeader());
        return XxHash64.of(bytes, 0, bytes.length, 0);
      }
      default ->
          throw new MalformedBatchException(
              "block hash: " + format + " (expected: an integer or bytes)");
    }
  }

  private long millis() throws IOException, MalformedBatchException {
    ValueType type = in.getNextFormat().getValueType();
    double seconds =
        switch (type) {
          case FLOAT -> in.unpackDouble();
          case INTEGER -> in.unpackLong();
          default -> throw new MalformedBatchException("ts: " + type + " (expected: a number)");
        };
    return Double.isFinite(seconds) && Math.abs(seconds) < 1e12 ? Math.round(seconds * 1_000) : 0;
  }

  private String text() throws IOException, MalformedBatchException {
    return new String(bytes(in.unpackRawStringHeader()), StandardCharsets.UTF_8);
  }

  private String textOr(String absent) throws IOException, MalformedBatchException {
    return in.tryUnpackNil() ? absent : text();
  }

  private long longOr(long absent) throws IOException {
    return in.tryUnpackNil() ? absent : in.unpackLong();
  }

  private byte[] bytes(int count) throws IOException, MalformedBatchException {
    expect(count <= TEXT_BYTES_MAX, "length of a name or hash", count, "<= " + TEXT_BYTES_MAX);
    return in.readPayload(count);
  }

  /** As many elements as a header says; each takes a byte at least. */
  private int count(int said) throws MalformedBatchException {
    expect(said >= 0 && said <= length, "elements", said, "<= " + length + ", the batch's bytes");
    return said;
  }

  private static void expect(boolean ok, String name, long found, String expected)
      throws MalformedBatchException {
    if (!ok) {
      throw new MalformedBatchException(name + ": " + found + " (expected: " + expected + ")");
    }
  }
}
