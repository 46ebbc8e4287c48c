package io.penstock.tenancy;

import io.penstock.message.TenancyMark;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Where the book of keys and tenants is kept so that it outlives the cluster. One event loop. */
public interface MarkStore {
  /**
   * All marks that are there.
   *
   * @return fails with {@link UnreadableBookException} where they are not as they were written:
   *     half a book would bring revoked keys back; with anything else where they can't be read now
   */
  Future<List<TenancyMark>> read();

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
  Future<Boolean> write(List<TenancyMark> marks, boolean all);

  /** How often to write though nothing has changed, since others may lose it; zero: never. */
  Duration renewal();

  /** Where it is, for people. */
  @Override
  String toString();

  /** A file of this node. */
  static MarkStore file(Vertx vertx, Path path) {
    KeyFile file = new KeyFile(path);
    return new MarkStore() {
      @Override
      public Future<List<TenancyMark>> read() {
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
      public Future<Boolean> write(List<TenancyMark> marks, boolean all) {
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
