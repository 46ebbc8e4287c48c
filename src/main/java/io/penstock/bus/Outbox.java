package io.penstock.bus;

import io.penstock.message.Message;
import io.penstock.message.Station;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.internal.ContextInternal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/**
 * What one event loop sends to other nodes in one of its turns. It goes when the turn ends, what is
 * for the same station in one {@link Parcel}: under load, when a turn has much to do, several
 * messages cost one write and one read. Touched on its loop only.
 */
final class Outbox {
  private final BiFunction<Station, Object, Future<Void>> wire;
  private final Map<Station, List<Letter>> waiting = new LinkedHashMap<>();

  /**
   * @param wire sends a message or a parcel
   */
  Outbox(BiFunction<Station, Object, Future<Void>> wire) {
    this.wire = wire;
  }

  private record Letter(Message message, Promise<Void> sent) {}

  /**
   * @param of on whose loop this is called; hears what has become of it
   */
  Future<Void> send(Context of, Station to, Message message) {
    if (waiting.isEmpty()) {
      of.runOnContext(turnEnds -> flush());
    }
    Promise<Void> sent = ((ContextInternal) of).promise();
    List<Letter> letters = waiting.computeIfAbsent(to, each -> new ArrayList<>(2));
    letters.add(new Letter(message, sent));
    if (letters.size() == Parcel.MESSAGES_MAX) {
      waiting.remove(to);
      post(to, letters);
    }
    return sent.future();
  }

  private void flush() {
    Map<Station, List<Letter>> now = new LinkedHashMap<>(waiting);
    waiting.clear();
    now.forEach(this::post);
  }

  private void post(Station to, List<Letter> letters) {
    Object body =
        letters.size() == 1
            ? letters.get(0).message()
            : new Parcel(letters.stream().map(Letter::message).toList());
    wire.apply(to, body)
        .onComplete(
            done -> {
              for (Letter letter : letters) {
                if (done.succeeded()) {
                  letter.sent().complete();
                } else {
                  letter.sent().fail(done.cause());
                }
              }
            });
  }
}
