package io.penstock.bus;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.inference.NodeId;
import io.penstock.message.Absent;
import io.penstock.message.Beacon;
import io.penstock.message.Message;
import io.penstock.message.Room;
import io.penstock.telemetry.Names;
import io.penstock.time.Clock;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The shell of {@link Membership}: hears and sends beacons, tells the rooms of each new view.
 *
 * <p>When an entry throws, the core may be half changed. The verticle is not deployed anew, since
 * everybody holds it and waits for its beacons; the core is, from the last view that was told. What
 * has changed since is heard within a second.
 *
 * <p>A node that has ceased to be a member knows nothing of others any more: its view stays as it
 * was, but for its own entry, and blames nobody.
 */
final class DirectoryVerticle extends VerticleBase implements Directory, MembershipEvent.Outlet {
  /** Time between two beacons. */
  static final Duration BEACON_INTERVAL = Duration.ofSeconds(1);

  /** Four beacons in a row are lost by no accident. */
  static final Duration SILENCE = Duration.ofSeconds(4);

  // While Hazelcast moves its partitions to a new member, nodes can not look each other's addresses
  // up. A node that did not wait would believe that it owned everything.
  private static final Duration FIRST_ANSWERS = SILENCE;
  private static final int BEACONS_PER_AUDIT = 5;
  private static final Logger LOG = LoggerFactory.getLogger(DirectoryVerticle.class);

  private final Bus bus;
  private final Members members;
  private final Registry registry;
  private final Knocker knocker;
  private final String address;
  private final long forgetMillis;
  private final Clock clock;
  private final Counter rebuilt;
  private Membership membership; // touched only on this verticle's event loop
  private final Listeners<View> listeners = new Listeners<>();
  private final Promise<Void> introduced = Promise.promise();
  private volatile View view; // read from any thread
  private volatile int silentMembers; // read by the metrics scrape
  private volatile int fleetMismatches;
  private volatile int seats;
  private Beacon told;
  private long beaconsSent;
  private boolean auditing;
  private boolean stopped;
  private boolean ended; // no member any more

  /**
   * @param address {@code host:port} at which this node listens for other members; empty without a
   *     cluster
   * @param forget see {@link ClusterConfig#forgetMissing}
   */
  DirectoryVerticle(
      Bus bus,
      Members members,
      Registry registry,
      Knocker knocker,
      String address,
      Duration forget,
      View.Node me,
      Clock clock,
      MeterRegistry meters) {
    this.bus = bus;
    this.members = members;
    this.registry = registry;
    this.knocker = knocker;
    this.address = address;
    this.forgetMillis = forget.toMillis();
    this.clock = clock;
    this.membership = new Membership(me, SILENCE.toMillis(), forgetMillis, clock.millis());
    this.view = membership.view();
    this.told = membership.beacon(address, true);
    this.rebuilt = meters.counter(Names.VERTICLE_RESTARTS, "role", "directory");
    gauge(meters, Names.CLUSTER_NODES, () -> view.nodes().size());
    gauge(meters, Names.CLUSTER_SILENT_MEMBERS, () -> silentMembers);
    gauge(meters, Names.CLUSTER_FLEET_MISMATCHES, () -> fleetMismatches);
    gauge(meters, Names.CLUSTER_MISSING_NODES, () -> view.missing().size());
    gauge(meters, Names.CLUSTER_SEATS, () -> seats);
    gauge(
        meters,
        Names.CLUSTER_SHARE,
        () -> (double) view.share().present() / view.share().expected());
  }

  /** Completes when all members have been heard, or some will not be heard soon. */
  @Override
  public Future<?> start() {
    context.exceptionHandler(this::rebuild);
    return bus.consume(Room.NODE, 0, this::hear)
        .compose(
            registration -> {
              members.onChange(() -> context.runOnContext(x -> readMembers()));
              vertx.setPeriodic(BEACON_INTERVAL.toMillis(), x -> tick());
              vertx.setTimer(FIRST_ANSWERS.toMillis(), x -> goOnWithoutTheSilent());
              readMembers();
              beacon(true);
              return introduced.future();
            });
  }

