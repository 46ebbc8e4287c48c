package io.penstock.bus;

import io.penstock.message.Message;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Messages as lines of text in their wire form, for files that outlive a release. */
public final class MessageText {
  private MessageText() {}

  /** One line, without its end. */
  public static String write(Message message) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    WireForm.write(message, out);
    return out.toString(StandardCharsets.UTF_8);
  }

  /**
   * The message of a line.
   *
   * @throws IOException when it is none that this release knows
   */
  public static Message read(String line) throws IOException {
    byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
    try {
      return WireForm.read(bytes, 0, bytes.length);
    } catch (UnreadableMessageException e) {
      throw new IOException(e.getMessage(), e);
    }
  }
}
