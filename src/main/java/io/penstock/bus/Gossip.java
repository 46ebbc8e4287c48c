package io.penstock.bus;

import io.penstock.inference.NodeId;
import io.penstock.message.BookDigest;
import io.penstock.message.Mark;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.message.Station;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Makes the {@link Book}s that all nodes keep of one thing equal. Lives on its verticle's event
 * loop.
 *
 * <p>A new mark is published at once, and again within a second, when a registration that was new
 * is surely known: so it is everywhere within milliseconds, and a message that was lost costs a
 * second. What is missed all the same is found by digests, which every node publishes when the
 * cluster changes, a second after its book did, and every ten seconds: of the parts in which the
 * two books differ, the marks are sent to who lacks them. To that answer only the two nodes that
 * follow the asker in the order of their ids, so that many nodes do not all tell one the same;
 * since everybody asks, and asks again when it has learned something, all learn everything in
 * rounds of a second.
 *
 * @param <M> what is marked
 */
public final class Gossip<M extends Mark> {
  private static final long TICK_MILLIS = 1_000;
  private static final int TICKS_BETWEEN_DIGESTS = 10;

  /** How many nodes answer one digest. */
  private static final int ANSWERERS = 2;

  /** Most marks of one message, by their weight; a heavier one goes alone. */
  static final int CHUNK = 256;

  private final Bus bus;
  private final Directory directory;
  private final Room room;
  private final Supplier<Book<M>> book;
  private final Function<List<M>, Message> wrap;
  private final List<M> saidLately = new ArrayList<>();
  private int ticksUntilDigest = TICKS_BETWEEN_DIGESTS;

  /**
   * Of the book of now.
   *
   * @param wrap puts marks of this node into the room's message
   */
  public Gossip(
      Bus bus,
      Directory directory,
      Room room,
      Supplier<Book<M>> book,
      Function<List<M>, Message> wrap) {
    this.bus = bus;
    this.directory = directory;
    this.room = room;
    this.book = book;
    this.wrap = wrap;
  }

  /** Begins to tell and to ask; on the event loop of the caller. */
  public void start(Vertx vertx) {
    vertx.setPeriodic(TICK_MILLIS, tick -> tick());
    directory.onChange(
        view -> {
          publishDigest();
          ticksUntilDigest = 1;
        });
  }

  /** This node has marked something. */
  public void said(List<M> marks) {
    publish(marks);
    saidLately.addAll(marks);
  }

  /** Others' marks were new to this node. */
  public void learned() {
    ticksUntilDigest = 1;
  }

  /** Another node's digest has come. */
  public void heard(BookDigest digest) {
    if (digest.from().equals(bus.self()) || !isToAnswer(digest.from())) {
      return;
    }
    Station asker = new Station(digest.from(), room, 0);
    chunks(book.get().lacking(digest.parts())).forEach(chunk -> bus.send(asker, wrap.apply(chunk)));
  }

  private boolean isToAnswer(NodeId asker) {
    TreeSet<NodeId> ring = new TreeSet<>(List.of(asker, bus.self()));
    directory.view().nodes().forEach(node -> ring.add(node.id()));
    List<NodeId> order = List.copyOf(ring);
    int distance = order.indexOf(bus.self()) - order.indexOf(asker);
    return Math.floorMod(distance, order.size()) <= ANSWERERS;
  }

  private void tick() {
    if (!saidLately.isEmpty()) {
      publish(saidLately);
      saidLately.clear();
    }
    if (--ticksUntilDigest <= 0) {
      publishDigest();
    }
  }

  private void publishDigest() {
    ticksUntilDigest = TICKS_BETWEEN_DIGESTS;
    bus.publish(room, new BookDigest(bus.self(), book.get().digest()));
  }

  private void publish(List<M> marks) {
    chunks(marks).forEach(chunk -> bus.publish(room, wrap.apply(chunk)));
  }

  private static <M extends Mark> List<List<M>> chunks(List<M> marks) {
    List<List<M>> chunks = new ArrayList<>();
    List<M> chunk = new ArrayList<>();
    int weight = 0;
    for (M each : marks) {
      if (!chunk.isEmpty() && weight + each.weight() > CHUNK) {
        chunks.add(List.copyOf(chunk));
        chunk.clear();
        weight = 0;
      }
      chunk.add(each);
      weight += each.weight();
    }
    if (!chunk.isEmpty()) {
      chunks.add(List.copyOf(chunk));
    }
    return chunks;
  }
}
