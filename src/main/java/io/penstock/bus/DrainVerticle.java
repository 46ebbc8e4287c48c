package io.penstock.bus;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.message.BookDigest;
import io.penstock.message.DrainKind;
import io.penstock.message.DrainMark;
import io.penstock.message.DrainMarks;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.telemetry.Names;
import io.penstock.time.Clock;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shell of {@link DrainBook}: keeps it equal with those of all nodes by {@link Gossip}, and
 * tells this node's rooms what drains.
 *
 * <p>When an entry throws, the book may be half changed. It is written anew from the marks that
 * were told last; what was lost with it, other nodes tell within seconds.
 */
final class DrainVerticle extends VerticleBase implements Drains {
  private static final Logger LOG = LoggerFactory.getLogger(DrainVerticle.class);

  private final Bus bus;
  private final Clock clock;
  private final Counter rebuilt;

  // Touched only on this verticle's event loop.
  private DrainBook book = new DrainBook();
  private List<DrainMark> known = List.of();

  private final Listeners<DrainState> listeners = new Listeners<>();
  private volatile DrainState state = DrainState.NONE; // read from any thread
  private final Gossip<DrainMark> gossip;

  DrainVerticle(Bus bus, Directory directory, Clock clock, MeterRegistry meters) {
    this.bus = bus;
    this.gossip =
        new Gossip<>(
            bus,
            directory,
            Room.DRAIN,
            () -> book.book(),
            marks -> new DrainMarks(bus.self(), marks));
    this.clock = clock;
    this.rebuilt = meters.counter(Names.VERTICLE_RESTARTS, "role", "drains");
  }

  @Override
  public Future<?> start() {
    context.exceptionHandler(this::rebuild);
    return bus.consume(Room.DRAIN, 0, this::hear).onSuccess(registration -> gossip.start(vertx));
  }

  private void rebuild(Throwable bug) {
    LOG.error("the book of drains failed; it is written anew from its {} marks", known.size(), bug);
    rebuilt.increment();
    DrainBook next = new DrainBook();
    next.merge(known);
    book = next;
    changed();
  }

  @Override
  public DrainState now() {
    return state;
  }

  @Override
  public void onChange(Consumer<DrainState> listener) {
    Context listening = vertx.getOrCreateContext();
    context.runOnContext(x -> listeners.add(listening, listener, () -> state));
  }

  @Override
  public Future<Void> mark(DrainKind kind, String name, boolean draining) {
    Promise<Void> marked = Promise.promise();
    context.runOnContext(
        x -> {
          try {
            DrainMark said = book.mark(kind, name, draining, bus.self(), clock.epochMillis());
            changed();
            gossip.said(List.of(said));
            marked.complete();
          } finally {
            marked.tryFail("the book of drains failed; its log says how");
          }
        });
    return marked.future();
  }

  private void hear(Message message) {
    if (message instanceof DrainMarks told) {
      if (!told.from().equals(bus.self()) && book.merge(told.marks())) {
        changed();
        gossip.learned();
      }
    } else if (message instanceof BookDigest digest) {
      gossip.heard(digest);
    } else {
      LOG.warn(
          "{} is no message for a book of drains (expected: DrainMarks, BookDigest); dropped",
          message);
    }
  }

  private void changed() {
    known = book.marks();
    DrainState next = book.state();
    if (!next.equals(state)) {
      state = next;
      LOG.info("draining now: replicas {}, pools {}", next.replicas(), next.pools());
      listeners.tell(next);
    }
  }
}
