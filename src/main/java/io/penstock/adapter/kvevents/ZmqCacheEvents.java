package io.penstock.adapter.kvevents;

import io.penstock.inference.KvEventSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.message.KvCacheState;
import io.penstock.prober.CacheEvents;
import io.penstock.time.Clock;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Follows engines over ZeroMQ. Its thread begins with the first subscription; {@link #close} ends
 * it. Everything here is called on one event loop, but for {@link Mailbox#put}.
 */
public final class ZmqCacheEvents implements CacheEvents {
  private final Vertx vertx;
  private final Clock clock;
  private @Nullable EventReader reader;
  private boolean isClosed;

  /** Nothing is opened before the first subscription. */
  public ZmqCacheEvents(Vertx vertx, Clock clock) {
    this.vertx = vertx;
    this.clock = clock;
  }

  @Override
  public Subscription follow(
      ReplicaSpec replica, KvEventSource source, Consumer<KvCacheState> onState) {
    if (isClosed) {
      return () -> {};
    }
    EventReader running = reader;
    if (running == null) {
      running = new EventReader(clock);
      reader = running;
      running.start();
    }
    Mailbox mailbox = new Mailbox(vertx.getOrCreateContext(), onState);
    EventReader by = running;
    Following following = new Following(replica, source, mailbox::put);
    by.add(following);
    return () -> {
      mailbox.close();
      by.remove(following);
    };
  }

  @Override
  public Future<Void> close() {
    isClosed = true;
    EventReader running = reader;
    reader = null;
    if (running == null) {
      return Future.succeededFuture();
    }
    Promise<Void> ended = Promise.promise();
    Context context = vertx.getOrCreateContext();
    running.end(() -> context.runOnContext(x -> ended.complete()));
    return ended.future();
  }

  /** The latest state on its way to the event loop: one at a time, however many there are. */
  private static final class Mailbox {
    private final Context context;
    private final Consumer<KvCacheState> onState;
    private final AtomicReference<@Nullable KvCacheState> latest = new AtomicReference<>();
    private boolean isClosed;

    Mailbox(Context context, Consumer<KvCacheState> onState) {
      this.context = context;
      this.onState = onState;
    }

    /** From any thread. */
    void put(KvCacheState state) {
      if (latest.getAndSet(state) == null) {
        context.runOnContext(x -> take());
      }
    }

    private void take() {
      KvCacheState state = latest.getAndSet(null);
      if (state != null && !isClosed) {
        onState.accept(state);
      }
    }

    void close() {
      isClosed = true;
    }
  }
}
