package io.penstock.bus;

import static io.penstock.inference.Checks.require;

import io.penstock.bus.MembershipEvent.Buried;
import io.penstock.bus.MembershipEvent.Found;
import io.penstock.bus.MembershipEvent.Knock;
import io.penstock.bus.MembershipEvent.Missed;
import io.penstock.inference.LimitShare;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import io.penstock.message.Absent;
import io.penstock.message.Beacon;
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
 * that may own pools has a <em>seat</em>, worth an equal part of every limit ({@link LimitShare}),
 * and a side uses the seats of those that it has. One side's seats are never another's where a cut
 * separates the sides both ways and wholly:
 *
 * <ul>
 *   <li>A node that was here with the role {@code batcher} and is gone without having given it up
 *       takes its seat along: it is missing.
 *   <li>One that gives the role up leaves its seat to this side, as long as nobody else is lost.
 *       That of one whose process has ended is nobody's: several sides may know of its end.
 *   <li>While somebody is missing there are no new seats: a node that comes then takes one that is
 *       free, or none. Seats are given out anew once nobody is missing and nobody has come or gone
 *       for {@link #SETTLE_MILLIS}, so that all know of them before a cut can be noticed.
 *   <li>One that is missing and comes back is counted when it says that it does not miss this node
 *       any more: until then it may still go by its own side's share.
 * </ul>
 *
 * <p>The dead are told from the cut off by a knock at the door: a host whose process has ended
 * refuses the connection, one that is cut off or gone does not answer, one that hangs accepts. Who
 * starts again under the same name has ended before. What can't be found out, a host that is lost
 * for good, an operator says, or the majority concludes after {@code forgetMillis}; a minority
 * never does, or a long split would give each side the whole limit.
 *
 * <p>Not covered: a node that starts where it can reach nobody takes itself for the first of a
 * cluster, and uses all of every limit. And who inherits a seat on a side that is cut off is not
 * known to the other, which may take it for gone with the one who had it.
 *
 * <p>The nodes of a side tell each other whom they miss and who is dead (a word that outweighs the
 * former), so that one who joins it knows, and one who missed a farewell learns of it.
 *
 * <p>Rejected: to refuse all work in a minority, as systems do that must not let two sides write.
 * Of two nodes that lose each other both would, and engines that both can reach would idle. Here
 * nothing is written that would have to be merged.
 */
final class Roll {
  /** Most that are missed at a time; further ones keep their seats unnoticed. */
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
  private final Set<NodeId> others = new HashSet<>();

  private final Map<NodeId, Lost> missing = new LinkedHashMap<>();
  private final LinkedHashSet<NodeId> dead = new LinkedHashSet<>();

  /** Who has a seat, of those here. */
  private final Set<NodeId> seated = new HashSet<>();

  /** Seats of this side, free ones among them. */
  private int seats;

  private long changedMillis;

  /** One that is missing. */
  private static final class Lost {
    private final Absent who;
    private final long sinceMillis;

    /** Whether it was knocked at, in vain. */
    private boolean certain;

    /** Whether it is here again, and does not know yet that this node is. */
    private boolean blind;

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
    seated.add(self);
    seats = 1;
  }

  /** Goes on from what another has told. */
  void goOnFrom(View known, long nowMillis) {
    known.missing().forEach(who -> missing.put(who.node(), new Lost(who, nowMillis)));
    missing.values().forEach(lost -> lost.certain = true);
    known.nodes().forEach(node -> seated.add(node.id()));
    seats = missing.isEmpty() ? seated.size() : known.share().expected() - missing.size();
  }

  /** This side's part of every limit. */
  LimitShare share() {
    return missing.isEmpty()
        ? LimitShare.WHOLE
        : new LimitShare(Math.min(seats, batchers.size()), seats + missing.size());
  }

  /** Who has a seat on this side. */
  List<NodeId> seated() {
    return seated.stream().sorted().toList();
  }

  int seats() {
    return seats;
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
    Map<String, NodeId> names = new HashMap<>();
    here.forEach(node -> names.put(node.name(), node.id()));
    Map<NodeId, Absent> before = new HashMap<>(batchers);
    Set<NodeId> othersBefore = new HashSet<>(others);
    Set<NodeId> batchersBefore = Set.copyOf(batchers.keySet());
    batchers.clear();
    others.clear();
    for (View.Node node : here) {
      before.remove(node.id());
      othersBefore.remove(node.id());
      dead.remove(node.id());
      if (node.roles().contains(Role.BATCHER)) {
        String address = addresses.getOrDefault(node.id(), "");
        batchers.put(node.id(), new Absent(node.id(), node.name(), address, true));
        if (node.id().equals(self) && missing.isEmpty() && seated.add(self)) {
          seats++; // whatever it knows of the others, there is one for it
        }
      } else {
        others.add(node.id());
        rise(node.id());
      }
    }
    othersBefore.forEach(this::remember);
    before.values().forEach(gone -> lose(gone, events, nowMillis));
    for (Lost lost : List.copyOf(missing.values())) {
      NodeId namesake = names.get(lost.who.name());
      if (isHere(lost.who.node())) {
        welcome(lost, events, nowMillis);
      } else if (namesake != null) {
        bury(lost, "it has started anew", events);
      }
    }
    if (!missing.isEmpty() || !batchersBefore.equals(batchers.keySet())) {
      changedMillis = nowMillis;
    } else if (nowMillis - changedMillis >= SETTLE_MILLIS) {
      seated.clear();
      seated.addAll(batchers.keySet());
      seats = seated.size();
    }
  }

  /** It has given its role up: its seat is free while there are no new ones. */
  private void rise(NodeId node) {
    if (seated.remove(node) && missing.isEmpty()) {
      seats--;
    }
  }

  private void lose(Absent who, List<MembershipEvent> events, long nowMillis) {
    boolean hasSeat = seated.remove(who.node());
    seats = seated.size(); // a free one could be taken on both sides now
    miss(new Absent(who.node(), who.name(), who.address(), hasSeat), events, nowMillis);
  }

  private void welcome(Lost lost, List<MembershipEvent> events, long nowMillis) {
    if (lost.blind) {
      return;
    }
    missing.remove(lost.who.node());
    if (lost.who.seated()) {
      seated.add(lost.who.node());
      seats++;
    }
    if (lost.certain) {
      events.add(new Found(lost.who, nowMillis - lost.sinceMillis));
    }
  }

  private void miss(Absent who, List<MembershipEvent> events, long nowMillis) {
    if (missing.size() >= MISSING_MAX) {
      return;
    }
    Lost lost = new Lost(who, nowMillis);
    missing.put(who.node(), lost);
    events.add(lost.certain ? new Missed(who) : new Knock(who));
  }

  /** A node has said whom it misses and who is dead. */
  void heard(Beacon beacon, List<MembershipEvent> events, long nowMillis) {
    Lost returning = missing.get(beacon.node());
    if (returning != null) {
      returning.blind = beacon.missing().stream().anyMatch(who -> who.node().equals(self));
    }
    if (beacon.node().equals(self)) {
      return;
    }
    for (NodeId each : beacon.dead()) {
      if (!isHere(each) && !each.equals(self)) {
        Lost lost = missing.get(each);
        if (lost != null) {
          bury(lost, "node " + beacon.name() + " knows it", events);
        } else {
          remember(each);
        }
      }
    }
    boolean wasWhole = missing.isEmpty();
    for (Absent who : beacon.missing()) {
      if (!who.node().equals(self)
          && !isHere(who.node())
          && !dead.contains(who.node())
          && !missing.containsKey(who.node())) {
        miss(who, events, nowMillis);
      }
    }
    if (wasWhole && !missing.isEmpty()) {
      seats = beacon.seats();
      seated.clear(); // this node has just joined, and has none itself
      seated.addAll(beacon.seated());
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
      if (overdue && majority) {
        bury(lost, "not seen for " + forgetMillis / 1_000 + " s", events);
      } else if (!lost.who.address().isEmpty()) {
        events.add(new Knock(lost.who));
      }
    }
  }

  /** Somebody has knocked at one that is missing. */
  void knocked(NodeId node, boolean refused, List<MembershipEvent> events) {
    Lost lost = missing.get(node);
    if (lost == null || isHere(node)) {
      return;
    }
    if (refused) {
      bury(lost, "its process has ended", events);
    } else if (!lost.certain) {
      lost.certain = true;
      events.add(new Missed(lost.who));
    }
  }

  /**
   * An operator says that one is gone for good.
   *
   * @param nameOrId of one that is missing
   * @return who it was
   */
  Optional<Absent> forget(String nameOrId, List<MembershipEvent> events) {
    Optional<Lost> lost =
        missing.values().stream()
            .filter(each -> !isHere(each.who.node()))
            .filter(
                each ->
                    each.who.name().equals(nameOrId) || each.who.node().value().equals(nameOrId))
            .findFirst();
    lost.ifPresent(each -> bury(each, "an operator said so", events));
    return lost.map(each -> each.who);
  }

  private void bury(Lost lost, String why, List<MembershipEvent> events) {
    missing.remove(lost.who.node());
    remember(lost.who.node());
    events.add(new Buried(lost.who, why, lost.certain));
  }

  private void remember(NodeId node) {
    dead.add(node);
    if (dead.size() > DEAD_MAX) {
      dead.remove(dead.iterator().next());
    }
  }

  private boolean isHere(NodeId node) {
    return batchers.containsKey(node) || others.contains(node);
  }
}
