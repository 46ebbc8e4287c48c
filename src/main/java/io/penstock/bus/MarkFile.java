package io.penstock.bus;

import io.penstock.message.Mark;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Book} on disk: a head that counts what follows and has its SHA-256, then one mark a
 * line; of a target the last one holds. What changes is put behind, on disk, and then the head is
 * overwritten, which is shorter than a sector of a disk: so there is always an old book or a new
 * one, and what lies behind the counted bytes has never been said to be safe. When most of the
 * lines are no news any more all of it is written anew, to a file beside it that takes its place
 * once it is on disk; hence a change costs as much as is changed, whatever the book's size.
 *
 * <p>Whatever else the file holds than what was written is an error: half a book would bring back
 * what was taken away. Blocks; not for event loops. Used by one thread after the other.
 *
 * @param <M> what is marked
 */
final class MarkFile<M extends Mark> {
  /** Far beyond the largest book. */
  private static final long BYTES_MAX = 1L << 30;

  /** So many lines may be put behind a book of none. */
  private static final int APPENDED_MIN = 1_000;

  /** The same in bytes, since lines of some books are long. */
  private static final long APPENDED_BYTES_MIN = 4 << 20;

  private final Path file;
  private final MarkForm<M> form;
  private final String kind; // how the head begins
  private final Pattern head;
  private final int headBytes;

  /** Of what this object has written; null when it must be written anew. */
  private @Nullable Written written;

  /** How the file stands. */
  private static final class Written {
    private final MessageDigest body = sha256();
    private final int whole; // marks that it was written anew with
    private final long wholeBytes;
    private int marks;
    private long bytes;

    Written(int whole, byte[] lines) {
      this.whole = whole;
      this.wholeBytes = lines.length;
      add(lines, whole);
    }

    final void add(byte[] lines, int count) {
      body.update(lines);
      bytes += lines.length;
      marks += count;
    }

    byte[] head(String kind) throws IOException {
      try {
        MessageDigest soFar = (MessageDigest) body.clone();
        return MarkFile.head(kind, marks, bytes, HexFormat.of().formatHex(soFar.digest()));
      } catch (CloneNotSupportedException e) {
        throw new IOException("SHA-256 of this JDK can not be copied", e);
      }
    }
  }

  MarkFile(Path file, MarkForm<M> form) {
    this.file = file.toAbsolutePath().normalize();
    this.form = form;
    this.kind = "penstock-" + form.name() + " 2";
    this.head = Pattern.compile(kind + " marks=([0-9]{9}) bytes=([0-9]{12}) sha256=([0-9a-f]{64})");
    this.headBytes = head(kind, 0, 0, "0".repeat(64)).length;
  }

  private static byte[] head(String kind, int marks, long bytes, String sha256) {
    return String.format(
            Locale.ROOT, "%s marks=%09d bytes=%012d sha256=%s\n", kind, marks, bytes, sha256)
        .getBytes(StandardCharsets.UTF_8);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-256 is in every JDK", e);
    }
  }

  /**
   * All marks; none where there is no file yet.
   *
   * @throws IOException with what is wrong with the file, in words
   */
  List<M> read() throws IOException {
    byte[] all;
    try {
      if (Files.size(file) > BYTES_MAX) {
        throw wrong("it has " + Files.size(file) + " bytes", "at most " + BYTES_MAX);
      }
      all = Files.readAllBytes(file);
    } catch (NoSuchFileException none) {
      return List.of();
    } catch (IOException unreadable) {
      throw new IOException(
          "the file of " + form.name() + ", " + file + ", can not be read: " + unreadable,
          unreadable);
    }
    Matcher first =
        head.matcher(
            new String(
                all, 0, Math.max(0, Math.min(all.length, headBytes) - 1), StandardCharsets.UTF_8));
    if (all.length < headBytes || all[headBytes - 1] != '\n' || !first.matches()) {
      throw wrong("its first line is no head", kind + " marks=… bytes=… sha256=…");
    }
    long bytes = Long.parseLong(first.group(2));
    if (all.length - headBytes < bytes) {
      throw wrong(
          "its head is followed by " + (all.length - headBytes) + " bytes",
          bytes + ", as its head says");
    }
    String body = new String(all, headBytes, (int) bytes, StandardCharsets.UTF_8);
    MessageDigest counted = sha256();
    counted.update(all, headBytes, (int) bytes);
    String sha256 = HexFormat.of().formatHex(counted.digest());
    if (!sha256.equals(first.group(3))) {
      throw wrong(
          "what follows its head has the SHA-256 " + sha256, first.group(3) + ", as its head says");
    }
    Map<String, M> marks = new LinkedHashMap<>();
    int number = 0;
    for (String line : body.lines().toList()) {
      M mark = mark(line, ++number + 1);
      marks.remove(mark.target()); // in the order of the last word
      marks.put(mark.target(), mark);
    }
    if (number != Integer.parseInt(first.group(1))) {
      throw wrong("it has " + number + " marks", first.group(1) + ", as its head says");
    }
    return List.copyOf(marks.values());
  }

  private M mark(String line, int number) throws IOException {
    try {
      return form.read(line);
    } catch (IOException unknown) {
      throw new IOException(
          wrong("line " + number + " is " + unknown.getMessage(), "a mark that this release knows")
              .getMessage(),
          unknown);
    }
  }

  private IOException wrong(String found, String expected) {
    return new IOException(
        "the file of "
            + form.name()
            + ", "
            + file
            + ", is not as this node wrote it: "
            + found
            + " (expected: "
            + expected
            + "); put back a copy, from another node too, or move it away to begin without the "
            + form.name()
            + " in it");
  }

  /** Whether so many marks may be put behind; else it is to be written anew. */
  boolean takes(int count) {
    Written now = written;
    return now != null
        && now.marks + count <= 2 * now.whole + APPENDED_MIN
        && now.bytes <= 2 * now.wholeBytes + APPENDED_BYTES_MIN;
  }

  private byte[] lines(List<M> marks) {
    StringBuilder lines = new StringBuilder();
    for (M each : marks) {
      lines.append(form.write(each)).append('\n');
    }
    return lines.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** Puts these behind what it {@link #takes}; on disk when it returns. */
  void append(List<M> marks) throws IOException {
    Written now = written;
    if (now == null) {
      throw new IllegalStateException(file + " (expected: written by this object before)");
    }
    written = null; // unless all of it goes well
    byte[] lines = lines(marks);
    try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE)) {
      write(out, headBytes + now.bytes, lines);
      out.force(true);
      now.add(lines, marks.size());
      write(out, 0, now.head(kind));
      out.force(false);
    }
    written = now;
  }

  private static void write(FileChannel out, long at, byte[] bytes) throws IOException {
    ByteBuffer rest = ByteBuffer.wrap(bytes);
    while (rest.hasRemaining()) {
      out.write(rest, at + rest.position());
    }
  }

  /** Puts these in its place; on disk when it returns. */
  void write(List<M> marks) throws IOException {
    written = null;
    byte[] lines = lines(marks);
    Written now = new Written(marks.size(), lines);
    Path next = file.resolveSibling(file.getFileName() + ".next");
    Path folder = file.getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    Files.deleteIfExists(next);
    try (FileChannel out =
        FileChannel.open(
            next,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      write(out, 0, now.head(kind));
      write(out, headBytes, lines);
      out.force(true);
    }
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    if (folder != null) {
      try (FileChannel named = FileChannel.open(folder, StandardOpenOption.READ)) {
        named.force(true);
      }
    }
    written = now;
  }

  @Override
  public String toString() {
    return file.toString();
  }
}
