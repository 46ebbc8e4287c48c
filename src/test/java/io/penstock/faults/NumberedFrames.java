package io.penstock.faults;

import java.nio.charset.StandardCharsets;

/**
 * Checks a stream of {@link PacedEngine} byte by byte, at next to no cost: the frames that there
 * are, numbered from 0 without a gap, then the end. Pieces may end anywhere.
 */
final class NumberedFrames {
  private static final byte[] CONTENT = bytes("\"content\":\"");
  private static final byte[] DONE = bytes("data: [DONE]");
  private static final int FRAME_MAX = 4_096;

  private final byte[] frame = new byte[FRAME_MAX];
  private int length;
  private int count;
  private boolean done;
  private String trouble = "";

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  void feed(byte[] piece) {
    for (byte each : piece) {
      if (each == '\n' && length > 0 && frame[length - 1] == '\n') {
        length--;
        ended();
        length = 0;
      } else if (length == FRAME_MAX) {
        wrong("a frame of more than " + FRAME_MAX + " bytes");
        length = 0;
      } else {
        frame[length++] = each;
      }
    }
  }

  private void ended() {
    if (done) {
      wrong("something after [DONE]");
    } else if (find(DONE) == 0) {
      done = true;
    } else {
      int at = find(CONTENT);
      if (at >= 0) {
        int number = number(at + CONTENT.length);
        if (number != count) {
          wrong("frame " + number + " (expected: " + count + ")");
        }
        count++;
      } else if (find(bytes("\"finish_reason\":\"stop\"")) < 0) {
        wrong(new String(frame, 0, length, StandardCharsets.UTF_8));
      }
    }
  }

  private int number(int from) {
    int number = 0;
    int i = from;
    while (i < length && frame[i] >= '0' && frame[i] <= '9') {
      number = number * 10 + frame[i++] - '0';
    }
    return i == from || i == length || frame[i] != ' ' ? -1 : number;
  }

  private int find(byte[] what) {
    for (int i = 0; i + what.length <= length; i++) {
      int same = 0;
      while (same < what.length && frame[i + same] == what[same]) {
        same++;
      }
      if (same == what.length) {
        return i;
      }
    }
    return -1;
  }

  /** The first is kept. */
  void wrong(String what) {
    if (trouble.isEmpty()) {
      trouble = "after " + count + " frames: " + what;
    }
  }

  /** Frames with text so far. */
  int count() {
    return count;
  }

  /** Whether it has ended in order, with as many frames. */
  boolean isWhole(int frames) {
    return done && trouble.isEmpty() && count == frames;
  }

  /** What was wrong first; empty where nothing was. */
  String trouble() {
    return trouble;
  }
}
