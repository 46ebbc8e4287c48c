package io.penstock.calibrate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.penstock.inference.ComplexityModel;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * A file of embeddings by the hash of their text, so that nothing is asked for twice: a line of
 * JSON that names the model and the dimension, then records of 16 bytes of SHA-256 and the numbers
 * as big-endian floats. Records are appended as they come; half of one, which a run that was ended
 * leaves behind, is cut off. One run at a time. Blocks; one thread.
 */
final class EmbeddingsCache implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String FORMAT = "penstock-embeddings";
  private static final int VERSION = 1;
  private static final int HEAD_MAX = 4_096;

  /** Of a text. */
  record Key(long high, long low) {
    static final int BYTES = 16;

    static Key of(String text) {
      try {
        ByteBuffer hash =
            ByteBuffer.wrap(
                MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        return new Key(hash.getLong(), hash.getLong());
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("SHA-256 is in every JDK", e);
      }
    }
  }

  private final Path file;
  private final String model;
  private final FileChannel channel;
  private final Map<Key, float[]> found = new HashMap<>();

  /** 0 while nothing is known. */
  private int dimension;

  private EmbeddingsCache(Path file, String model, FileChannel channel) {
    this.file = file;
    this.model = model;
    this.channel = channel;
  }

  /**
   * Opens a file, or begins one.
   *
   * @param model whose embeddings it has
   * @param wanted of what it has, these are read
   * @throws EmbeddingsException when it is something else, or another run has it
   * @throws IOException when it can not be read and written
   */
  @SuppressWarnings("MustBeClosedChecker") // by close(), or here when it fails
  static EmbeddingsCache open(Path file, String model, Set<Key> wanted)
      throws EmbeddingsException, IOException {
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      if (!isOurs(channel)) {
        throw new EmbeddingsException(
            file + ": in use (expected: a file of this run's own, --embeddings-cache)");
      }
      EmbeddingsCache cache = new EmbeddingsCache(file, model, channel);
      cache.read(wanted);
      return cache;
    } catch (EmbeddingsException | IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static boolean isOurs(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException inThisProcess) {
      return false;
    }
  }

  private void read(Set<Key> wanted) throws EmbeddingsException, IOException {
    if (channel.size() == 0) {
      return;
    }
    DataInputStream in =
        new DataInputStream(new BufferedInputStream(Channels.newInputStream(channel), 1 << 16));
    long head = readHead(in);
    int record = Key.BYTES + dimension * Float.BYTES;
    long records = (channel.size() - head) / record;
    byte[] bytes = new byte[record];
    for (long i = 0; i < records; i++) {
      in.readFully(bytes);
      ByteBuffer of = ByteBuffer.wrap(bytes);
      Key key = new Key(of.getLong(), of.getLong());
      if (wanted.contains(key)) {
        float[] vector = new float[dimension];
        of.asFloatBuffer().get(vector);
        found.put(key, vector);
      }
    }
    channel.truncate(head + records * record);
    channel.position(channel.size());
  }

  private long readHead(DataInputStream in) throws EmbeddingsException, IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c >= 0 && c != '\n' && line.length() < HEAD_MAX; c = in.read()) {
      line.append((char) c);
    }
    JsonNode head;
    try {
      head = JSON.readTree(line.toString());
    } catch (JsonProcessingException no) {
      head = JSON.createObjectNode();
    }
    expect("format", head.path("format").asText("none"), FORMAT);
    expect("version", head.path("version").asText(), "" + VERSION);
    expect(
        "model",
        new String(
            head.path("model").asText().getBytes(StandardCharsets.ISO_8859_1),
            StandardCharsets.UTF_8),
        model);
    dimension = head.path("dimension").asInt();
    if (dimension < 1 || dimension > ComplexityModel.DIMENSION_MAX) {
      expect("dimension", "" + dimension, "1.." + ComplexityModel.DIMENSION_MAX);
    }
    return line.length() + 1;
  }

  private void expect(String what, String is, String expected) throws EmbeddingsException {
    if (!is.equals(expected)) {
      throw new EmbeddingsException(
          file
              + ": "
              + what
              + " "
              + is
              + " (expected: "
              + expected
              + "; another file by --embeddings-cache)");
    }
  }

  /** What it had of the texts that are wanted; not to be written to. */
  Map<Key, float[]> found() {
    return found;
  }

  /** How many numbers each embedding in it has; 0 where it has none yet. */
  int dimension() {
    return dimension;
  }

  /** Appends some; all have the same dimension, that of those before. */
  void add(Map<Key, float[]> more) throws IOException {
    if (dimension == 0) {
      dimension = more.values().iterator().next().length;
      write(ByteBuffer.wrap(head().getBytes(StandardCharsets.UTF_8)));
    }
    ByteBuffer records = ByteBuffer.allocate(more.size() * (Key.BYTES + dimension * Float.BYTES));
    more.forEach(
        (key, vector) -> {
          records.putLong(key.high()).putLong(key.low());
          for (float each : vector) {
            records.putFloat(each);
          }
        });
    write(records.flip());
  }

  private String head() {
    return JSON.createObjectNode()
            .put("format", FORMAT)
            .put("version", VERSION)
            .put("model", model)
            .put("dimension", dimension)
        + "\n";
  }

  private void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
