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
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A {@link Book} on disk: a head that counts what follows and has its SHA-256, then one mark a
 * line. Written as a whole to a file beside it that takes its place once it is on disk, so there is
 * always an old one or a new one. Whatever else it holds than what was written is an error: half a
 * book would bring back what was taken away. Blocks; not for event loops.
 *
 * @param <M> what is marked
 */
final class MarkFile<M extends Mark> {
  /** Far beyond the largest book. */
  private static final long BYTES_MAX = 1L << 30;

  private final Path file;
  private final MarkForm<M> form;
  private final Pattern head;

  MarkFile(Path file, MarkForm<M> form) {
    this.file = file.toAbsolutePath().normalize();
    this.form = form;
    this.head =
        Pattern.compile("penstock-" + form.name() + " 1 marks=([0-9]{1,9}) sha256=([0-9a-f]{64})");
  }

  /**
   * All marks; none where there is no file yet.
   *
   * @throws IOException with what is wrong with the file, in words
   */
  List<M> read() throws IOException {
    String text;
    try {
      if (Files.size(file) > BYTES_MAX) {
        throw wrong("it has " + Files.size(file) + " bytes", "at most " + BYTES_MAX);
      }
      text = Files.readString(file);
    } catch (NoSuchFileException none) {
      return List.of();
    } catch (IOException unreadable) {
      throw new IOException(
          "the file of " + form.name() + ", " + file + ", can not be read: " + unreadable,
          unreadable);
    }
    int headEnd = text.indexOf('\n');
    Matcher first = head.matcher(headEnd < 0 ? text : text.substring(0, headEnd));
    if (!first.matches()) {
      throw wrong("its first line is no head", "penstock-" + form.name() + " 1 marks=… sha256=…");
    }
    String body = headEnd < 0 ? "" : text.substring(headEnd + 1);
    String sha256 = sha256(body);
    if (!sha256.equals(first.group(2))) {
      throw wrong(
          "what follows its head has the SHA-256 " + sha256, first.group(2) + ", as its head says");
    }
    List<M> marks = new ArrayList<>();
    for (String line : body.lines().toList()) {
      marks.add(mark(line, marks.size() + 2));
    }
    if (marks.size() != Integer.parseInt(first.group(1))) {
      throw wrong("it has " + marks.size() + " marks", first.group(1) + ", as its head says");
    }
    return marks;
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

  /** Puts these in its place; on disk when it returns. */
  void write(List<M> marks) throws IOException {
    StringBuilder body = new StringBuilder();
    for (M each : marks) {
      body.append(form.write(each)).append('\n');
    }
    String text = body.toString();
    String begin =
        "penstock-" + form.name() + " 1 marks=" + marks.size() + " sha256=" + sha256(text) + "\n";
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
      ByteBuffer bytes = ByteBuffer.wrap((begin + text).getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
      out.force(true);
    }
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    if (folder != null) {
      try (FileChannel named = FileChannel.open(folder, StandardOpenOption.READ)) {
        named.force(true);
      }
    }
  }

  private static String sha256(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  @Override
  public String toString() {
    return file.toString();
  }
}
