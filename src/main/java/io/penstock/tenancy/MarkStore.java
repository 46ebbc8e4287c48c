package io.penstock.tenancy;

import io.penstock.inference.NodeId;
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

  /**
   * Keeps these; not called again before it has completed.
   *
   * @return completes when they are safe
   */
  Future<Void> write(NodeId self, List<TenancyMark> marks);

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
      public Future<Void> write(NodeId self, List<TenancyMark> marks) {
        return vertx.executeBlocking(
            () -> {
              file.write(self, marks);
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
