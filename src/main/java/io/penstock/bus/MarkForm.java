package io.penstock.bus;

import io.penstock.inference.NodeId;
import io.penstock.message.Mark;
import io.penstock.message.Message;
import java.io.IOException;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * How marks of one kind are written down: each as a line of text that outlives a release. Immutable
 * and thread-safe.
 *
 * @param name of what is marked, in plural; a word of lower case letters, for names of files and of
 *     fields, and for people
 * @param wrap puts marks that a node tells into a message
 * @param unwrap takes them out again; none where it is another message
 * @param <M> what is marked
 */
public record MarkForm<M extends Mark>(
    String name, BiFunction<NodeId, List<M>, Message> wrap, Function<Message, List<M>> unwrap) {
  /** One line, without its end. */
  public String write(M mark) {
    return MessageText.write(wrap.apply(mark.by(), List.of(mark)));
  }

  /**
   * The mark of a line.
   *
   * @throws IOException that says what the line is instead
   */
  public M read(String line) throws IOException {
    Message message = MessageText.read(line);
    List<M> marks = unwrap.apply(message);
    if (marks.size() == 1) {
      return marks.get(0);
    }
    throw new IOException("a " + message.getClass().getSimpleName());
  }
}
