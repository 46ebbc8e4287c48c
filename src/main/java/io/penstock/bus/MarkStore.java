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

  /**
   * Keeps these; not called again before it has completed.
   *
   * @return completes when they are safe
   */
  Future<Void> write(List<M> marks);

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
      public Future<Void> write(List<M> marks) {
        return vertx.executeBlocking(
            () -> {
              file.write(marks);
              return null;
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
