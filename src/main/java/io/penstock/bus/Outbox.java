package io.penstock.bus;

import io.penstock.message.Message;
import io.penstock.message.Station;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.internal.ContextInternal;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Predicate;

/**
 * What one event loop sends to other nodes. It goes when the turn ends, what is for the same
 * station in one {@link Parcel}: under load, when a turn has much to do, several messages cost one
 * write and one read. What may wait does so until something else goes to its station, for some
 * milliseconds at most. Touched on its loop only.
 */
final class Outbox {
  private final BiFunction<Station, Object, Future<Void>> wire;
  private final Map<Station, Post> waiting = new LinkedHashMap<>();
  private final long alongMillis;
  private boolean turnEndAwaited;
  private boolean timerSet;

  /**
   * @param wire sends a message or a parcel
   * @param alongMillis how long what may wait does so at most
   */
  Outbox(BiFunction<Station, Object, Future<Void>> wire, long alongMillis) {
    this.wire = wire;
    this.alongMillis = alongMillis;
  }

  private record Letter(Message message, Promise<Void> sent) {}

  /** What is to go to one station. */
  private static final class Post {
    final List<Letter> letters = new ArrayList<>(2);

    /** Whether it goes when the turn ends. */
    boolean due;
  }

  /**
   * @param of on whose loop this is called; hears what has become of it
   */
  Future<Void> send(Context of, Station to, Message message) {
    if (!turnEndAwaited) {
      turnEndAwaited = true;
      of.runOnContext(
          turnEnds -> {
            turnEndAwaited = false;
            flush(post -> post.due);
          });
    }
    return add(of, to, message, true);
  }

  /** Sends, and may wait. */
  Future<Void> sendAlong(Context of, Station to, Message message) {
    if (!timerSet) {
      // Not a timer of the context's: that ends with its verticle.
      ((ContextInternal) of)
          .nettyEventLoop()
          .schedule(
              () -> {
                timerSet = false;
                flush(post -> true);
              },
              alongMillis,
              TimeUnit.MILLISECONDS);
      timerSet = true;
    }
    return add(of, to, message, false);
  }

  private Future<Void> add(Context of, Station to, Message message, boolean due) {
    Promise<Void> sent = ((ContextInternal) of).promise();
    Post post = waiting.computeIfAbsent(to, each -> new Post());
    post.letters.add(new Letter(message, sent));
    post.due |= due;
    if (post.letters.size() == Parcel.MESSAGES_MAX) {
      waiting.remove(to);
      send(to, post.letters);
    }
    return sent.future();
  }

  private void flush(Predicate<Post> which) {
    Map<Station, List<Letter>> now = new LinkedHashMap<>();
    for (Iterator<Map.Entry<Station, Post>> all = waiting.entrySet().iterator(); all.hasNext(); ) {
      Map.Entry<Station, Post> each = all.next();
      if (which.test(each.getValue())) {
        all.remove();
        now.put(each.getKey(), each.getValue().letters);
      }
    }
    now.forEach(this::send);
  }

  /** What is for others goes, whatever becomes of this. */
  private Future<Void> written(Station to, Object body) {
    try {
      return wire.apply(to, body);
    } catch (RuntimeException e) {
      return Future.failedFuture(e);
    }
  }

  private void send(Station to, List<Letter> letters) {
    Object body =
        letters.size() == 1
            ? letters.get(0).message()
            : new Parcel(letters.stream().map(Letter::message).toList());
    written(to, body)
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
