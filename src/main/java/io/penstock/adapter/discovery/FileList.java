package io.penstock.adapter.discovery;

import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaSpec;
import io.penstock.prober.ReplicaLists;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A pool's replicas as a file tells them. Belongs to one event loop. */
final class FileList implements ReplicaLists.Subscription {
  static final int BYTES_MAX = 1 << 20;

  private static final Logger log = LoggerFactory.getLogger(FileList.class);

  private final Vertx vertx;
  private final Pool pool;
  private final Path file;
  private final Duration poll;
  private final Consumer<List<ReplicaSpec>> listener;
  private @Nullable Buffer content;
  private @Nullable List<ReplicaSpec> last;
  private @Nullable String failure;
  private long timer = -1;
  private boolean isCancelled;

  FileList(Vertx vertx, Pool pool, Path file, Duration poll, Consumer<List<ReplicaSpec>> listener) {
    this.vertx = vertx;
    this.pool = pool;
    this.file = file;
    this.poll = poll;
    this.listener = listener;
  }

  void start() {
    vertx.executeBlocking(this::read, false).onComplete(this::ended);
  }

  @Override
  public Future<Void> cancel() {
    isCancelled = true;
    vertx.cancelTimer(timer);
    return Future.succeededFuture();
  }

  /** On a worker thread; touches none of the fields that change. */
  private Buffer read() throws Exception {
    try (var in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(BYTES_MAX + 1);
      if (bytes.length > BYTES_MAX) {
        throw new IllegalStateException("larger than " + BYTES_MAX + " bytes");
      }
      return Buffer.buffer(bytes);
    }
  }

  private void ended(AsyncResult<Buffer> answer) {
    if (isCancelled) {
      return;
    }
    if (answer.failed()) {
      failed(reason(answer.cause()));
    } else if (!answer.result().equals(content)) {
      content = answer.result();
      parse(answer.result());
    }
    timer = vertx.setTimer(Math.max(1, poll.toMillis()), fired -> start());
  }

  private void parse(Buffer text) {
    List<ReplicaSpec> replicas;
    try {
      replicas = ReplicaFile.parse(text.getBytes(), pool);
    } catch (ReplicaFile.MistakeException mistake) {
      failed(String.valueOf(mistake.getMessage()));
      return;
    }
    failure = null;
    if (!replicas.equals(last)) {
      log.info("pool {}: {} lists {} replicas", pool.name(), file, replicas.size());
      last = replicas;
      listener.accept(replicas);
    }
  }

  private void failed(String why) {
    if (!why.equals(failure)) {
      log.warn(
          "pool {}: {} can not be used, the last {} replicas stay: {}",
          pool.name(),
          file,
          last == null ? 0 : last.size(),
          why);
      failure = why;
    }
  }

  /** A file that can not be read is read anew when it can, even if it is the same as before. */
  private String reason(Throwable cause) {
    content = null;
    if (cause instanceof NoSuchFileException) {
      return "there is no such file";
    }
    return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
  }
}
