package io.penstock.load;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PushbackInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.IntUnaryOperator;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Reads traces, plain or gzipped (told by their first bytes).
 *
 * <p><b>arrivals</b>: CSV with a header and the columns {@code t_s,input_tokens,output_tokens}, in
 * any order, others ignored. <b>prefix</b>: one JSON object a line with {@code t} (seconds), {@code
 * in}, {@code out} (tokens), optionally {@code s} (session), {@code think} (seconds that its client
 * waited before it) and {@code blk}, run-length prefix blocks {@code [[first,count],…]}.
 *
 * <p>How long a block is, the file does not say: a size given by the user wins; else the file
 * {@code NAME_chunks.csv} beside it ({@code chunk_id,kind,tokens}); else the common size that fits
 * every line.
 *
 * <p>Every mistake is an {@link IllegalArgumentException} with the file, the line, what was found
 * and what was expected.
 */
public final class TraceReader {
  static final int ROWS_MAX = 5_000_000;
  private static final int[] COMMON_BLOCK_TOKENS = {512, 256, 128, 64, 32, 16};
  private static final JsonFactory JSON = new JsonFactory();

  private final Path file;
  private int line;

  private TraceReader(Path file) {
    this.file = file;
  }

  /**
   * Reads a trace.
   *
   * @param blockTokens tokens of a prefix block, where the user knows better than the file
   * @throws IllegalArgumentException with the file, the line, what was found and what was expected
   */
  public static Trace read(Path file, OptionalInt blockTokens) {
    return new TraceReader(file).read(blockTokens);
  }

  private Trace read(OptionalInt blockTokens) {
    try (BufferedReader in = open(file)) {
      in.mark(1);
      int first = in.read();
      in.reset();
      Trace trace = first == '{' || first < 0 ? prefixes(in, blockTokens) : arrivals(in);
      if (trace.requests().isEmpty()) {
        throw new IllegalArgumentException(
            "trace "
                + file
                + ": no requests (expected: CSV with t_s,input_tokens,output_tokens, or"
                + " JSON lines with t, in, out)");
      }
      return trace;
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException("trace: " + file + " (expected: a file that exists)", e);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "trace " + file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static BufferedReader open(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new IllegalArgumentException("trace: " + file + " (expected: a file, not a folder)");
    }
    PushbackInputStream in =
        new PushbackInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16), 2);
    try {
      byte[] magic = in.readNBytes(2);
      in.unread(magic);
      boolean gzip = magic.length == 2 && magic[0] == (byte) 0x1f && magic[1] == (byte) 0x8b;
      InputStream plain = gzip ? new GZIPInputStream(in, 1 << 16) : in;
      return new BufferedReader(new InputStreamReader(plain, StandardCharsets.UTF_8));
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  private Trace arrivals(BufferedReader in) throws IOException {
    int[] columns = columns(in, "t_s", "input_tokens", "output_tokens");
    List<TracedRequest> requests = new ArrayList<>();
    long last = 0;
    for (String row = nextLine(in); row != null; row = nextLine(in)) {
      String[] cells = cells(row, columns);
      long at = nanos("t_s", cells[0]);
      if (at < last) {
        throw wrong("t_s: " + cells[0], "not before the line above");
      }
      last = at;
      add(
          requests,
          new TracedRequest(
              at,
              -1,
              tokens("input_tokens", cells[1]),
              tokens("output_tokens", cells[2]),
              TracedRequest.NO_BLOCKS));
    }
    return new Trace(name(), requests, false, id -> 0);
  }

  private Trace prefixes(BufferedReader in, OptionalInt blockTokens) throws IOException {
    List<TracedRequest> requests = new ArrayList<>();
    boolean perSession = false;
    boolean blocks = false;
    for (String row = nextLine(in); row != null; row = nextLine(in)) {
      TracedRequest request = prefixRow(row);
      if (!requests.isEmpty() && request.atNanos() < requests.get(requests.size() - 1).atNanos()) {
        if (request.session() < 0
            || request.session() == requests.get(requests.size() - 1).session()) {
          throw wrong("t: " + request.atNanos() / 1e9, "not before the line above");
        }
        perSession = true;
      }
      blocks |= request.blocks().length > 0;
      add(requests, request);
    }
    IntUnaryOperator sizes = blocks ? blockSizes(requests, blockTokens) : id -> 0;
    return new Trace(name(), requests, perSession, sizes);
  }

  private TracedRequest prefixRow(String row) {
    double at = -1;
    long in = -1;
    long out = -1;
    long session = -1;
    double think = -1;
    int[] blocks = TracedRequest.NO_BLOCKS;
    try (JsonParser json = JSON.createParser(row)) {
      expect(json.nextToken(), JsonToken.START_OBJECT, "an object");
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String field = json.currentName();
        JsonToken value = json.nextToken();
        switch (field) {
          case "t" -> at = number(json, value, "t");
          case "in" -> in = whole(json, value, "in");
          case "out" -> out = whole(json, value, "out");
          case "s" -> session = whole(json, value, "s");
          case "think" -> think = number(json, value, "think");
          case "blk" -> blocks = runs(json, value);
          default -> json.skipChildren();
        }
      }
    } catch (JsonProcessingException e) {
      throw wrong("not JSON", "{\"t\":…,\"in\":…,\"out\":…}");
    } catch (IOException e) {
      throw new IllegalStateException("a string cannot fail to be read", e);
    }
    if (at < 0 || in < 0 || out < 0) {
      String missing = at < 0 ? "t" : in < 0 ? "in" : "out";
      throw wrong("'" + missing + "' missing", "t, in, out, and optionally s, blk");
    }
    long thinkNanos = think < 0 ? -1 : (long) (think * 1e9);
    return new TracedRequest((long) (at * 1e9), session, (int) in, (int) out, thinkNanos, blocks);
  }

