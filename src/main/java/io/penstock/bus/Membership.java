package io.penstock.bus;

import static io.penstock.inference.Checks.require;

import io.penstock.bus.MembershipEvent.Changed;
import io.penstock.bus.MembershipEvent.Deaf;
import io.penstock.bus.MembershipEvent.FleetAgrees;
import io.penstock.bus.MembershipEvent.FleetDiffers;
import io.penstock.bus.MembershipEvent.HeardAgain;
import io.penstock.bus.MembershipEvent.Silent;
import io.penstock.inference.NodeId;
import io.penstock.message.Beacon;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who is in the cluster, as one node sees it. Pure: the caller brings the time.
 *
 * <p>A node is in the view when two independent witnesses agree: the cluster manager counts it as a
 * member, and a beacon of it has arrived over the event bus within {@code silenceMillis}. Either
 * alone is wrong at times. A member may not be reachable on the bus (its registrations were lost in
 * a partition, its event loop hangs, its process is paused), and work given to it would wait in
 * vain; a beacon may be the last word of a node that has left. The nodes in it depend on the last
 * list of members and the last beacon of each node, whatever the order in which they came.
 *
 * <p>Silence is judged only while this node is awake: when {@link #tick} comes late by more than
 * half of {@code silenceMillis} (a pause of the process or a long collection), the gap counts for
 * nobody. Otherwise a node that wakes up would believe that all others had fallen silent and that
 * it owned every pool.
 *
 * <p>Who is out of the view without having said farewell may still be working; {@link Roll} keeps
 * account of that.
 *
 * <p>Rejected: a phi-accrual detector on beacons. Hazelcast's own detector removes the dead; this
 * one is there for what Hazelcast can not see, and a fixed bound can be explained and tested.
 */
final class Membership {
  /** Nodes that are known but no members, just come or just gone. Further ones are ignored. */
  static final int STRANGERS_MAX = 256;

  private final NodeId self;
  private final long silenceMillis;
  private final Map<NodeId, Peer> peers = new HashMap<>();
  private final Roll roll;
  private Set<NodeId> members;
  private View.Node me;
  private View view;
  private long tickedAtMillis;

  /**
   * A cluster of one until others are heard.
   *
   * @param forgetMillis see {@link Roll}
   */
  Membership(View.Node me, long silenceMillis, long forgetMillis, long nowMillis) {
    require(silenceMillis > 0, "silenceMillis", silenceMillis, "> 0");
    this.self = me.id();
    this.me = me;
    this.silenceMillis = silenceMillis;
    this.members = Set.of(self);
    this.tickedAtMillis = nowMillis;
    this.view = new View(List.of(me));
    this.roll = new Roll(self, forgetMillis);
    peers.put(self, new Peer(nowMillis));
  }

  /**
   * One that begins with what another knew: its view, as if all in it had been heard now, and what
   * it told last. Nobody is lost and nobody believes to be alone where the other's own state can
   * not be trusted any more.
   */
  static Membership after(
      View.Node me,
      View known,
      Beacon told,
      long silenceMillis,
      long forgetMillis,
      long nowMillis) {
    Membership next = new Membership(me, silenceMillis, forgetMillis, nowMillis);
    Set<NodeId> ids = new HashSet<>();
    for (View.Node node : known.nodes()) {
      ids.add(node.id());
      next.peers.computeIfAbsent(node.id(), id -> new Peer(nowMillis)).node = node;
    }
    ids.add(me.id());
    next.members = Set.copyOf(ids);
    next.roll.goOnFrom(told, known.reunions(), nowMillis);
    next.look(new ArrayList<>(), nowMillis);
    return next;
  }

  View view() {
    return view;
  }

  /** This node as the others shall see it. */
  View.Node me() {
    return me;
  }

  /** How many nodes of the view serve another fleet than this node. */
  int fleetMismatches() {
    return (int) view.nodes().stream().filter(n -> !n.fleetHash().equals(me.fleetHash())).count();
  }

  /** How many members are not heard, this node's own echo included. */
  int silentMembers() {
    return (int) members.stream().filter(this::isSilent).count();
  }

  /** How many equal parts of every limit the nodes of the view may use; see {@link Roll}. */
  int seats() {
    return roll.seatCount();
  }

  /** Members of which no beacon has been heard yet. */
  List<NodeId> unheard() {
    return members.stream().filter(id -> !id.equals(self) && !isKnown(id)).sorted().toList();
  }

  /** This node changes what it says of itself. */
  List<MembershipEvent> become(View.Node node, long nowMillis) {
    require(node.id().equals(self), "node.id", node.id(), self.value());
    me = node;
    return look(new ArrayList<>(), nowMillis);
  }

  /**
   * The cluster manager's list of members. What is known of one that is not on it is kept for
   * {@code silenceMillis}: the two witnesses are not in step.
   */
  List<MembershipEvent> members(Set<NodeId> current, long nowMillis) {
    for (NodeId id : current) {
      if (!members.contains(id)) { // its silence counts from now
        peers.computeIfAbsent(id, k -> new Peer(nowMillis)).heardAtMillis = nowMillis;
      }
    }
    members = Set.copyOf(current);
    return look(new ArrayList<>(), nowMillis);
  }

  /** A beacon came over the bus, perhaps this node's own. */
  List<MembershipEvent> heard(Beacon beacon, long nowMillis) {
    NodeId id = beacon.node();
    Peer peer = peers.get(id);
    if (peer == null) {
      if (peers.size() - members.size() >= STRANGERS_MAX) {
        return List.of();
      }
      peer = new Peer(nowMillis);
      peers.put(id, peer);
    }
    List<MembershipEvent> events = new ArrayList<>();
    if (peer.silent && !id.equals(self)) {
      events.add(new HeardAgain(id, beacon.name(), nowMillis - peer.heardAtMillis));
    }
    peer.silent = false;
    peer.heardAtMillis = nowMillis;
    peer.node = nodeOf(beacon);
    peer.address = beacon.address();
    compareFleets(peer, peer.node, events);
    roll.heard(beacon, events, nowMillis);
    return look(events, nowMillis);
  }

  /** Time has passed; to be called several times per {@code silenceMillis}. */
  List<MembershipEvent> tick(long nowMillis) {
    forgiveOwnPause(nowMillis);
    peers.entrySet().removeIf(e -> isForgotten(e.getKey(), e.getValue(), nowMillis));
    List<MembershipEvent> events = new ArrayList<>();
    for (NodeId id : members) {
      Peer peer = peers.get(id);
      if (peer != null && !peer.silent && nowMillis - peer.heardAtMillis > silenceMillis) {
        peer.silent = true;
        events.add(silence(id, peer, nowMillis - peer.heardAtMillis));
      }
    }
    look(events, nowMillis);
    roll.tick(events, nowMillis);
    return look(events, nowMillis);
  }

  /** Somebody has knocked at the door of one that is gone. */
  List<MembershipEvent> knocked(NodeId node, Knocker.Answer answer, long nowMillis) {
    List<MembershipEvent> events = new ArrayList<>();
    roll.knocked(node, answer, events);
    return look(events, nowMillis);
  }

  /** An operator says that one that is missing is gone for good; see {@link Directory#forget}. */
  Directory.Forgetting forget(
      String nameOrId, boolean force, List<MembershipEvent> events, long nowMillis) {
    Directory.Forgetting outcome = roll.forget(nameOrId, force, events);
    look(events, nowMillis);
    return outcome;
  }

  /**
   * What this node says of itself now.
   *
   * @param address at which it listens for other members; empty without a cluster
   */
  Beacon beacon(String address, boolean wantsAnswers) {
    return new Beacon(
        me.id(),
        me.name(),
        me.zone(),
        me.roles(),
        me.lanes(),
        me.fleetHash(),
        me.draining(),
        wantsAnswers,
        address,
        roll.missed(),
        roll.dead(),
        roll.seats());
  }

  private MembershipEvent silence(NodeId id, Peer peer, long millis) {
    return id.equals(self) ? new Deaf(millis) : new Silent(id, peer.name(), millis);
  }

  private void forgiveOwnPause(long nowMillis) {
    long gapMillis = nowMillis - tickedAtMillis;
    tickedAtMillis = nowMillis;
    if (gapMillis > silenceMillis / 2) {
      for (Peer peer : peers.values()) {
        peer.heardAtMillis = Math.min(nowMillis, peer.heardAtMillis + gapMillis);
      }
    }
  }

  private boolean isForgotten(NodeId id, Peer peer, long nowMillis) {
    return !members.contains(id)
        && !id.equals(self)
        && nowMillis - peer.heardAtMillis > silenceMillis;
  }

  private void compareFleets(Peer peer, View.Node node, List<MembershipEvent> events) {
    // Its own beacon of before a reload may come back after it.
    boolean differs = !node.id().equals(self) && !node.fleetHash().equals(me.fleetHash());
    if (differs && !node.fleetHash().equals(peer.complainedOf)) {
      peer.complainedOf = node.fleetHash();
      events.add(new FleetDiffers(node.id(), node.name(), node.fleetHash(), me.fleetHash()));
    } else if (!differs && peer.complainedOf != null) {
      peer.complainedOf = null;
      events.add(new FleetAgrees(node.id(), node.name()));
    }
  }

  private List<MembershipEvent> look(List<MembershipEvent> events, long nowMillis) {
    List<View.Node> nodes = new ArrayList<>();
    Map<NodeId, String> addresses = new HashMap<>();
    nodes.add(me);
    Peer echo = peers.get(self);
    addresses.put(self, echo == null ? "" : echo.address);
    for (NodeId id : members) {
      Peer peer = peers.get(id);
      if (!id.equals(self) && peer != null && peer.node != null && !peer.silent) {
        nodes.add(peer.node);
        addresses.put(id, peer.address);
      }
    }
    roll.call(nodes, addresses, events, nowMillis);
    View seen = new View(nodes, roll.missing(), roll.share(), roll.reunions());
    if (!seen.equals(view)) {
      view = seen;
      events.add(new Changed(seen));
    }
    return events;
  }

  private boolean isSilent(NodeId id) {
    Peer peer = peers.get(id);
    return peer != null && peer.silent;
  }

  private boolean isKnown(NodeId id) {
    Peer peer = peers.get(id);
    return peer != null && peer.node != null;
  }

  private static View.Node nodeOf(Beacon beacon) {
    return new View.Node(
        beacon.node(),
        beacon.name(),
        beacon.zone(),
        beacon.roles(),
        beacon.lanes(),
        beacon.fleetHash(),
        beacon.draining());
  }

  private static final class Peer {
    private long heardAtMillis; // or, if that is later, when it became a member
    private View.@Nullable Node node;
    private boolean silent;
    private String address = "";
    private @Nullable String complainedOf;

    Peer(long nowMillis) {
      heardAtMillis = nowMillis;
    }

    String name() {
      return node == null ? "" : node.name();
    }
  }
}
