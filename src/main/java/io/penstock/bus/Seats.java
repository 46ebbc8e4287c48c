package io.penstock.bus;

import io.penstock.inference.LimitShare;
import io.penstock.inference.NodeId;
import io.penstock.message.LimitSeat;
import io.penstock.message.LimitSeat.State;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * The equal parts of every limit, by the node that each was given to while nobody was missing, and
 * who has them now. A seat keeps its name when it passes to another node: so what two nodes know
 * can be put together, and none is counted twice. Pure; {@link Roll} says what happens to them.
 */
final class Seats {
  /** Most that are known of; more nodes with the role can't be told apart from less. */
  static final int MAX = 1_024;

  private final Map<NodeId, LimitSeat> byOrigin = new TreeMap<>();

  /** Of which others of this side know, and this node did not when the cut came. */
  private final Set<NodeId> unknown = new HashSet<>();

  /** Nobody is missing, and all have known that for a while: each of these gets one. */
  void giveAnew(Collection<NodeId> nodes) {
    byOrigin.clear();
    unknown.clear();
    nodes.forEach(this::give);
  }

  /**
   * One for a node that knows of none. One that does waits until all know of its own: others may
   * have been cut off before they heard that it is there.
   */
  void giveFirst(NodeId node) {
    if (byOrigin.isEmpty()) {
      give(node);
    }
  }

  /** One for a node that has none; its own, unless another has or may have that. */
  void give(NodeId node) {
    LimitSeat own = byOrigin.get(node);
    boolean taken = own != null && (own.state() == State.HELD || own.state() == State.ADRIFT);
    if (byOrigin.size() < MAX && !taken && !holds(node)) {
      put(node, State.HELD, node);
    }
  }

  /** It does not want its seat any more. */
  void giveBack(NodeId node) {
    move(node, State.FREE);
  }

  /** It has given its role up while nobody is missing: there is a seat less. */
  void remove(NodeId node) {
    byOrigin.values().removeIf(seat -> seat.state() == State.HELD && seat.holder().equals(node));
  }

  /** A node with a seat has ended, and it is this side's to give. */
  void bequeath(NodeId node) {
    move(node, State.FREE);
  }

  /** A node has ended where its seat may have passed to another. */
  void leaveAdrift(NodeId node) {
    move(node, State.ADRIFT);
  }

  /** A node will not come back, nor does anybody have its seat. */
  void writeOff(NodeId node) {
    move(node, State.GONE);
  }

  /** There may be a further side now, which knows of the free ones too. */
  void leaveFreeAdrift() {
    byOrigin.replaceAll(
        (origin, seat) ->
            seat.state() == State.FREE ? new LimitSeat(origin, State.ADRIFT, seat.holder()) : seat);
  }

  /** The free ones go to those of these that have none, in the order of their ids. */
  void passOn(Collection<NodeId> nodes) {
    List<NodeId> heirs = nodes.stream().filter(node -> !holds(node)).sorted().toList();
    int next = 0;
    for (LimitSeat seat : List.copyOf(byOrigin.values())) {
      if (seat.state() == State.FREE && next < heirs.size()) {
        put(seat.origin(), State.HELD, heirs.get(next));
        next++;
      }
    }
  }

  /** This node has joined a side and knows only what it is told. */
  void adopt(List<LimitSeat> told) {
    byOrigin.clear();
    unknown.clear();
    told.stream().limit(MAX).forEach(seat -> byOrigin.put(seat.origin(), seat));
  }

  /**
   * Another of this side tells what it knows. That somebody who is here has a seat is believed, and
   * that one is gone for good; of seats that this node did not know only that there are any: they
   * may have been given out after a cut that one of the two had not noticed.
   */
  void hear(List<LimitSeat> told, Predicate<NodeId> here) {
    for (LimitSeat theirs : told) {
      LimitSeat mine = byOrigin.get(theirs.origin());
      if (mine == null) {
        if (theirs.state() != State.GONE && unknown.size() < MAX) {
          unknown.add(theirs.origin());
        }
      } else if (!isUsed(mine, here)
          && (theirs.state() == State.GONE || isUsed(theirs, here) && !holds(theirs.holder()))) {
        byOrigin.put(theirs.origin(), theirs);
      }
    }
  }

  /**
   * @param here who is on this side
   * @param missing who is not
   */
  LimitShare share(Predicate<NodeId> here, Collection<NodeId> missing) {
    int used = 0;
    int counted = 0;
    for (LimitSeat seat : byOrigin.values()) {
      used += isUsed(seat, here) ? 1 : 0;
      counted += seat.state() == State.GONE ? 0 : 1;
    }
    Set<NodeId> others = new HashSet<>(unknown);
    others.addAll(missing); // of one who had no seat here others may know better
    for (LimitSeat seat : byOrigin.values()) {
      others.remove(seat.origin());
      if (seat.state() == State.HELD) {
        others.remove(seat.holder());
      }
    }
    return new LimitShare(used, Math.max(1, counted + others.size()));
  }

  /** How many this side may use or give. */
  int count(Predicate<NodeId> here) {
    return (int)
        byOrigin.values().stream()
            .filter(seat -> seat.state() == State.FREE || isUsed(seat, here))
            .count();
  }

  /** Whether a node has one, wherever it is. */
  boolean holds(NodeId node) {
    return byOrigin.values().stream()
        .anyMatch(seat -> seat.state() == State.HELD && seat.holder().equals(node));
  }

  /** All, sorted by origin. */
  List<LimitSeat> list() {
    return byOrigin.values().stream().sorted(Comparator.comparing(LimitSeat::origin)).toList();
  }

  private static boolean isUsed(LimitSeat seat, Predicate<NodeId> here) {
    return seat.state() == State.HELD && here.test(seat.holder());
  }

  private void move(NodeId holder, State to) {
    byOrigin.replaceAll(
        (origin, seat) ->
            seat.state() == State.HELD && seat.holder().equals(holder)
                ? new LimitSeat(origin, to, holder)
                : seat);
  }

  private void put(NodeId origin, State state, NodeId holder) {
    byOrigin.put(origin, new LimitSeat(origin, state, holder));
  }
}
