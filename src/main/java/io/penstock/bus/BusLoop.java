package io.penstock.bus;

import io.netty.channel.EventLoop;
import io.vertx.core.Completable;
import io.vertx.core.Context;
import io.vertx.core.Deployable;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.spi.cluster.NodeInfo;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The event loop on which the sockets of the bus live, and verticles beside them.
 *
 * <p>Vert.x puts the socket on which a node listens to others on one loop, each socket to another
 * node on the loop of whoever wrote first, and verticles on loops in turn. So an owner of a pool on
 * a loop of its own woke another for each message that came, and a third for each that went, and
 * was woken again when it was written: of its CPU for a request of another node nine tenths were
 * spent on that. Here all sockets are on the first of these loops, and {@link #with} deploys there
 * too.
 *
 * <p>Which it is nobody tells; but the bus says where it listens when it does, on that loop.
 */
final class BusLoop {
  private final AtomicReference<@Nullable ContextInternal> context = new AtomicReference<>();

  /** Hazelcast, as Vert.x uses it, but for the loop on which connections are made. */
  static final class Manager extends HazelcastClusterManager {
    private final BusLoop loop;

    Manager(com.hazelcast.config.Config config, BusLoop loop) {
      super(config);
      this.loop = loop;
    }

    /** Called by the bus when it listens. */
    @Override
    public void setNodeInfo(NodeInfo nodeInfo, Completable<Void> promise) {
      loop.listensOn(Vertx.currentContext());
      super.setNodeInfo(nodeInfo, promise);
    }

    /** Called by the bus when it is about to connect, which it does where this is completed. */
    @Override
    public void getNodeInfo(String nodeId, Completable<NodeInfo> promise) {
      super.getNodeInfo(nodeId, (info, failure) -> loop.run(() -> promise.complete(info, failure)));
    }
  }

  private void listensOn(@Nullable Context of) {
    context.set((ContextInternal) of);
  }

  private void run(Runnable work) {
    ContextInternal at = context.get();
    if (at == null) {
      work.run();
    } else {
      at.runOnContext(turn -> work.run());
    }
  }

  /**
   * The same verticle, which lives on this loop when it is deployed; anywhere without a cluster.
   */
  Deployable with(Deployable verticle) {
    ContextInternal at = context.get();
    return at == null ? verticle : new Moved(verticle, at.nettyEventLoop());
  }

  /** When Vert.x deploys it has chosen a loop; this is the same deployment on another. */
  private static final class Moved implements Deployable {
    private final Deployable verticle;
    private final EventLoop loop;
    private @Nullable Context here;

    Moved(Deployable verticle, EventLoop loop) {
      this.verticle = verticle;
      this.loop = loop;
    }

    @Override
    public Future<?> deploy(Context chosen) {
      Context context = ((ContextInternal) chosen).toBuilder().withEventLoop(loop).build();
      here = context;
      return on(context, () -> verticle.deploy(context));
    }

    @Override
    public Future<?> undeploy(Context chosen) throws Exception {
      Context context = here;
      return context == null
          ? verticle.undeploy(chosen)
          : on(context, () -> verticle.undeploy(context));
    }

    private interface Work {
      Future<?> begin() throws Exception;
    }

    private static Future<?> on(Context context, Work work) {
      return Future.future(
          done ->
              context.runOnContext(
                  turn -> {
                    try {
                      work.begin().<Void>mapEmpty().onComplete(done);
                    } catch (Throwable e) {
                      done.fail(e);
                    }
                  }));
    }
  }
}
