package io.penstock.adapter.redis;

import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.adapter.guard.Guard;
import io.penstock.message.TenancyMark;
import io.penstock.tenancy.MarkStore;
import io.penstock.tenancy.MarkText;
import io.penstock.tenancy.UnreadableBookException;
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
 * The book of keys and tenants in Redis: one hash that all nodes of a cluster write, target by
 * target, the later word over the earlier. What was written is not written again while Redis has as
 * much as it was given.
 */
public final class RedisMarks implements MarkStore {
  private static final Guard.Rules RULES =
      new Guard.Rules(3, Duration.ofSeconds(5), Duration.ofSeconds(2));

  private static final String BOOK = "penstock:{keys}:book";
  private static final int MARKS_A_CALL = 500;
  private static final Script SCRIPT = Script.of("marks.lua");

  private final RedisServer redis;
  private final Map<String, Long> written = new HashMap<>();

  /**
   * @param url {@code redis://} or {@code rediss://}
   */
  public RedisMarks(Vertx vertx, String url, MeterRegistry meters) {
    this.redis = new RedisServer(vertx, url, "redis-keys", RULES, meters);
  }

  @Override
  public Future<List<TenancyMark>> read() {
    return redis
        .call(() -> redis.send(Request.cmd(Command.HGETALL).arg(BOOK)))
        .compose(
            book -> {
              List<TenancyMark> marks = new ArrayList<>();
              try {
                for (String target : book.getKeys()) {
                  marks.add(mark(target, Objects.requireNonNull(book.get(target)).toString()));
                }
              } catch (IOException wrong) {
                return Future.failedFuture(
                    new UnreadableBookException(String.valueOf(wrong.getMessage()), wrong));
              }
              return Future.succeededFuture(marks);
            });
  }

  private TenancyMark mark(String target, String value) throws IOException {
    String[] parts = value.split(" ", 3);
    String found = "'" + value + "'";
    if (parts.length == 3) {
      try {
        return MarkText.read(parts[2]);
      } catch (IOException unknown) {
        found = unknown.getMessage();
      }
    }
    throw new IOException(
        "the keys in "
            + this
            + ": the field '"
            + target
            + "' of "
            + BOOK
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
  public Future<Boolean> write(List<TenancyMark> marks, boolean all) {
    List<TenancyMark> news = news(marks);
    List<String> gone = all ? gone(marks) : List.of();
    Future<Long> done = Future.succeededFuture((long) written.size());
    for (int from = 0; from < Math.max(1, news.size()); from += MARKS_A_CALL) {
      List<TenancyMark> some = news.subList(from, Math.min(news.size(), from + MARKS_A_CALL));
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

  private List<TenancyMark> news(List<TenancyMark> marks) {
    List<TenancyMark> news = new ArrayList<>();
    for (TenancyMark each : marks) {
      if (!Objects.equals(written.get(each.target()), each.stamp())) {
        news.add(each);
      }
    }
    return news;
  }

  private List<String> gone(List<TenancyMark> marks) {
    Set<String> gone = new HashSet<>(written.keySet());
    marks.forEach(each -> gone.remove(each.target()));
    return List.copyOf(gone);
  }

  /** Completes with how many Redis has now. */
  private Future<Long> send(List<TenancyMark> some) {
    List<String> arguments = new ArrayList<>();
    for (TenancyMark each : some) {
      arguments.add(each.target());
      arguments.add(Long.toString(each.stamp()));
      arguments.add(each.by().value());
      arguments.add(MarkText.write(each));
    }
    return redis
        .call(() -> SCRIPT.eval(redis, List.of(BOOK), arguments))
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
    Request request = Request.cmd(Command.HDEL).arg(BOOK);
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
