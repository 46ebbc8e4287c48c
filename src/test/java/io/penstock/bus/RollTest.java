package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.bus.MembershipEvent.Buried;
import io.penstock.bus.MembershipEvent.Found;
import io.penstock.bus.MembershipEvent.Knock;
import io.penstock.bus.MembershipEvent.Missed;
import io.penstock.inference.LimitShare;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import io.penstock.message.Absent;
import io.penstock.message.Beacon;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class RollTest {
  private static final long FORGET = 60_000;

  private final Roll roll = new Roll(new NodeId("a"), FORGET);
  private final List<MembershipEvent> events = new ArrayList<>();
  private long now;

  @Test
  void whoIsGoneWithoutAWordTakesItsSeatAlong() {
    settled("a", "b", "c");
    assertThat(roll.share()).isEqualTo(LimitShare.WHOLE);
    here("a", "b");
    assertThat(events).containsExactly(new Knock(absent("c")));
    assertThat(roll.share()).isEqualTo(new LimitShare(2, 3));
    assertThat(roll.missing()).as("not certain yet").isEmpty();
    assertThat(roll.missed()).containsExactly(absent("c"));
    events.clear();
    knocked("c", false);
    knocked("c", false);
    assertThat(events).containsExactly(new Missed(absent("c")));
    assertThat(roll.missing()).containsExactly(absent("c"));
  }

  @Test
  void whoHasEndedLeavesItsSeat() {
    settled("a", "b", "c");
    here("a", "b");
    knocked("c", true);
    assertThat(events).contains(new Buried(absent("c"), "its process has ended", false));
    assertThat(roll.share()).isEqualTo(LimitShare.WHOLE);
    assertThat(roll.dead()).containsExactly(new NodeId("c"));
  }

  @Test
  void whoSaysFarewellLeavesItsSeat() {
    settled("a", "b", "c");
    roll.call(List.of(node("a"), node("b"), node("c", Set.of())), addresses(), events, now);
    here("a", "b");
    assertThat(events).isEmpty();
    assertThat(roll.share()).isEqualTo(LimitShare.WHOLE);
    assertThat(roll.dead()).as("others may have missed the farewell").contains(new NodeId("c"));
  }

  @Test
  void whoStartsAnewHasEndedBefore() {
    settled("a", "b", "c");
    here("a", "b");
    roll.call(
        List.of(
            node("a"),
            node("b"),
            new View.Node(new NodeId("c2"), "name-c", "", roles(), 1, "", false)),
        addresses(),
        events,
        now);
    assertThat(events).contains(new Buried(absent("c"), "it has started anew", false));
    assertThat(roll.share()).isEqualTo(LimitShare.WHOLE);
    assertThat(roll.seats()).as("all know it after a while").isEqualTo(2);
  }

  @Test
  void whoComesWhileSomebodyIsMissingTakesAFreeSeatOrNone() {
    settled("a", "b", "c");
    here("a", "b");
    here("a", "b", "d");
    assertThat(roll.share()).isEqualTo(new LimitShare(2, 3));
    roll.call(List.of(node("a"), node("b", Set.of()), node("d")), addresses(), events, now);
    assertThat(roll.share())
        .as("b has left its seat, d has taken it")
        .isEqualTo(new LimitShare(2, 3));
    here("a", "d");
    assertThat(roll.share()).isEqualTo(new LimitShare(2, 3));
    roll.call(List.of(node("a"), node("d", Set.of())), addresses(), events, now);
    assertThat(roll.share()).as("an empty seat is nobody's").isEqualTo(new LimitShare(1, 3));
  }

  @Test
  void whoIsBackCountsOnceItDoesNotMissThisNodeAnyMore() {
    settled("a", "b");
    here("a");
    knocked("b", false);
    events.clear();
    now += 9_000;
    hear("b", List.of(absent("a")), List.of());
    here("a", "b");
    assertThat(roll.share()).isEqualTo(new LimitShare(1, 2));
    assertThat(roll.missing()).as("it is seen").isEmpty();
    assertThat(roll.missed()).isEmpty();
    hear("b", List.of(), List.of());
    here("a", "b");
    assertThat(events).containsExactly(new Found(absent("b"), 9_000));
    assertThat(roll.share()).isEqualTo(LimitShare.WHOLE);
  }

  @Test
  void whoJoinsOneSideIsToldOfTheOther() {
    Roll d = new Roll(new NodeId("d"), FORGET);
    d.call(List.of(node("d"), node("a")), addresses(), events, 0);
    assertThat(d.share()).isEqualTo(LimitShare.WHOLE);
    d.heard(beacon("a", List.of(absent("b"), absent("c")), List.of(), 1), events, 0);
    assertThat(d.share()).isEqualTo(new LimitShare(1, 3));
    d.heard(beacon("a", List.of(absent("b")), List.of(new NodeId("c")), 1), events, 0);
    assertThat(d.share()).isEqualTo(new LimitShare(1, 2));
    d.heard(beacon("x", List.of(absent("c")), List.of(), 1), events, 0);
    assertThat(d.share()).as("c is known to be dead").isEqualTo(new LimitShare(1, 2));
  }

  @Test
  void aMajorityForgetsAfterAWhileAMinorityNever() {
    settled("a", "b", "c");
    here("a", "b");
    now += FORGET;
    roll.tick(events, now);
    assertThat(events).contains(new Buried(absent("c"), "not seen for 60 s", false));
    assertThat(roll.share()).isEqualTo(LimitShare.WHOLE);

    Roll lonely = new Roll(new NodeId("a"), FORGET);
    lonely.call(List.of(node("a"), node("b")), addresses(), events, 0);
    lonely.call(List.of(node("a")), addresses(), events, 0);
    lonely.tick(events, 10 * FORGET);
    assertThat(lonely.share()).as("half is no majority").isEqualTo(new LimitShare(1, 2));
    assertThat(lonely.forget("nobody", events)).isEmpty();
    assertThat(lonely.forget("name-b", events)).map(Absent::name).contains("name-b");
    assertThat(lonely.share()).isEqualTo(LimitShare.WHOLE);
  }

  @Test
  void whoWasTakenForDeadAndComesBackIsWelcome() {
    settled("a", "b", "c");
    here("a", "b");
    knocked("c", true);
    here("a", "b", "c");
    assertThat(roll.dead()).isEmpty();
    settled("a", "b", "c");
    assertThat(roll.seats()).isEqualTo(3);
    here("a", "b");
    assertThat(roll.share()).isEqualTo(new LimitShare(2, 3));
  }

  @Test
  void isBounded() {
    View.Node[] many =
        java.util.stream.IntStream.range(0, 3 * Roll.DEAD_MAX)
            .mapToObj(i -> node("n" + i))
            .toArray(View.Node[]::new);
    List<View.Node> all = new ArrayList<>(List.of(many));
    all.add(node("a"));
    roll.call(all, addresses(), events, 0);
    here("a");
    assertThat(roll.missed()).hasSize(Roll.MISSING_MAX);
    assertThat(roll.share().of(1_000)).isLessThan(1_000 / Roll.MISSING_MAX + 1);
    for (View.Node each : many) {
      knocked(each.id().value(), true);
    }
    here("a", "b");
    hear("b", List.of(), Arrays.stream(many).map(View.Node::id).toList());
    assertThat(roll.dead()).hasSize(Roll.DEAD_MAX);
  }

  private void here(String... ids) {
    List<View.Node> nodes = Stream.of(ids).map(id -> node(id)).toList();
    roll.call(nodes, addresses(), events, now);
  }

  /** They have been here for long. */
  private void settled(String... ids) {
    here(ids);
    now += Roll.SETTLE_MILLIS;
    here(ids);
  }

  private void hear(String from, List<Absent> missing, List<NodeId> dead) {
    roll.heard(beacon(from, missing, dead, 1), events, now);
  }

  private void knocked(String id, boolean refused) {
    roll.knocked(new NodeId(id), refused, events);
  }

  private static Map<NodeId, String> addresses() {
    return new HashMap<>() {
      @Override
      public String getOrDefault(Object id, String none) {
        return address(id.toString());
      }
    };
  }

  private static String address(String id) {
    return id + ".example:5701";
  }

  private static Absent absent(String id) {
    return new Absent(new NodeId(id), "name-" + id, address(id), true);
  }

  private static Set<Role> roles() {
    return Set.of(Role.BATCHER);
  }

  private static View.Node node(String id) {
    return node(id, roles());
  }

  private static View.Node node(String id, Set<Role> roles) {
    return new View.Node(new NodeId(id), "name-" + id, "", roles, 1, "", false);
  }

  private static Beacon beacon(String id, List<Absent> missing, List<NodeId> dead, int seats) {
    return new Beacon(
        new NodeId(id),
        "name-" + id,
        "",
        roles(),
        1,
        "",
        false,
        false,
        address(id),
        missing,
        dead,
        List.of(new NodeId(id)),
        seats);
  }
}
