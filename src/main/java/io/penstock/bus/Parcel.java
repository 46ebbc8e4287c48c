package io.penstock.bus;

import io.penstock.message.Message;
import java.util.List;
import java.util.function.Consumer;

/**
 * Messages to one station that a loop has sent in one of its turns, in their order.
 *
 * @param messages two or more
 */
record Parcel(List<Message> messages) {
  /** What one may carry; more go in the next. */
  static final int MESSAGES_MAX = 64;

  /** Hands over each of them, also when an entry throws; then what was thrown last is thrown. */
  void open(Consumer<Message> handler) {
    open(0, handler);
  }

  private void open(int from, Consumer<Message> handler) {
    for (int i = from; i < messages.size(); i++) {
      boolean taken = false;
      try {
        handler.accept(messages.get(i));
        taken = true;
      } finally {
        if (!taken) {
          open(i + 1, handler);
        }
      }
    }
  }
}
