package io.penstock.adapter.redis;

import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.adapter.guard.Guard;
import io.penstock.adapter.guard.GuardMeters;
import io.penstock.bus.MarkForm;
import io.penstock.bus.MarkStore;
import io.penstock.bus.UnreadableBookException;
import io.penstock.message.Mark;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * A book of marks in Redis: one hash that all nodes of a cluster write, target by target, the later
 * word over the earlier. What was written is not written again while Redis has as much as it was
 * given.
 *
 * @param <M> what is marked
 */
public final class RedisMarks<M extends Mark> implements MarkStore<M> {
  private static final Guard.Rules RULES =
      new Guard.Rules(3, Duration.ofSeconds(5), Duration.ofSeconds(2));

  private static final int MARKS_A_CALL = 500;
  private static final Script SCRIPT = Script.of("marks.lua");

  private final RedisServer redis;
  private final MarkForm<M> form;
  private final String book;
  private final Map<String, Long> written = new HashMap<>();

  /**
   * @param url {@code redis://} or {@code rediss://}
   * @param form how marks are written, and what the hash is named by
   */
  public RedisMarks(Vertx vertx, String url, MarkForm<M> form, MeterRegistry meters) {
    this.redis =
        new RedisServer(vertx, url, "redis-" + form.name(), RULES, new GuardMeters(meters));
    this.form = form;
    this.book = "penstock:{" + form.name() + "}:book";
  }

  @Override
  public Future<List<M>> read() {
    return redis
        .call(() -> redis.send(Request.cmd(Command.HGETALL).arg(book)))
        .compose(
            all -> {
              List<M> marks = new ArrayList<>();
              try {
                for (String target : all.getKeys()) {
                  marks.add(mark(target, Objects.requireNonNull(all.get(target)).toString()));
                }
              } catch (IOException wrong) {
                return Future.failedFuture(
                    new UnreadableBookException(String.valueOf(wrong.getMessage()), wrong));
              }
              return Future.succeededFuture(marks);
            });
  }

  private M mark(String target, String value) throws IOException {
    String[] parts = value.split(" ", 3);
    String found = "'" + value + "'";
    if (parts.length == 3) {
      try {
        return form.read(parts[2]);
      } catch (IOException unknown) {
        found = unknown.getMessage();
      }
    }
    throw new IOException(
        "the "
            + form.name()
            + " in "
            + this
            + ": the field '"
            + target
            + "' of "
            + book
            + " is not as a node wrote it: "
            + found
            + " (expected: a stamp, a node and a mark that this release knows); HDEL it to begin"
            + " without that one");
  }

  @Override
  public boolean takes(int changed) {
    return changed > 0 && !written.isEmpty();
  }

  @Override
  public Future<Boolean> write(List<M> marks, boolean all) {
    List<M> news = news(marks);
    List<String> gone = all ? gone(marks) : List.of();
    Future<Long> done = Future.succeededFuture((long) written.size());
    for (int from = 0; from < Math.max(1, news.size()); from += MARKS_A_CALL) {
      List<M> some = news.subList(from, Math.min(news.size(), from + MARKS_A_CALL));
      done = done.compose(before -> send(some));
    }
    return done.compose(
        there -> {
          if (there < written.size()) { // it has lost some
            written.clear();
            return Future.succeededFuture(false);
          }
          return forget(gone).map(true);
        });
  }

  private List<M> news(List<M> marks) {
    List<M> news = new ArrayList<>();
    for (M each : marks) {
      if (!Objects.equals(written.get(each.target()), each.stamp())) {
        news.add(each);
      }
    }
    return news;
  }

  private List<String> gone(List<M> marks) {
    Set<String> gone = new HashSet<>(written.keySet());
    marks.forEach(each -> gone.remove(each.target()));
    return List.copyOf(gone);
  }

  /** Completes with how many Redis has now. */
  private Future<Long> send(List<M> some) {
    List<String> arguments = new ArrayList<>();
    for (M each : some) {
      arguments.add(each.target());
      arguments.add(Long.toString(each.stamp()));
      arguments.add(each.by().value());
      arguments.add(form.write(each));
    }
    return redis
        .call(() -> SCRIPT.eval(redis, List.of(book), arguments))
        .map(
            count -> {
              some.forEach(each -> written.put(each.target(), each.stamp()));
              return count.toLong();
            });
  }

  /** Those that the book had no place for any more. */
  private Future<Void> forget(List<String> targets) {
    if (targets.isEmpty()) {
      return Future.succeededFuture();
    }
    Request request = Request.cmd(Command.HDEL).arg(book);
    targets.forEach(request::arg);
    return redis
        .call(() -> redis.send(request))
        .map(
            (Response done) -> {
              targets.forEach(written::remove);
              return null;
            });
  }

  @Override
  public Duration renewal() {
    return Duration.ofMinutes(1);
  }

  @Override
  public String toString() {
    return "Redis at " + redis.address();
  }
}
