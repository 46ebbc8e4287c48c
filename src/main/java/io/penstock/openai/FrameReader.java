package io.penstock.openai;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/**
 * Reads one frame: its lines by the event stream grammar of the HTML standard, then its data. Keeps
 * nothing from one frame to the next, so that all streams of an event loop may share one, which
 * stays in the core's cache: each of a thousand streams would bring its own anew for every frame.
 * Not safe for threads.
 */
public final class FrameReader {
  private static final byte[] DATA = JsonText.ascii("data");
  private static final byte[] EVENT = JsonText.ascii("event");
  private static final byte[] ERROR = JsonText.ascii("error");
  private static final byte[] DONE = JsonText.ascii("[DONE]");
  private static final byte[] DATA_PREFIX = JsonText.ascii("data: ");

  private final EventJson json = new EventJson();
  private final SseFrame frame = new SseFrame(); // of the last read

  private int dataLines;
  private int dataFrom;
  private int dataTo;
  private boolean errorEvent;

  /**
   * Reads the frame that fills the bytes from {@code from} to before {@code to}; what is returned
   * is good until the next call.
   *
   * @param lines how many lines it has, the empty one at its end not counted
   */
  SseFrame read(byte[] bytes, int from, int to, int lines) {
    dataLines = 0;
    errorEvent = false;
    int lineStart = from;
    for (int i = 0; i < lines; i++) {
      int lf = ByteSearch.indexOf(bytes, (byte) '\n', lineStart, to);
      line(bytes, lineStart, bytes[lf - 1] == '\r' ? lf - 1 : lf);
      lineStart = lf + 1;
    }
    if (errorEvent) {
      return frame.plain(SseFrame.Kind.ERROR, bytes, from, to);
    }
    if (dataLines > 1) {
      return joined(bytes, from, to, lines);
    }
    return dataLines == 0
        ? frame.plain(SseFrame.Kind.COMMENT, bytes, from, to)
        : data(bytes, from, to);
  }

  /** The data of a frame that has one line of it, as all have that were read. */
  Span dataOf(SseFrame read) {
    dataLines = 0;
    byte[] bytes = read.bytes();
    int lineStart = read.offset();
    int frameEnd = read.offset() + read.length();
    while (dataLines == 0 && lineStart < frameEnd) {
      int lf = ByteSearch.indexOf(bytes, (byte) '\n', lineStart, frameEnd);
      int end = lf < 0 ? frameEnd : lf;
      line(bytes, lineStart, end > lineStart && bytes[end - 1] == '\r' ? end - 1 : end);
      lineStart = end + 1;
    }
    return new Span(dataFrom, dataTo - dataFrom);
  }

  private void line(byte[] bytes, int from, int to) {
    int colon = from;
    while (colon < to && bytes[colon] != ':') {
      colon++;
    }
    int value = Math.min(to, colon + 1);
    if (value < to && bytes[value] == ' ') {
      value++;
    }
    if (Arrays.equals(bytes, from, colon, DATA, 0, DATA.length)) {
      dataLines++;
      dataFrom = value;
      dataTo = to;
    } else if (Arrays.equals(bytes, from, colon, EVENT, 0, EVENT.length)) {
      errorEvent |= Arrays.equals(bytes, value, to, ERROR, 0, ERROR.length);
    } else if (Arrays.equals(bytes, from, colon, ERROR, 0, ERROR.length)) {
      errorEvent = true; // llama.cpp names the field so
    }
  }

  private SseFrame data(byte[] bytes, int from, int to) {
    if (isDone(bytes)) {
      return frame.plain(SseFrame.Kind.DONE, bytes, from, to);
    }
    SseFrame.Kind kind = json.read(bytes, dataFrom, dataTo);
    return kind == SseFrame.Kind.MALFORMED
        ? frame.plain(kind, bytes, from, to)
        : frame.json(kind, bytes, from, to, json);
  }

  private boolean isDone(byte[] bytes) {
    int to = dataTo;
    while (to > dataFrom && bytes[to - 1] == ' ') {
      to--;
    }
    return Arrays.equals(bytes, dataFrom, to, DONE, 0, DONE.length);
  }

  /**
   * The frame with its data in one line. Between the tokens of JSON a line end is worth a space;
   * inside a string neither the grammar nor this method allows one.
   */
  private SseFrame joined(byte[] bytes, int from, int to, int lines) {
    ByteArrayOutputStream others = new ByteArrayOutputStream();
    ByteArrayOutputStream data = new ByteArrayOutputStream(to - from);
    int lineStart = from;
    for (int i = 0; i < lines; i++) {
      int lf = ByteSearch.indexOf(bytes, (byte) '\n', lineStart, to);
      int before = dataLines;
      line(bytes, lineStart, bytes[lf - 1] == '\r' ? lf - 1 : lf);
      if (dataLines > before) {
        data.write(bytes, dataFrom, dataTo - dataFrom);
        data.write('\n');
      } else {
        others.write(bytes, lineStart, lf + 1 - lineStart);
      }
      lineStart = lf + 1;
    }
    byte[] text = data.toByteArray();
    if (json.read(text, 0, text.length) == SseFrame.Kind.MALFORMED) {
      return frame.plain(SseFrame.Kind.MALFORMED, bytes, from, to);
    }
    for (int i = 0; i < text.length; i++) {
      text[i] = text[i] == '\n' ? (byte) ' ' : text[i];
    }
    byte[] whole =
        JsonText.concat(others.toByteArray(), DATA_PREFIX, text, new byte[] {'\n', '\n'});
    dataFrom = others.size() + DATA_PREFIX.length;
    dataTo = dataFrom + text.length;
    return data(whole, 0, whole.length);
  }
}
