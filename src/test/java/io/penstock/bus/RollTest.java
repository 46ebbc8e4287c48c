package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.bus.Directory.Forgetting;
import io.penstock.bus.Knocker.Answer;
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
import io.penstock.message.LimitSeat.State;
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
    assertThat(events).containsExactly(new Missed(absent("c"), false));
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
    call(Map.of(), node("a"), node("b"), node("c", Set.of()));
    here("a", "b");
    assertThat(events).isEmpty();
    assertThat(roll.share()).isEqualTo(LimitShare.WHOLE);
    assertThat(roll.dead()).as("others may have missed the farewell").contains(new NodeId("c"));
  }

  /** It takes the role up again, perhaps where this node does not hear it. */
  @Test
  void whoGivesTheRoleUpForAMomentKeepsItsSeatAndIsMissed() {
    settled("a", "b", "c");
    call(Map.of(), node("a"), node("b"), withoutRole("c"));
    assertThat(roll.share()).isEqualTo(LimitShare.WHOLE);
    here("a", "b");
    assertThat(events).containsExactly(new Knock(absent("c")));
    assertThat(roll.share()).isEqualTo(new LimitShare(2, 3));
    knocked("c", true);
    assertThat(roll.share()).isEqualTo(LimitShare.WHOLE);
  }

  /** Those that are cut off may not have heard that it is there again. */
  @Test
  void whoTakesTheRoleUpAnewHasNoSeatUntilAllKnow() {
    settled("b", "c");
    here("a", "b", "c");
    here("a", "b");
    assertThat(roll.share()).isEqualTo(new LimitShare(1, 2));
    assertThat(roll.seats()).doesNotContain(seat("a", State.HELD));
  }

  @Test
  void whoseAddressAnotherHasHasEnded() {
    settled("a", "b", "c");
    here("a", "b");
    call(Map.of("c2", address("c")), node("a"), node("b"), named("c2", "name-c"));
    assertThat(events).contains(new Buried(absent("c"), "another process has its address", false));
    assertThat(roll.share()).isEqualTo(LimitShare.WHOLE);
    assertThat(roll.seatCount()).as("all know it after a while").isEqualTo(2);
  }

  /** A name may be given twice by mistake, and a pod replaced while its old process lives on. */
  @Test
  void aNameProvesNothing() {
    settled("a", "b", "c");
    here("a", "b");
    call(Map.of(), node("a"), node("b"), named("c2", "name-c"));
    assertThat(events).noneMatch(Buried.class::isInstance);
    assertThat(roll.share()).isEqualTo(new LimitShare(2, 3));
  }

  /** A host is lost for good; then the others are restarted one after another, and one crashes. */
  @Test
  void restartsBehindALostHostCostNoShare() {
    settled("a", "b", "c");
    here("a", "b");
    knocked("c", false);
    call(Map.of(), node("a"), node("b", Set.of()));
    here("a");
    assertThat(roll.share()).isEqualTo(new LimitShare(1, 3));
    call(Map.of(), node("a"), named("b2", "name-b"));
    assertThat(roll.share()).isEqualTo(new LimitShare(2, 3));
    call(Map.of(), node("a"));
    assertThat(roll.share()).as("b2 may be working elsewhere").isEqualTo(new LimitShare(1, 3));
    call(Map.of(), node("a"), named("b2", "name-b"));
    assertThat(roll.share()).as("a blip").isEqualTo(new LimitShare(2, 3));

    now += Roll.SETTLE_MILLIS;
    call(Map.of(), node("a"));
    knocked("b2", true);
    assertThat(roll.share()).as("nobody has it yet").isEqualTo(new LimitShare(1, 3));
    call(Map.of(), node("a"), named("b3", "name-b"));
    assertThat(roll.share()).as("the seat of b2").isEqualTo(new LimitShare(2, 3));
    now += FORGET;
    roll.tick(events, now);
    assertThat(roll.share()).as("a majority again").isEqualTo(LimitShare.WHOLE);
  }

  @Test
  void whoIsHereAndMissesThisNodeGoesByASideOfItsOwn() {
    settled("a", "b", "c");
    hear("c", List.of(absent("a")), List.of());
    here("a", "b", "c");
    assertThat(roll.share()).isEqualTo(new LimitShare(2, 3));
    assertThat(roll.missed()).as("it is here").isEmpty();
    hear("c", List.of(), List.of());
    here("a", "b", "c");
    assertThat(roll.share()).isEqualTo(LimitShare.WHOLE);
    assertThat(roll.reunions()).isEqualTo(1);
  }

  /** It may have got it when a cut had come that was not noticed yet. */
  @Test
  void aSeatThatAnotherSpeaksOfIsCountedNotUsed() {
    here("a", "b", "c");
    here("a", "b");
    assertThat(roll.share()).isEqualTo(new LimitShare(1, 2));
    hear("b", List.of(absent("c")), List.of());
    assertThat(roll.share()).isEqualTo(new LimitShare(1, 3));
  }

  @Test
  void whoComesWhileSomebodyIsMissingTakesAFreeSeatOrNone() {
    settled("a", "b", "c");
    here("a", "b");
    here("a", "b", "d");
    assertThat(roll.share()).isEqualTo(new LimitShare(2, 3));
    call(Map.of(), node("a"), node("b", Set.of()), node("d"));
    assertThat(roll.share())
        .as("b has left its seat, d has taken it")
        .isEqualTo(new LimitShare(2, 3));
    here("a", "d");
    assertThat(roll.share()).isEqualTo(new LimitShare(2, 3));
    call(Map.of(), node("a"), node("d", Set.of()));
    assertThat(roll.share()).as("an empty seat is nobody's").isEqualTo(new LimitShare(1, 3));
  }

  /** Its seat may have passed to another on its side, or on another one of those it was on. */
  @Test
  void theSeatOfOneWhoEndedElsewhereIsAdrift() {
    settled("a", "b", "c", "d");
    here("a", "b");
    knocked("c", false);
    knocked("d", false);
    knocked("c", true);
    here("a", "b", "c2");
    assertThat(roll.share()).isEqualTo(new LimitShare(2, 4));
    assertThat(roll.seats()).contains(seat("c", State.ADRIFT));
    here("a", "b", "c2", "d");
    assertThat(roll.share()).isEqualTo(LimitShare.WHOLE);
  }

  @Test
  void theSeatOfOneWhoEndedAlongWithACutIsAdrift() {
    settled("a", "b", "c", "d");
    here("a", "b", "d");
    here("a", "b");
    knocked("c", true);
    here("a", "b", "c2");
    assertThat(roll.share()).as("d may have it too").isEqualTo(new LimitShare(2, 4));
  }

  @Test
  void aFreeSeatIsAdriftWithTheNextCut() {
    settled("a", "b", "c", "d");
    here("a", "b", "c");
    knocked("d", false);
    now += Roll.SETTLE_MILLIS;
    here("a", "b");
    knocked("c", true);
    here("a");
    here("a", "c2");
    assertThat(roll.share()).as("b may have given it to another c").isEqualTo(new LimitShare(1, 4));
  }

  @Test
  void whatAnOperatorSaysIsLostIsNobodys() {
    settled("a", "b", "c", "d");
    here("a", "b");
    assertThat(roll.forget("name-c", false, events)).isEqualTo(Forgetting.DONE);
    assertThat(roll.share()).isEqualTo(new LimitShare(2, 3));
  }

  @Test
  void whoAcceptsConnectionsIsNotForgottenUnlessOneInsists() {
    settled("a", "b", "c");
    here("a", "b");
    roll.knocked(new NodeId("c"), Answer.ACCEPTED, events);
    assertThat(events).contains(new Missed(absent("c"), true));
    now += FORGET;
    roll.tick(events, now);
    assertThat(roll.forget("name-c", false, events)).isEqualTo(Forgetting.ALIVE);
    assertThat(roll.share()).isEqualTo(new LimitShare(2, 3));
    assertThat(roll.forget("name-c", true, events)).isEqualTo(Forgetting.DONE);
    assertThat(roll.share()).isEqualTo(LimitShare.WHOLE);
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
    d.call(List.of(node("d"), node("a")), addresses(List.of(node("d"), node("a"))), events, 0);
    assertThat(d.share()).isEqualTo(LimitShare.WHOLE);
    LimitSeat[] seats = {seat("a", State.HELD), seat("b", State.HELD), seat("c", State.HELD)};
    d.heard(beacon("a", List.of(absent("b"), absent("c")), List.of(), seats), events, 0);
    assertThat(d.share()).isEqualTo(new LimitShare(1, 3));
    d.heard(beacon("a", List.of(absent("b")), List.of(new NodeId("c")), seats), events, 0);
    assertThat(d.share()).as("somebody may have it").isEqualTo(new LimitShare(1, 3));
    seats[2] = seat("c", State.GONE);
    d.heard(beacon("a", List.of(absent("b")), List.of(new NodeId("c")), seats), events, 0);
    assertThat(d.share()).isEqualTo(new LimitShare(1, 2));
    d.heard(beacon("x", List.of(absent("c")), List.of()), events, 0);
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
    lonely.call(List.of(node("a"), node("b")), addresses(List.of(node("a"), node("b"))), events, 0);
    lonely.call(List.of(node("a")), addresses(List.of(node("a"))), events, 0);
    lonely.tick(events, 10 * FORGET);
    assertThat(lonely.share()).as("half is no majority").isEqualTo(new LimitShare(1, 2));
    assertThat(lonely.forget("nobody", false, events)).isEqualTo(Forgetting.NOT_MISSING);
    assertThat(lonely.forget("name-b", false, events)).isEqualTo(Forgetting.DONE);
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
    assertThat(roll.seatCount()).isEqualTo(3);
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
    roll.call(all, addresses(all), events, 0);
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
    roll.call(nodes, addresses(nodes), events, now);
  }

  /**
   * @param elsewhere addresses of those that do not have the usual one
   */
  private void call(Map<String, String> elsewhere, View.Node... nodes) {
    Map<NodeId, String> addresses = addresses(List.of(nodes));
    elsewhere.forEach((id, address) -> addresses.put(new NodeId(id), address));
    roll.call(List.of(nodes), addresses, events, now);
  }

  private static Map<NodeId, String> addresses(List<View.Node> nodes) {
    Map<NodeId, String> addresses = new HashMap<>();
    nodes.forEach(node -> addresses.put(node.id(), address(node.id().value())));
    return addresses;
  }

  /** They have been here for long. */
  private void settled(String... ids) {
    here(ids);
    now += Roll.SETTLE_MILLIS;
    here(ids);
  }

  private void hear(String from, List<Absent> missing, List<NodeId> dead) {
    roll.heard(beacon(from, missing, dead, seat(from, State.HELD)), events, now);
  }

  private void knocked(String id, boolean refused) {
    roll.knocked(new NodeId(id), refused ? Answer.REFUSED : Answer.NONE, events);
  }

  private static String address(String id) {
    return id + ".example:5701";
  }

  private static Absent absent(String id) {
    return new Absent(new NodeId(id), "name-" + id, address(id));
  }

  private static Set<Role> roles() {
    return Set.of(Role.BATCHER);
  }

  private static View.Node named(String id, String name) {
    return new View.Node(new NodeId(id), name, "", roles(), 1, "", false);
  }

  private static View.Node node(String id) {
    return node(id, roles());
  }

  private static View.Node node(String id, Set<Role> roles) {
    return new View.Node(new NodeId(id), "name-" + id, "", roles, 1, "", roles.isEmpty());
  }

  /** Its batcher is started afresh. */
  private static View.Node withoutRole(String id) {
    return new View.Node(new NodeId(id), "name-" + id, "", Set.of(), 1, "", false);
  }

  private static Beacon beacon(
      String id, List<Absent> missing, List<NodeId> dead, LimitSeat... seats) {
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
        List.of(seats));
  }

  private static LimitSeat seat(String origin, State state) {
    return new LimitSeat(new NodeId(origin), state, new NodeId(origin));
  }
}
