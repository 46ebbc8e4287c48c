package io.penstock.bus;

import io.penstock.message.Mark;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Where a {@link Book} is kept so that it outlives the cluster. One event loop.
 *
 * @param <M> what is marked
 */
public interface MarkStore<M extends Mark> {
  /**
   * All marks that are there.
   *
   * @return fails with {@link UnreadableBookException} where they are not as they were written:
   *     half a book would bring back what was taken away; with anything else where they can't be
   *     read now
   */
  Future<List<M>> read();

  /** Whether so many marks that have changed are enough for it; else it must be given all. */
  boolean takes(int changed);

  /**
   * Keeps marks; not called again before it has completed.
   *
   * @param all whether there are no others; else those that have changed since the last call that
   *     succeeded, if it {@link #takes} them
   * @return completes when these are safe: with whether all are, or it has lost others and must be
   *     given all
   */
  Future<Boolean> write(List<M> marks, boolean all);

  /** How often to write though nothing has changed, since others may lose it; zero: never. */
  Duration renewal();

  /** Where it is, for people. */
  @Override
  String toString();

  /** A file of this node. */
  static <M extends Mark> MarkStore<M> file(Vertx vertx, Path path, MarkForm<M> form) {
    MarkFile<M> file = new MarkFile<>(path, form);
    return new MarkStore<>() {
      @Override
      public Future<List<M>> read() {
        return vertx
            .executeBlocking(file::read)
            .recover(
                e ->
                    Future.failedFuture(
                        new UnreadableBookException(String.valueOf(e.getMessage()), e)));
      }

      @Override
      public boolean takes(int changed) {
        return file.takes(changed);
      }

      @Override
      public Future<Boolean> write(List<M> marks, boolean all) {
        return vertx.executeBlocking(
            () -> {
              if (all) {
                file.write(marks);
              } else {
                file.append(marks);
              }
              return true;
            });
      }

      @Override
      public Duration renewal() {
        return Duration.ZERO;
      }

      @Override
      public String toString() {
        return file.toString();
      }
    };
  }
}
