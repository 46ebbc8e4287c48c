package io.penstock.bus;

import static io.penstock.inference.Checks.require;

import io.penstock.bus.Directory.Forgetting;
import io.penstock.bus.MembershipEvent.Buried;
import io.penstock.bus.MembershipEvent.Found;
import io.penstock.bus.MembershipEvent.Knock;
import io.penstock.bus.MembershipEvent.Missed;
import io.penstock.inference.LimitShare;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import io.penstock.message.Absent;
import io.penstock.message.Beacon;
import io.penstock.message.LimitSeat;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Who should be there and is not, and which share of every limit is left to this side. Pure: the
 * caller brings the time.
 *
 * <p>When nodes lose each other, each side gives every pool an owner of its own. A limit of 100 is
 * kept if the sides use no more than 100 between them, and they can't talk about it. So each node
 * that may own pools has a <em>seat</em>, worth an equal part of every limit ({@link Seats}), and a
 * side uses the seats of those that it has. One side's seats are never another's where a cut
 * separates the sides both ways and wholly:
 *
 * <ul>
 *   <li>A node that was here with the role {@code batcher} and is gone without having given it up
 *       takes its seat along: it is missing.
 *   <li>One that gives the role up without draining will take it up again, on whichever side it is
 *       then: it keeps its seat, and is missing when it is gone.
 *   <li>One that drains and gives the role up, or whose process ends while it is here, leaves its
 *       seat to this side: the next without one takes it. While nobody does it may be taken on
 *       either side of a further cut; so it is <em>adrift</em> with the next node that is lost, and
 *       with one that was lost shortly before: nobody uses it, and nobody's part grows by it.
 *   <li>That of one which ends while it is missing may have passed to another on its side: it is
 *       adrift too.
 *   <li>While somebody is missing there are no other new seats. Seats are given out anew once
 *       nobody is missing and nobody has come or gone for {@link #SETTLE_MILLIS}, so that all know
 *       of them before a cut can be noticed. What others of this side say of them is believed,
 *       except that one has a seat which this node did not know: that is counted, not used.
 *   <li>One that is here and misses this node goes by a side of its own: it is missing too.
 *   <li>One that is missing and comes back is counted when it says that it does not miss this node
 *       any more: until then it may still go by its own side's share.
 * </ul>
 *
 * <p>The dead are told from the cut off by a knock at the door: a host whose process has ended
 * refuses the connection, one that is cut off or gone does not answer, one that hangs accepts. Who
 * listened at an address at which another does now has ended. A name proves nothing: two may have
 * it by mistake, and a pod may be replaced while its old process lives on. What can't be found out,
 * a host that is lost for good, an operator says, or the majority concludes after {@code
 * forgetMillis} in which the host did not answer; a minority never does, or a long split would give
 * each side the whole limit.
 *
 * <p>Not covered: cuts that are not transitive, so that there are no sides; a node that starts
 * where it can reach nobody, which takes itself for the first of a cluster; and one that starts
 * during a cut and inherits the seat of the last node that the other side knows to be on its side.
 *
 * <p>The nodes of a side tell each other whom they miss and who is dead (a word that outweighs the
 * former), so that one who joins it knows, and one who missed a farewell learns of it.
 *
 * <p>Rejected: to refuse all work in a minority, as systems do that must not let two sides write.
 * Of two nodes that lose each other both would, and engines that both can reach would idle. Here
 * nothing is written that would have to be merged.
 */
final class Roll {
  /** Most that are missed by name at a time; further ones only by number, until nobody is. */
  static final int MISSING_MAX = 64;

  /** Dead that are remembered, the latest. */
  static final int DEAD_MAX = 256;

  /** More than it takes the slowest to notice a cut. */
  static final long SETTLE_MILLIS = 10_000;

  private final NodeId self;
  private final long forgetMillis;

  /** Those here that may own pools. */
  private final Map<NodeId, Absent> batchers = new HashMap<>();

  /** The others here. */
  private final Map<NodeId, Absent> others = new HashMap<>();

  /** Of these the ones that have given the role up and do not drain. */
  private final Set<NodeId> resting = new HashSet<>();

  private final Map<NodeId, Lost> missing = new LinkedHashMap<>();
  private final LinkedHashSet<NodeId> dead = new LinkedHashSet<>();

  private final Seats seats = new Seats();
  private long changedMillis;
  private long lostMillis = Long.MIN_VALUE / 2;
  private long reunions;

  /** One that is missing. */
  private static final class Lost {
    private final Absent who;
    private final long sinceMillis;

    /** Whether it was knocked at, in vain. */
    private boolean certain;

    /** Whether it is here again, and does not know yet that this node is. */
    private boolean blind;

    /** Whether it leaves its seat to this side if it turns out that its process has ended. */
    private boolean bequeaths;

    /** Whether its process was there when it was last knocked at. */
    private boolean accepts;

    Lost(Absent who, long sinceMillis) {
      this.who = who;
      this.sinceMillis = sinceMillis;
      this.certain = who.address().isEmpty();
    }
  }

  /**
   * @param forgetMillis after which a majority takes who is missing for dead; 0: never
   */
  Roll(NodeId self, long forgetMillis) {
    require(forgetMillis >= 0, "forgetMillis", forgetMillis, ">= 0");
    this.self = self;
    this.forgetMillis = forgetMillis;
  }

  /** Goes on from what another has told last of what it knew of this node's side. */
  void goOnFrom(Beacon told, long reunions, long nowMillis) {
    for (Absent who : told.missing()) {
      Lost lost = new Lost(who, nowMillis);
      lost.certain = true;
      missing.put(who.node(), lost);
    }
    told.dead().forEach(this::remember);
    seats.adopt(told.seats());
    this.reunions = reunions;
  }

  /** This side's part of every limit. */
  LimitShare share() {
    return missing.isEmpty() ? LimitShare.WHOLE : seats.share(this::isOfThisSide, missing.keySet());
  }

  /** What is known of all seats. */
  List<LimitSeat> seats() {
    return seats.list();
  }

  /** How many this side may use or give. */
  int seatCount() {
    return seats.count(this::isOfThisSide);
  }

  /** How often somebody came back who was missing. */
  long reunions() {
    return reunions;
  }

  /** Who is missing for certain, sorted by name. */
  List<Absent> missing() {
    return missing.values().stream()
        .filter(lost -> lost.certain && !isHere(lost.who.node()))
        .map(lost -> lost.who)
        .sorted(Comparator.comparing(Absent::name).thenComparing(Absent::node))
        .toList();
  }

  /** All that others are to be told are missing. */
  List<Absent> missed() {
    return missing.values().stream()
        .filter(lost -> !isHere(lost.who.node()))
        .map(lost -> lost.who)
        .toList();
  }

  List<NodeId> dead() {
    return List.copyOf(dead);
  }

  /**
   * These are here now, this node among them.
   *
   * @param addresses of those that have told one
   */
  void call(
      Collection<View.Node> here,
      Map<NodeId, String> addresses,
      List<MembershipEvent> events,
      long nowMillis) {
    Map<NodeId, Absent> before = new HashMap<>(batchers);
    Map<NodeId, Absent> othersBefore = new HashMap<>(others);
    Set<NodeId> batchersBefore = Set.copyOf(batchers.keySet());
    batchers.clear();
    others.clear();
    for (View.Node node : here) {
      before.remove(node.id());
      othersBefore.remove(node.id());
      if (dead.remove(node.id())) {
        reunions++; // it was taken for dead, and may hold something all the same
      }
      Absent who = new Absent(node.id(), node.name(), addresses.getOrDefault(node.id(), ""));
      if (node.roles().contains(Role.BATCHER)) {
        batchers.put(node.id(), who);
        resting.remove(node.id());
        if (node.id().equals(self) && missing.isEmpty()) {
          seats.giveFirst(self);
        }
      } else {
        others.put(node.id(), who);
        if (node.draining()) {
          resting.remove(node.id());
          rise(node.id());
        } else if (batchersBefore.contains(node.id())) {
          resting.add(node.id());
        }
      }
    }
    for (Absent gone : othersBefore.values()) {
      if (resting.remove(gone.node())) {
        before.put(gone.node(), gone);
      } else {
        remember(gone.node());
      }
    }
    before.values().forEach(gone -> lose(gone, events, nowMillis));
    for (Lost lost : List.copyOf(missing.values())) {
      if (isHere(lost.who.node())) {
        welcome(lost, events, nowMillis);
      } else if (addresses.containsValue(lost.who.address()) && !lost.who.address().isEmpty()) {
        bury(lost, "another process has its address", events);
        settleSeatOf(lost);
      }
    }
    if (!missing.isEmpty()) {
      seats.passOn(batchers.keySet().stream().filter(id -> !missing.containsKey(id)).toList());
    }
    if (!missing.isEmpty() || !batchersBefore.equals(batchers.keySet())) {
      changedMillis = nowMillis;
    } else if (nowMillis - changedMillis >= SETTLE_MILLIS) {
      seats.giveAnew(batchers.keySet());
    }
  }

  /** It has given its role up for good. */
  private void rise(NodeId node) {
    if (missing.isEmpty()) {
      seats.remove(node);
    } else {
      seats.giveBack(node);
    }
  }

  private void lose(Absent who, List<MembershipEvent> events, long nowMillis) {
    seats.leaveFreeAdrift();
    missing.values().forEach(each -> each.bequeaths = false);
    boolean alone = nowMillis - lostMillis >= SETTLE_MILLIS;
    lostMillis = nowMillis;
    if (missing.size() < MISSING_MAX) { // of further ones the seats alone are known
      miss(who, events, nowMillis).bequeaths = alone;
    }
  }

  private void welcome(Lost lost, List<MembershipEvent> events, long nowMillis) {
    if (lost.blind) {
      return;
    }
    missing.remove(lost.who.node());
    reunions++;
    if (lost.certain) {
      events.add(new Found(lost.who, nowMillis - lost.sinceMillis));
    }
  }

  private Lost miss(Absent who, List<MembershipEvent> events, long nowMillis) {
    Lost lost = new Lost(who, nowMillis);
    missing.put(who.node(), lost);
    events.add(lost.certain ? new Missed(who, false) : new Knock(who));
    return lost;
  }

  /** A node has said whom it misses and who is dead. */
  void heard(Beacon beacon, List<MembershipEvent> events, long nowMillis) {
    if (beacon.node().equals(self)) {
      return;
    }
    boolean missesMe = beacon.missing().stream().anyMatch(who -> who.node().equals(self));
    Absent there = batchers.get(beacon.node());
    if (missesMe && there != null && !missing.containsKey(beacon.node())) {
      lose(there, new ArrayList<>(), nowMillis);
    }
    Lost returning = missing.get(beacon.node());
    if (returning != null) {
      returning.blind = missesMe;
    }
    for (NodeId each : beacon.dead()) {
      if (!isHere(each) && !each.equals(self)) {
        Lost lost = missing.get(each);
        if (lost != null) {
          bury(lost, "node " + beacon.name() + " knows it", events);
          settleSeatOf(lost); // but for what the other says of it; see below
        } else if (dead.size() < DEAD_MAX) { // what this node knows itself is not given up for it
          remember(each);
        }
      }
    }
    if (missesMe) {
      return; // it speaks of its own side
    }
    boolean wasWhole = missing.isEmpty();
    for (Absent who : beacon.missing()) {
      if (!isHere(who.node())
          && !dead.contains(who.node())
          && !missing.containsKey(who.node())
          && missing.size() < MISSING_MAX) {
        miss(who, events, nowMillis);
      }
    }
    if (wasWhole && !missing.isEmpty()) {
      seats.adopt(beacon.seats());
    }
    if (!missing.isEmpty() && !missing.containsKey(beacon.node())) {
      seats.hear(beacon.seats(), this::isOfThisSide);
    }
  }

  /** A second has passed. */
  void tick(List<MembershipEvent> events, long nowMillis) {
    LimitShare share = share();
    boolean majority = 2L * share.present() > share.expected();
    for (Lost lost : List.copyOf(missing.values())) {
      boolean overdue = forgetMillis > 0 && nowMillis - lost.sinceMillis >= forgetMillis;
      if (isHere(lost.who.node())) {
        continue;
      }
      if (overdue && majority && !lost.accepts) {
        bury(lost, "not seen for " + forgetMillis / 1_000 + " s", events);
        seats.writeOff(lost.who.node());
      } else if (!lost.who.address().isEmpty()) {
        events.add(new Knock(lost.who));
      }
    }
  }

  /** Somebody has knocked at one that is missing. */
  void knocked(NodeId node, Knocker.Answer answer, List<MembershipEvent> events) {
    Lost lost = missing.get(node);
    if (lost == null || isHere(node)) {
      return;
    }
    lost.accepts = answer == Knocker.Answer.ACCEPTED;
    if (answer == Knocker.Answer.REFUSED) {
      bury(lost, "its process has ended", events);
      settleSeatOf(lost);
    } else if (!lost.certain) {
      lost.certain = true;
      lost.bequeaths = false;
      events.add(new Missed(lost.who, lost.accepts));
    }
  }

  /** An operator says that one is gone for good; see {@link Directory#forget}. */
  Forgetting forget(String nameOrId, boolean force, List<MembershipEvent> events) {
    Optional<Lost> lost =
        missing.values().stream()
            .filter(each -> !isHere(each.who.node()))
            .filter(
                each ->
                    each.who.name().equals(nameOrId) || each.who.node().value().equals(nameOrId))
            .findFirst();
    if (lost.isEmpty()) {
      return Forgetting.NOT_MISSING;
    }
    if (lost.get().accepts && !force) {
      return Forgetting.ALIVE;
    }
    bury(lost.get(), "an operator said so", events);
    seats.writeOff(lost.get().who.node());
    return Forgetting.DONE;
  }

  private void bury(Lost lost, String why, List<MembershipEvent> events) {
    missing.remove(lost.who.node());
    remember(lost.who.node());
    events.add(new Buried(lost.who, why, lost.certain));
  }

  /** Its process has ended. */
  private void settleSeatOf(Lost lost) {
    NodeId node = lost.who.node();
    if (missing.isEmpty()) {
      seats.remove(node);
    } else if (lost.bequeaths) {
      seats.bequeath(node);
    } else {
      seats.leaveAdrift(node);
    }
  }

  private void remember(NodeId node) {
    dead.add(node);
    if (dead.size() > DEAD_MAX) {
      dead.remove(dead.iterator().next());
    }
  }

  private boolean isHere(NodeId node) {
    return batchers.containsKey(node) || others.containsKey(node);
  }

  /** Whether a node may own pools here, and goes by the same books as this one. */
  private boolean isOfThisSide(NodeId node) {
    return batchers.containsKey(node) && !missing.containsKey(node);
  }
}
