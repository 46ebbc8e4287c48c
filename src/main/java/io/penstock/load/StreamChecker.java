package io.penstock.load;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Judges an answer by its bytes: whether a stream is whole.
 *
 * <p>A stream is {@code ok} when it is server-sent events of one JSON object each, with the same
 * id, at least one content, a finish reason and no content after it, usage that adds up (where it
 * was asked for), then {@code [DONE]}, and not a byte more. Comments are allowed before that. The
 * first thing that is wrong decides.
 *
 * <p>How the bytes were cut into reads makes no difference. Lines end in LF or CRLF; the bare CR
 * that the standard also allows is not taken for an end, since no server sends it and a CRLF cut in
 * the middle would pass for whole. So a stream that lacks even its last byte is {@code truncated}.
 */
final class StreamChecker {
  static final int FRAME_BYTES_MAX = 4 << 20;
  private static final byte[] DONE = "[DONE]".getBytes(StandardCharsets.US_ASCII);

  private final boolean usageWanted;
  private final ChunkReader chunk = new ChunkReader();
  private final Bytes line = new Bytes();
  private final Bytes data = new Bytes();
  private boolean dataSeen;
  private boolean errorEvent;

  private boolean failed;
  private Ending ending = Ending.TRUNCATED;
  private String detail = "";
  private boolean done;
  private String id = "";
  private boolean finished;
  private int contents;
  private long promptTokens = -1;
  private long completionTokens = -1;

  StreamChecker(boolean usageWanted) {
    this.usageWanted = usageWanted;
  }

  /**
   * The next bytes of the body.
   *
   * @return how many frames with content they completed
   */
  int feed(byte[] bytes, int offset, int length) {
    int before = contents;
    int end = offset + length;
    int from = offset;
    while (from < end && !failed) {
      if (done) {
        fail(Ending.MALFORMED, "bytes after [DONE]");
        break;
      }
      int newline = indexOfNewline(bytes, from, end);
      int to = newline < 0 ? end : newline;
      line.write(bytes, from, to - from);
      if (line.size() + data.size() > FRAME_BYTES_MAX) {
        fail(Ending.MALFORMED, "frame over " + FRAME_BYTES_MAX + " bytes");
        break;
      }
      from = to + 1;
      if (newline >= 0) {
        endLine();
      }
    }
    return contents - before;
  }

  /** Whether nothing that follows can change the verdict for the better. */
  boolean isFailed() {
    return failed;
  }

  /** The verdict when the body has ended here. */
  Verdict end() {
    if (failed) {
      return verdict(ending, detail);
    }
    if (done) {
      return verdict(Ending.OK, "");
    }
    return verdict(Ending.TRUNCATED, contents == 0 ? "before any content" : "without [DONE]");
  }

  private Verdict verdict(Ending how, String why) {
    return new Verdict(how, why, contents, promptTokens, completionTokens);
  }

  private void endLine() {
    int length = line.size();
    if (length > 0 && line.at(length - 1) == '\r') {
      length--;
    }
    if (length == 0) {
      endEvent();
    } else {
      field(length);
    }
    line.reset();
  }

  private void field(int length) {
    if (line.at(0) == ':') {
      return;
    }
    if (line.startsWith("data:")) {
      int from = length > 5 && line.at(5) == ' ' ? 6 : 5;
      if (dataSeen) {
        data.write('\n');
      }
      data.write(line.array(), from, length - from);
      dataSeen = true;
    } else if (line.startsWith("event:")) {
      errorEvent =
          new String(line.array(), 6, length - 6, StandardCharsets.UTF_8).trim().equals("error");
    } else if (!line.startsWith("id:") && !line.startsWith("retry:")) {
      fail(Ending.MALFORMED, "not an event-stream field");
    }
  }

  private void endEvent() {
    if (dataSeen) {
      if (Arrays.equals(data.array(), 0, data.size(), DONE, 0, DONE.length)) {
        endStream();
      } else {
        endFrame();
      }
    }
    data.reset();
    dataSeen = false;
    errorEvent = false;
  }

  private void endFrame() {
    boolean json = chunk.read(data.array(), data.size());
    if (json && chunk.error != null) {
      fail(Ending.ERROR_FRAME, chunk.error);
    } else if (errorEvent) {
      fail(Ending.ERROR_FRAME, "event: error");
    } else if (!json) {
      fail(Ending.MALFORMED, "frame is not a JSON object");
    } else if (!chunk.choices) {
      fail(Ending.MALFORMED, "frame without choices");
    } else {
      accept();
    }
  }

  private void accept() {
    if (!chunk.id.isEmpty()) {
      if (!id.isEmpty() && !id.equals(chunk.id)) {
        fail(Ending.MALFORMED, "id changed");
        return;
      }
      id = chunk.id;
    }
    if (chunk.content) {
      if (finished) {
        fail(Ending.MALFORMED, "content after finish_reason");
        return;
      }
      contents++;
    }
    finished |= chunk.finished;
    if (chunk.usage) {
      acceptUsage();
    }
  }

  /** Usage may come with every chunk, as a running count. */
  private void acceptUsage() {
    boolean sums =
        chunk.promptTokens >= 0
            && chunk.completionTokens >= 0
            && chunk.totalTokens == chunk.promptTokens + chunk.completionTokens;
    boolean grows =
        chunk.completionTokens >= completionTokens
            && (promptTokens < 0 || chunk.promptTokens == promptTokens);
    if (!sums || !grows) {
      fail(Ending.MALFORMED, "usage does not add up");
      return;
    }
    promptTokens = chunk.promptTokens;
    completionTokens = chunk.completionTokens;
  }

  private void endStream() {
    if (contents == 0) {
      fail(Ending.MALFORMED, "no content");
    } else if (!finished) {
      fail(Ending.MALFORMED, "no finish_reason");
    } else if (usageWanted && completionTokens < 0) {
      fail(Ending.MALFORMED, "no usage");
    } else if (completionTokens == 0) {
      fail(Ending.MALFORMED, "usage does not add up");
    } else {
      done = true;
    }
  }

  private void fail(Ending how, String why) {
    failed = true;
    ending = how;
    detail = why;
  }

  private static int indexOfNewline(byte[] bytes, int from, int to) {
    for (int i = from; i < to; i++) {
      if (bytes[i] == '\n') {
        return i;
      }
    }
    return -1;
  }

  /** Bytes that can be looked at without a copy. */
  private static final class Bytes extends ByteArrayOutputStream {
    byte[] array() {
      return buf;
    }

    byte at(int index) {
      return buf[index];
    }

    boolean startsWith(String ascii) {
      if (count < ascii.length()) {
        return false;
      }
      for (int i = 0; i < ascii.length(); i++) {
        if (buf[i] != ascii.charAt(i)) {
          return false;
        }
      }
      return true;
    }
  }
}
