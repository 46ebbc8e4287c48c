package io.penstock.tenancy;

import io.penstock.bus.MessageText;
import io.penstock.message.Message;
import io.penstock.message.TenancyMark;
import io.penstock.message.TenancyMarks;
import java.io.IOException;
import java.util.List;

/** A mark as a line of text that outlives a release. */
public final class MarkText {
  private MarkText() {}

  /** One line, without its end. */
  public static String write(TenancyMark mark) {
    return MessageText.write(new TenancyMarks(mark.by(), List.of(mark)));
  }

  /**
   * The mark of a line.
   *
   * @throws IOException that says what the line is instead
   */
  public static TenancyMark read(String line) throws IOException {
    Message message = MessageText.read(line);
    if (message instanceof TenancyMarks marks && marks.marks().size() == 1) {
      return marks.marks().get(0);
    }
    throw new IOException("a " + message.getClass().getSimpleName());
  }
}