  private int[] runs(JsonParser json, JsonToken value) throws IOException {
    String expected = "[[first,count],…]";
    expect(value, JsonToken.START_ARRAY, "blk: " + expected);
    int[] runs = new int[8];
    int n = 0;
    while (json.nextToken() == JsonToken.START_ARRAY) {
      if (n == runs.length) {
        runs = Arrays.copyOf(runs, n * 2);
      }
      runs[n++] = (int) whole(json, json.nextToken(), "blk");
      runs[n++] = (int) whole(json, json.nextToken(), "blk");
      expect(json.nextToken(), JsonToken.END_ARRAY, "blk: " + expected);
    }
    expect(json.currentToken(), JsonToken.END_ARRAY, "blk: " + expected);
    return Arrays.copyOf(runs, n);
  }

  private void expect(@Nullable JsonToken found, JsonToken expected, String words) {
    if (found != expected) {
      throw wrong(String.valueOf(found), words);
    }
  }

  private double number(JsonParser json, JsonToken value, String field) throws IOException {
    if (!value.isNumeric() || json.getDoubleValue() < 0 || json.getDoubleValue() > 1e9) {
      throw wrong(field + ": " + json.getText(), "a number >= 0");
    }
    return json.getDoubleValue();
  }

  private long whole(JsonParser json, @Nullable JsonToken value, String field) throws IOException {
    if (value != JsonToken.VALUE_NUMBER_INT
        || json.getDoubleValue() < 0
        || json.getDoubleValue() > Integer.MAX_VALUE) {
      throw wrong(field + ": " + json.getText(), "a whole number >= 0");
    }
    return json.getLongValue();
  }

  private IntUnaryOperator blockSizes(List<TracedRequest> requests, OptionalInt given)
      throws IOException {
    if (given.isPresent()) {
      int size = given.getAsInt();
      return id -> size;
    }
    Path chunks = beside("_chunks");
    if (Files.exists(chunks)) {
      return chunkSizes(requests, chunks);
    }
    for (int size : COMMON_BLOCK_TOKENS) {
      if (requests.stream().allMatch(r -> fits(r, size))) {
        return id -> size;
      }
    }
    throw new IllegalArgumentException(
        "trace "
            + file
            + ": no common block size fits its 'blk' (expected: --block-tokens N, or the"
            + " sizes in "
            + chunks.getFileName()
            + " beside it)");
  }

  /** Whether the blocks cover the prompt up to a partial block, which some traces leave out. */
  private static boolean fits(TracedRequest request, int size) {
    long blocks = 0;
    for (int i = 1; i < request.blocks().length; i += 2) {
      blocks += request.blocks()[i];
    }
    return Math.abs(blocks * size - request.inputTokens()) < size;
  }