  private void rebuild(Throwable bug) {
    LOG.error("the directory of nodes failed; it is rebuilt from its last view and beacon", bug);
    rebuilt.increment();
    membership =
        Membership.after(
            membership.me(),
            view,
            told,
            membership,
            SILENCE.toMillis(),
            forgetMillis,
            clock.millis());
  }

  /** Says no more: the cluster manager may be gone before this node's last event is. */
  @Override
  public Future<?> stop() {
    stopped = true;
    return Future.succeededFuture();
  }

  @Override
  public View view() {
    return view;
  }

  @Override
  public void onChange(Consumer<View> listener) {
    Context listening = vertx.getOrCreateContext();
    context.runOnContext(x -> listeners.add(listening, listener, () -> view));
  }

  /** Changes what this node says of itself and says it; any thread. Completes when it was sent. */
  Future<Void> become(UnaryOperator<View.Node> change) {
    Promise<Void> said = Promise.promise();
    context.runOnContext(
        x -> {
          try {
            carryOut(membership.become(change.apply(membership.me()), clock.millis()));
            beacon(false);
            said.complete();
          } finally {
            said.tryFail("the directory of nodes failed; its log says how");
          }
        });
    return said.future();
  }

  @Override
  public Future<Forgetting> forget(String nameOrId, boolean force) {
    Promise<Forgetting> done = Promise.promise();
    context.runOnContext(
        x -> {
          try {
            List<MembershipEvent> events = new ArrayList<>();
            Forgetting outcome = membership.forget(nameOrId, force, events, clock.millis());
            carryOut(events);
            beacon(false);
            done.complete(outcome);
          } finally {
            done.tryFail("the directory of nodes failed; its log says how");
          }
        });
    return done.future();
  }

  private void hear(Message message) {
    if (ended) {
      return;
    }
    if (message instanceof Beacon beacon) {
      carryOut(membership.heard(beacon, clock.millis()));
      if (beacon.wantsAnswers() && !beacon.node().equals(bus.self())) {
        // A broadcast like all beacons: on one address they can not overtake each other.
        beacon(false);
      }
    } else {
      LOG.warn("{} is no message for a node (expected: Beacon); dropped", message);
    }
  }

  private void tick() {
    readMembers();
    if (ended) {
      return;
    }
    carryOut(membership.tick(clock.millis()));
    beaconsSent++;
    if (beaconsSent % BEACONS_PER_AUDIT == 0) {
      audit();
    }
  }

  private void readMembers() {
    Set<NodeId> now = members.now();
    ended |= now.isEmpty();
    if (!ended) {
      carryOut(membership.members(now, clock.millis()));
      beacon(false);
    }
  }

  private void beacon(boolean wantsAnswers) {
    if (stopped || ended) {
      return;
    }
    told = membership.beacon(address, wantsAnswers);
    bus.publish(Room.NODE, told);
  }

  private void goOnWithoutTheSilent() {
    if (introduced.tryComplete()) {
      LOG.warn(
          "no beacon of {} within {} ms of the start; they own nothing until heard",
          membership.unheard(),
          FIRST_ANSWERS.toMillis());
    }
  }

  private void audit() {
    if (auditing || stopped || ended) {
      return;
    }
    auditing = true;
    registry
        .audit()
        .onComplete(
            done -> context.runOnContext(x -> auditing = false),
            failure -> {
              LOG.debug("the cluster's registry could not be read", failure);
              context.runOnContext(x -> auditing = false);
            });
  }

  private void carryOut(List<MembershipEvent> events) {
    silentMembers = membership.silentMembers();
    fleetMismatches = membership.fleetMismatches();
    seats = membership.seats();
    events.forEach(event -> event.tell(this));
    if (membership.unheard().isEmpty()) {
      introduced.tryComplete();
    }
  }

