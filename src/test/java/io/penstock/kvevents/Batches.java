package io.penstock.kvevents;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.msgpack.core.MessageBufferPacker;
import org.msgpack.core.MessagePack;

/** Writes batches in the forms that engines write them in. */
final class Batches {
  /** The two encodings of batches and events. */
  enum Form {
    ARRAYS,
    MAPS
  }

  /** An event as a test says it; a hash is a number or, where it is negative, bytes. */
  record Said(String kind, List<Long> hashes) {}

  private Batches() {}

  static Said stored(long... hashes) {
    return new Said("BlockStored", of(hashes));
  }

  static Said removed(long... hashes) {
    return new Said("BlockRemoved", of(hashes));
  }

  static Said cleared() {
    return new Said("AllBlocksCleared", List.of());
  }

  private static List<Long> of(long... hashes) {
    return java.util.Arrays.stream(hashes).boxed().toList();
  }

  static byte[] batch(Form form, double seconds, List<Said> events) {
    try (MessageBufferPacker out = MessagePack.newDefaultBufferPacker()) {
      if (form == Form.ARRAYS) {
        out.packArrayHeader(3).packDouble(seconds).packArrayHeader(events.size());
        for (Said each : events) {
          array(out, each);
        }
        out.packInt(0);
      } else {
        out.packMapHeader(3).packString("ts").packDouble(seconds).packString("events");
        out.packArrayHeader(events.size());
        for (Said each : events) {
          map(out, each);
        }
        out.packString("data_parallel_rank").packNil();
      }
      return out.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void array(MessageBufferPacker out, Said said) throws IOException {
    switch (said.kind()) {
      case "BlockStored" -> {
        out.packArrayHeader(9).packString(said.kind());
        hashes(out, said);
        out.packNil();
        tokens(out, said);
        out.packInt(16).packNil().packString("GPU").packNil().packNil();
      }
      case "BlockRemoved" -> {
        out.packArrayHeader(3).packString(said.kind());
        hashes(out, said);
        out.packString("GPU");
      }
      default -> out.packArrayHeader(1).packString(said.kind());
    }
  }

  private static void map(MessageBufferPacker out, Said said) throws IOException {
    switch (said.kind()) {
      case "BlockStored" -> {
        out.packMapHeader(5).packString("type").packString(said.kind());
        out.packString("block_hashes");
        hashes(out, said);
        out.packString("parent_block_hash").packNil();
        out.packString("token_ids");
        tokens(out, said);
        out.packString("block_size").packInt(16);
      }
      case "BlockRemoved" -> {
        out.packMapHeader(2).packString("type").packString(said.kind());
        out.packString("block_hashes");
        hashes(out, said);
      }
      default -> out.packMapHeader(1).packString("type").packString(said.kind());
    }
  }

  private static void tokens(MessageBufferPacker out, Said said) throws IOException {
    out.packArrayHeader(16 * said.hashes().size());
    for (int i = 0; i < 16 * said.hashes().size(); i++) {
      out.packInt(i);
    }
  }

  private static void hashes(MessageBufferPacker out, Said said) throws IOException {
    out.packArrayHeader(said.hashes().size());
    for (long each : said.hashes()) {
      if (each < 0) {
        byte[] bytes = ("a hash of 32 bytes, number " + each).getBytes(StandardCharsets.UTF_8);
        out.packBinaryHeader(bytes.length).writePayload(bytes);
      } else {
        out.packLong(each);
      }
    }
  }
}