  private static IntUnaryOperator chunkSizes(List<TracedRequest> requests, Path chunks)
      throws IOException {
    Map<Integer, Integer> sizes = new TraceReader(chunks).chunkSizes();
    for (TracedRequest request : requests) {
      for (int run = 0; run < request.blocks().length; run += 2) {
        for (int i = 0; i < request.blocks()[run + 1]; i++) {
          int id = request.blocks()[run] + i;
          if (!sizes.containsKey(id)) {
            throw new IllegalArgumentException(
                "trace "
                    + chunks
                    + ": no chunk_id "
                    + id
                    + " (expected: every block of the trace)");
          }
        }
      }
    }
    return id -> sizes.getOrDefault(id, 0);
  }

  private Map<Integer, Integer> chunkSizes() throws IOException {
    Map<Integer, Integer> sizes = new HashMap<>();
    try (BufferedReader in = open(file)) {
      int[] columns = columns(in, "chunk_id", "tokens");
      for (String row = nextLine(in); row != null; row = nextLine(in)) {
        String[] cells = cells(row, columns);
        sizes.put(tokens("chunk_id", cells[0]), tokens("tokens", cells[1]));
        bound(sizes.size());
      }
    }
    return sizes;
  }

  /** {@code x/NAME.jsonl.gz} to {@code x/NAME_chunks.csv.gz}. */
  private Path beside(String suffix) {
    String own = name();
    String stem = own.replaceFirst("\\.jsonl(\\.gz)?$", "");
    return file.resolveSibling(stem + suffix + ".csv" + (own.endsWith(".gz") ? ".gz" : ""));
  }

  private int[] columns(BufferedReader in, String... wanted) throws IOException {
    String header = nextLine(in);
    List<String> found = Arrays.asList(String.valueOf(header).trim().split(",", -1));
    int[] columns = new int[wanted.length];
    for (int i = 0; i < wanted.length; i++) {
      columns[i] = found.indexOf(wanted[i]);
      if (columns[i] < 0) {
        throw wrong(
            "column '" + wanted[i] + "' missing in '" + abbreviated(String.valueOf(header)) + "'",
            String.join(",", wanted));
      }
    }
    return columns;
  }

  private String[] cells(String row, int[] columns) {
    String[] all = row.split(",", -1);
    String[] cells = new String[columns.length];
    for (int i = 0; i < columns.length; i++) {
      if (columns[i] >= all.length) {
        throw wrong(all.length + " columns", "at least " + (columns[i] + 1));
      }
      cells[i] = all[columns[i]].trim();
    }
    return cells;
  }

  private long nanos(String column, String text) {
    try {
      double seconds = Double.parseDouble(text);
      if (seconds >= 0 && seconds <= 1e9) {
        return (long) (seconds * 1e9);
      }
    } catch (NumberFormatException e) {
      // told below, with the numbers that are out of range
    }
    throw wrong(column + ": '" + abbreviated(text) + "'", "seconds >= 0");
  }

  private int tokens(String column, String text) {
    try {
      int value = Integer.parseInt(text);
      if (value >= 0) {
        return value;
      }
    } catch (NumberFormatException e) {
      // told below, with the numbers that are out of range
    }
    throw wrong(column + ": '" + abbreviated(text) + "'", "a whole number >= 0");
  }

  private @Nullable String nextLine(BufferedReader in) throws IOException {
    String text;
    do {
      text = in.readLine();
      line++;
    } while (text != null && text.isBlank());
    return text;
  }

  private void add(List<TracedRequest> requests, TracedRequest request) {
    requests.add(request);
    bound(requests.size());
  }

  private void bound(int rows) {
    if (rows > ROWS_MAX) {
      throw wrong("more than " + ROWS_MAX + " rows", "a shorter trace");
    }
  }

  private String name() {
    return String.valueOf(file.getFileName());
  }

  private static String abbreviated(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }

  private IllegalArgumentException wrong(String found, String expected) {
    return new IllegalArgumentException(
        "trace " + file + ", line " + line + ": " + found + " (expected: " + expected + ")");
  }
}