  @Override
  public void changed(MembershipEvent.Changed event) {
    boolean others = !view.nodes().equals(event.view().nodes());
    view = event.view();
    if (others) {
      LOG.info(
          "the cluster is {} now",
          view.nodes().stream().map(DirectoryVerticle::describe).collect(Collectors.joining(", ")));
    }
    listeners.tell(event.view());
  }

  @Override
  public void knock(MembershipEvent.Knock event) {
    Absent who = event.who();
    knocker
        .knock(who.address())
        .onSuccess(
            answer ->
                context.runOnContext(
                    x -> carryOut(membership.knocked(who.node(), answer, clock.millis()))));
  }

  @Override
  public void missed(MembershipEvent.Missed event) {
    LOG.warn(
        "node {} is gone, and {}: until it is back, {} of {} shares of every limit are used on this"
            + " side of the cluster ({})",
        label(event.who().node(), event.who().name()),
        event.accepts()
            ? "its process still accepts connections at " + event.who().address()
            : "its host does not answer, so whether its process has ended can not be told",
        membership.view().share().present(),
        membership.view().share().expected(),
        event.accepts()
            ? "if it hangs, end it"
            : "if its host is lost for good: DELETE /admin/v1/nodes/" + event.who().name());
  }

  @Override
  public void blind(MembershipEvent.Blind event) {
    LOG.warn(
        "node {} is here but misses this node: they reach each other one way only, so {} of {}"
            + " shares of every limit are used on this side (look at the network between them)",
        label(event.who().node(), event.who().name()),
        membership.view().share().present(),
        membership.view().share().expected());
  }

  @Override
  public void found(MembershipEvent.Found event) {
    LOG.info(
        "node {} is back after {} ms",
        label(event.who().node(), event.who().name()),
        event.absentMillis());
  }

  @Override
  public void buried(MembershipEvent.Buried event) {
    LOG.atLevel(event.missed() ? Level.WARN : Level.INFO)
        .log(
            "node {} counts as gone ({}); {} of {} shares of every limit are used on this side now",
            label(event.who().node(), event.who().name()),
            event.why(),
            membership.view().share().present(),
            membership.view().share().expected());
  }

  @Override
  public void silent(MembershipEvent.Silent event) {
    LOG.error(
        "node {} is a member of the cluster but has not been heard on the bus for {} ms; it owns"
            + " nothing until it is",
        label(event.node(), event.name()),
        event.silentMillis());
    refresh();
  }

  @Override
  public void heardAgain(MembershipEvent.HeardAgain event) {
    LOG.info(
        "node {} is heard again after {} ms",
        label(event.node(), event.name()),
        event.silentMillis());
  }

  @Override
  public void deaf(MembershipEvent.Deaf event) {
    LOG.error(
        "this node's own beacons have not come back over the bus for {} ms; other nodes may not"
            + " reach it",
        event.silentMillis());
    audit();
    refresh();
  }

  @Override
  public void fleetDiffers(MembershipEvent.FleetDiffers event) {
    LOG.error(
        "node {} serves another fleet than this node, {}: its fleet section has the hash {}, ours"
            + " {} (expected: the same on all nodes)",
        label(event.node(), event.name()),
        label(bus.self(), membership.me().name()),
        event.theirs(),
        event.ours());
  }

  @Override
  public void fleetAgrees(MembershipEvent.FleetAgrees event) {
    LOG.info("node {} serves the same fleet as this node now", label(event.node(), event.name()));
  }

  private void refresh() {
    registry
        .refresh(BusAddresses.broadcast(Room.NODE))
        .onFailure(e -> LOG.debug("the cluster's registry could not be refreshed", e));
  }

  private static void gauge(MeterRegistry meters, String name, Supplier<Number> value) {
    Gauge.builder(name, value).strongReference(true).register(meters);
  }

  private static String label(NodeId id, String name) {
    return name.isEmpty() ? id.value() : name + " (" + id + ")";
  }

  private static String describe(View.Node node) {
    return label(node.id(), node.name())
        + node.roles().stream().sorted().toList()
        + (node.draining() ? " draining" : "");
  }
}
