package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.penstock.bus.MembershipEvent.Changed;
import io.penstock.bus.MembershipEvent.Deaf;
import io.penstock.bus.MembershipEvent.FleetAgrees;
import io.penstock.bus.MembershipEvent.FleetDiffers;
import io.penstock.bus.MembershipEvent.HeardAgain;
import io.penstock.bus.MembershipEvent.Knock;
import io.penstock.bus.MembershipEvent.Silent;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import io.penstock.message.Beacon;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class MembershipTest {
  private static final long SILENCE = 4_000;
  private static final NodeId A = new NodeId("a");
  private static final NodeId B = new NodeId("b");
  private static final NodeId C = new NodeId("c");

  private final Membership membership = new Membership(node(A), SILENCE, 0, 0);

  @Test
  void oneThatBeginsWithAnothersViewLosesNobodyAndStillNoticesSilence() {
    membership.members(Set.of(A, B, C), 0);
    membership.heard(beacon(B), 0);
    membership.heard(beacon(C), 0);
    assertThat(ids(membership)).containsExactly(A, B, C);
    Membership next =
        Membership.after(
            membership.me(), membership.view(), membership.beacon("", false), SILENCE, 0, 10_000);
    assertThat(next.view()).isEqualTo(membership.view());
    assertThat(next.unheard()).isEmpty();
    for (long now = 11_000; now <= 14_000; now += 1_000) {
      next.heard(beacon(A), now);
      next.heard(beacon(B), now);
      assertThat(next.tick(now)).isEmpty();
    }
    assertThat(next.tick(14_001)).anyMatch(event -> event instanceof Silent);
    assertThat(ids(next)).containsExactly(A, B);
    next.members(Set.of(A), 15_000);
    assertThat(ids(next)).containsExactly(A);
  }

  @Test
  void aNodeAloneSeesItself() {
    assertThat(ids(membership)).containsExactly(A);
  }

  @Test
  void listsAMemberOnceItsBeaconIsHeard() {
    assertThat(membership.members(Set.of(A, B), 0)).isEmpty();
    assertThat(membership.unheard()).containsExactly(B);
    assertThat(membership.heard(beacon(B), 10)).singleElement().isInstanceOf(Changed.class);
    assertThat(ids(membership)).containsExactly(A, B);
    assertThat(membership.unheard()).isEmpty();
  }

  @Test
  void listsANodeWhoseBeaconCameBeforeItWasAMember() {
    assertThat(membership.heard(beacon(B), 0)).isEmpty();
    assertThat(membership.members(Set.of(A, B), 10)).singleElement().isInstanceOf(Changed.class);
    assertThat(ids(membership)).containsExactly(A, B);
  }

  @Test
  void aMemberThatLeavesGoesAtOnce() {
    join(B, 0);
    membership.members(Set.of(A), 1);
    assertThat(ids(membership)).containsExactly(A);
  }

  @Test
  void theLastWordOfANodeThatHasLeftDoesNotBringItBack() {
    join(B, 0);
    membership.members(Set.of(A), 1);
    assertThat(membership.heard(beacon(B), 2)).isEmpty();
    assertThat(ids(membership)).containsExactly(A);
  }

  @Test
  void sayingTheSameAgainChangesNothing() {
    join(B, 0);
    assertThat(membership.heard(beacon(B), 500)).isEmpty();
    assertThat(membership.members(Set.of(A, B), 600)).isEmpty();
    assertThat(membership.become(node(A), 0)).isEmpty();
  }

  @Test
  void rolesThatAreGivenUpAreSeen() {
    join(B, 0);
    membership.heard(beacon(B, Set.of(), "f", 1), 100);
    assertThat(membership.view().with(Role.BATCHER)).containsExactly(A);
  }

  @Test
  void aMemberThatIsSilentIsOutUntilItIsHeardAgain() {
    join(B, 0);
    List<MembershipEvent> events = tickUntil(SILENCE, 0);
    assertThat(events).noneMatch(Silent.class::isInstance);
    events = membership.tick(SILENCE + 1_000);
    assertThat(events).contains(new Silent(B, "name-b", SILENCE + 1_000));
    assertThat(ids(membership)).containsExactly(A);
    assertThat(membership.silentMembers()).isEqualTo(2); // b, and nothing echoed
    assertThat(membership.tick(SILENCE + 2_000))
        .as("told once")
        .singleElement()
        .isInstanceOf(Knock.class);

    events = membership.heard(beacon(B), SILENCE + 2_500);
    assertThat(events).startsWith(new HeardAgain(B, "name-b", SILENCE + 2_500));
    assertThat(ids(membership)).containsExactly(A, B);
  }

  @Test
  void aMemberThatWasNeverHeardIsComplainedOf() {
    membership.members(Set.of(A, B), 0);
    List<MembershipEvent> events = tickUntil(SILENCE + 1_000, 0);
    assertThat(events).contains(new Silent(B, "", SILENCE + 1_000));
  }

  @Test
  void theSilenceOfOneThatReturnsCountsFromItsReturn() {
    join(B, 0);
    tickUntil(2_000, 0);
    membership.members(Set.of(A), 2_100);
    membership.tick(3_000);
    membership.members(Set.of(A, B), 3_900);
    assertThat(tickUntil(7_000, 3_000)).noneMatch(Silent.class::isInstance);
    assertThat(tickUntil(9_000, 7_000)).anyMatch(Silent.class::isInstance);
  }

  @Test
  void aNodeThatDoesNotHearItselfSaysSoButStaysInItsView() {
    membership.heard(beacon(A), 0);
    assertThat(tickUntil(SILENCE + 1_000, 0)).containsExactly(new Deaf(SILENCE + 1_000));
    assertThat(ids(membership)).containsExactly(A);
    membership.heard(beacon(A), SILENCE + 1_100);
    assertThat(membership.silentMembers()).isZero();
  }

  @Test
  void itsOwnPauseIsNobodysSilence() {
    join(B, 0);
    tickUntil(1_000, 0);
    assertThat(membership.tick(60_000)).isEmpty();
    assertThat(ids(membership)).containsExactly(A, B);
    assertThat(tickUntil(60_000 + SILENCE, 60_000)).hasAtLeastOneElementOfType(Silent.class);
  }

  @Test
  void complainsOnceOfEachFleetThatDiffers() {
    membership.members(Set.of(A, B), 0);
    assertThat(membership.heard(beacon(B, Set.of(), "g", 1), 0))
        .contains(new FleetDiffers(B, "name-b", "g", "f"));
    assertThat(membership.fleetMismatches()).isEqualTo(1);
    assertThat(membership.heard(beacon(B, Set.of(), "g", 1), 1_000)).isEmpty();
    assertThat(membership.heard(beacon(B, Set.of(), "h", 1), 2_000))
        .contains(new FleetDiffers(B, "name-b", "h", "f"));
    assertThat(membership.heard(beacon(B, Set.of(), "f", 1), 3_000))
        .contains(new FleetAgrees(B, "name-b"));
    assertThat(membership.fleetMismatches()).isZero();
  }

  @Test
  void nodesThatAreReloadedOneAfterAnotherAgreeInTheEnd() {
    membership.members(Set.of(A, B), 0);
    membership.heard(beacon(B, Set.of(), "f", 1), 0);
    View.Node me = membership.me();
    membership.become(
        new View.Node(me.id(), me.name(), me.zone(), me.roles(), me.lanes(), "g", false), 0);
    assertThat(membership.heard(beacon(B, Set.of(), "f", 1), 1_000))
        .containsExactly(new FleetDiffers(B, "name-b", "f", "g"));
    assertThat(membership.heard(beacon(B, Set.of(), "g", 1), 2_000))
        .contains(new FleetAgrees(B, "name-b"));
    assertThat(membership.fleetMismatches()).isZero();
  }

  @Test
  void remembersABoundedNumberOfStrangersAndNotForLong() {
    IntStream.range(0, 2 * Membership.STRANGERS_MAX)
        .forEach(i -> membership.heard(beacon(new NodeId("stranger-" + i)), 0));
    NodeId known = new NodeId("stranger-0");
    NodeId late = new NodeId("stranger-" + (2 * Membership.STRANGERS_MAX - 1));
    membership.members(Set.of(A, known, late), 1);
    assertThat(ids(membership)).containsExactly(A, known);

    membership.members(Set.of(A), 2);
    tickUntil(SILENCE + 1_000, 0);
    membership.members(Set.of(A, known), SILENCE + 1_001);
    assertThat(ids(membership)).as("forgotten").containsExactly(A);
    membership.heard(beacon(late), SILENCE + 1_002);
    membership.members(Set.of(A, late), SILENCE + 1_003);
    assertThat(ids(membership)).as("there is room again").containsExactly(A, late);
  }

  @Test
  void refusesToBecomeSomebodyElse() {
    assertThatThrownBy(() -> membership.become(node(B), 0)).hasMessage("node.id: b (expected: a)");
  }

  /** Whatever comes in whatever order, no view has a node that is not a member. */
  @Property(tries = 300)
  void theViewNeverHasANodeThatIsNoMember(@ForAll long seed) {
    Random random = new Random(seed);
    Membership any = new Membership(node(A), SILENCE, 0, 0);
    Set<NodeId> members = Set.of(A);
    long now = 0;
    for (int step = 0; step < 200; step++) {
      now += random.nextInt(1_500);
      switch (random.nextInt(3)) {
        case 0 -> {
          members = someMembers(random);
          any.members(members, now);
        }
        case 1 -> any.heard(randomBeacon(random), now);
        default -> any.tick(now);
      }
      assertThat(members).as("seed %d step %d", seed, step).containsAll(ids(any));
      assertThat(ids(any)).contains(A);
    }
  }

  /**
   * Two nodes hear the same beacons (in order per sender) and the same lists of members (in order),
   * interleaved differently: their views end alike, and a {@code Changed} was told for every
   * difference.
   */
  @Property(tries = 300)
  void viewsConvergeWhateverTheOrderOfEvents(@ForAll long seed) {
    Random random = new Random(seed);
    List<Set<NodeId>> lists = new ArrayList<>();
    Map<NodeId, List<Beacon>> beacons = new HashMap<>();
    for (int i = 0; i < 8; i++) {
      lists.add(someMembers(random));
      Beacon beacon = randomBeacon(random);
      beacons.computeIfAbsent(beacon.node(), k -> new ArrayList<>()).add(beacon);
    }
    View one = play(lists, beacons, random, seed);
    View other = play(lists, beacons, random, seed);
    assertThat(one.nodes()).as("seed %d", seed).isEqualTo(other.nodes());
  }

  private static View play(
      List<Set<NodeId>> lists, Map<NodeId, List<Beacon>> beacons, Random random, long seed) {
    Membership node = new Membership(node(A), SILENCE, 0, 0);
    List<NodeId> turns = new ArrayList<>();
    beacons.forEach((id, all) -> all.forEach(b -> turns.add(id)));
    lists.forEach(list -> turns.add(A)); // stands for the next list of members
    Collections.shuffle(turns, random);
    Map<NodeId, Integer> next = new HashMap<>();
    View told = node.view();
    long now = 0;
    for (NodeId turn : turns) {
      int index = next.merge(turn, 1, Integer::sum) - 1;
      now += 10;
      List<MembershipEvent> events =
          turn.equals(A)
              ? node.members(lists.get(index), now)
              : node.heard(beacons.getOrDefault(turn, List.of()).get(index), now);
      for (MembershipEvent event : events) {
        if (event instanceof Changed changed) {
          told = changed.view();
        }
      }
      assertThat(told).as("seed %d", seed).isEqualTo(node.view());
    }
    return node.view();
  }

  private static Set<NodeId> someMembers(Random random) {
    Set<NodeId> some = new HashSet<>(Set.of(A));
    for (NodeId id : List.of(B, C, new NodeId("d"))) {
      if (random.nextBoolean()) {
        some.add(id);
      }
    }
    return some;
  }

  private static Beacon randomBeacon(Random random) {
    NodeId id = List.of(B, C, new NodeId("d")).get(random.nextInt(3));
    Set<Role> roles = random.nextBoolean() ? Set.of(Role.BATCHER) : Set.of();
    return beacon(id, roles, "f", random.nextInt(4));
  }

  private void join(NodeId id, long now) {
    membership.members(Set.of(A, id), now);
    membership.heard(beacon(id), now);
  }

  /** Ticks every second after {@code from} until {@code to}; all that was told on the way. */
  private List<MembershipEvent> tickUntil(long to, long from) {
    List<MembershipEvent> events = new ArrayList<>();
    for (long now = from + 1_000; now <= to; now += 1_000) {
      events.addAll(membership.tick(now));
    }
    return events;
  }

  private static List<NodeId> ids(Membership membership) {
    return membership.view().nodes().stream().map(View.Node::id).toList();
  }

  private static View.Node node(NodeId id) {
    return new View.Node(id, "name-" + id, "", Set.of(Role.BATCHER), 1, "f", false);
  }

  private static Beacon beacon(NodeId id) {
    return beacon(id, Set.of(Role.BATCHER), "f", 1);
  }

  private static Beacon beacon(NodeId id, Set<Role> roles, String fleet, int lanes) {
    return new Beacon(
        id,
        "name-" + id,
        "",
        roles,
        lanes,
        fleet,
        false,
        false,
        "10.0.0.1:5701",
        List.of(),
        List.of(),
        List.of());
  }
}
