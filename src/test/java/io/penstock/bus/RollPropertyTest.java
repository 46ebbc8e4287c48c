package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.bus.Knocker.Answer;
import io.penstock.bus.MembershipEvent.Knock;
import io.penstock.inference.LimitShare;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/**
 * Nodes that are split, lost, stopped and started at random, each with its own {@link Membership},
 * in virtual time: whatever happens, the sides never use more than the limit between them, and once
 * all is well again everybody uses all of it.
 */
class RollPropertyTest {
  private static final long SILENCE = 4_000;

  /** Longer than it takes the slowest to notice a cut. */
  private static final int SETTLES_SECONDS = 12;

  private static final class Process {
    private final NodeId id;
    private final int host;
    private final Membership membership;
    private int side;

    Process(NodeId id, int host, int side, long now) {
      this.id = id;
      this.host = host;
      this.side = side;
      this.membership =
          new Membership(
              new View.Node(id, "host-" + host, "", Set.of(Role.BATCHER), 1, "f", false),
              SILENCE,
              0,
              now);
    }
  }

  private final class World {
    private final Random random;
    private final Map<Integer, Process> running = new HashMap<>();
    private final Map<Integer, Integer> sideOfHost = new HashMap<>();
    private final Map<NodeId, Map<NodeId, Long>> lastContact = new HashMap<>();
    private long now;
    private int started;

    /** Somebody has ended while there were two who had never met, and still are. */
    private boolean strangersInherit;

    World(long seed, int hosts) {
      random = new Random(seed);
      for (int host = 0; host < hosts; host++) {
        sideOfHost.put(host, 0);
        start(host);
        seconds(2);
      }
      seconds(3);
    }

    void start(int host) {
      Process process = new Process(new NodeId("p" + started++), host, side(host), now);
      running.put(host, process);
      lastContact.put(process.id, new HashMap<>());
    }

    int side(int host) {
      return sideOfHost.getOrDefault(host, 0);
    }

    /** One that starts where it can reach nobody believes to be the first. */
    boolean hasCompany(int host) {
      return running.keySet().stream().anyMatch(other -> side(other) == side(host));
    }

    boolean reach(Process a, Process b) {
      return side(a.host) == side(b.host);
    }

    /** Its process ends without a word. */
    void kill(int host) {
      running.remove(host);
      strangersInherit |= hasStrangers();
    }

    /** Whether there are two that have never met. */
    private boolean hasStrangers() {
      return running.values().stream()
          .anyMatch(
              one ->
                  running.values().stream()
                      .anyMatch(
                          other ->
                              !one.equals(other)
                                  && !Objects.requireNonNull(lastContact.get(one.id))
                                      .containsKey(other.id)));
    }

    void leave(int host) {
      Process process = Objects.requireNonNull(running.get(host));
      View.Node me = process.membership.me();
      process.membership.become(new View.Node(me.id(), me.name(), "", Set.of(), 0, "f", true), now);
      beacon(process);
      running.remove(host);
      strangersInherit |= hasStrangers();
    }

    /** Its batcher is started afresh. */
    void giveUpAndTakeBack(int host, Runnable meanwhile) {
      Process process = Objects.requireNonNull(running.get(host));
      View.Node me = process.membership.me();
      View.Node without = new View.Node(me.id(), me.name(), "", Set.of(), me.lanes(), "f", false);
      carryOut(process, process.membership.become(without, now));
      beacon(process);
      meanwhile.run();
      seconds(1 + random.nextInt(4));
      carryOut(process, process.membership.become(me, now));
      beacon(process);
    }

    void split(int sides) {
      sideOfHost.replaceAll((host, side) -> random.nextInt(sides));
    }

    void heal() {
      sideOfHost.replaceAll((host, side) -> 0);
    }

    void seconds(int count) {
      for (int i = 0; i < count; i++) {
        now += 1_000;
        List<Process> all = new ArrayList<>(running.values());
        Collections.shuffle(all, random);
        for (Process each : all) {
          second(each);
        }
        strangersInherit &= hasStrangers();
      }
    }

    /** The cluster manager drops who has not been in contact for a while, and takes in who is. */
    private Set<NodeId> members(Process one) {
      Map<NodeId, Long> contact = Objects.requireNonNull(lastContact.get(one.id));
      for (Process other : running.values()) {
        if (reach(one, other)) {
          contact.put(other.id, now);
        }
      }
      Set<NodeId> alive = running.values().stream().map(p -> p.id).collect(Collectors.toSet());
      return contact.entrySet().stream()
          .filter(e -> now - e.getValue() < 5_000)
          .map(Map.Entry::getKey)
          .filter(id -> alive.contains(id)) // a closed connection is noticed at once
          .collect(Collectors.toSet());
    }

    private void second(Process one) {
      carryOut(one, one.membership.members(members(one), now));
      carryOut(one, one.membership.tick(now));
      beacon(one);
    }

    private void beacon(Process from) {
      for (Process to : running.values()) {
        if (reach(from, to)) {
          carryOut(
              to, to.membership.heard(from.membership.beacon("h" + from.host + ":1", false), now));
        }
      }
    }

    private void carryOut(Process one, List<MembershipEvent> events) {
      Deque<MembershipEvent> left = new ArrayDeque<>(events);
      while (!left.isEmpty()) {
        if (left.remove() instanceof Knock knock) {
          int host = Integer.parseInt(knock.who().address().substring(1).replace(":1", ""));
          boolean reachable = side(host) == side(one.host);
          boolean listens = running.containsKey(host);
          Answer answer = reachable && !listens ? Answer.REFUSED : Answer.NONE;
          left.addAll(one.membership.knocked(knock.who().node(), answer, now));
        }
      }
    }

    /** What the sides use of a limit between them. */
    double used() {
      Map<Integer, Double> bySide = new HashMap<>();
      for (Process each : running.values()) {
        LimitShare share = each.membership.view().share();
        bySide.merge(side(each.host), (double) share.present() / share.expected(), Math::max);
      }
      return bySide.values().stream().mapToDouble(x -> x).sum();
    }
  }

  @Property(tries = 300)
  void theSidesNeverUseMoreThanTheLimitBetweenThem(@ForAll long seed) {
    Random random = new Random(seed);
    int hosts = 2 + random.nextInt(5);
    World world = new World(seed, hosts);
    assertThat(world.used()).isEqualTo(1);
    StringBuilder story = new StringBuilder();
    for (int step = 0; step < 12; step++) {
      int host = random.nextInt(hosts);
      boolean runs = world.running.containsKey(host);
      boolean last = world.running.size() == 1;
      int dice = random.nextInt(10);
      if (dice < 3) {
        world.split(1 + random.nextInt(3));
        story.append(" split ").append(world.sideOfHost);
      } else if (dice < 5) {
        world.heal();
        story.append(" heal");
      } else if (runs && !last && dice < 7) {
        world.kill(host);
        story.append(" kill ").append(host);
      } else if (runs && !last && dice < 8) {
        world.leave(host);
        story.append(" leave ").append(host);
      } else if (runs && dice == 8) {
        int sides = 1 + random.nextInt(3);
        story.append(" role of ").append(host).append(" while split in ").append(sides);
        world.giveUpAndTakeBack(host, () -> world.split(sides));
      } else if (!runs && world.hasCompany(host)) {
        world.start(host);
        world.seconds(2); // it is heard and hears
        story.append(" start ").append(host);
      }
      if (random.nextInt(3) == 0) { // the next comes before all have noticed this one
        int seconds = random.nextInt(SETTLES_SECONDS);
        world.seconds(seconds);
        story.append(" +").append(seconds);
        continue;
      }
      world.seconds(SETTLES_SECONDS);
      if (!world.strangersInherit) {
        assertThat(world.used()).as("seed %d:%s", seed, story).isLessThanOrEqualTo(1 + 1e-9);
      }
    }
    world.heal();
    for (int host = 0; host < hosts; host++) {
      if (!world.running.containsKey(host)) {
        world.start(host);
      }
    }
    world.seconds(SETTLES_SECONDS);
    for (Process each : world.running.values()) {
      assertThat(each.membership.view().share())
          .as("seed %d:%s", seed, story)
          .isEqualTo(LimitShare.WHOLE);
      assertThat(each.membership.view().nodes()).hasSize(hosts);
    }
  }

  /**
   * One host is lost for good. Whatever is restarted, crashes or is cut off for a few seconds among
   * the others after that: when all of them are up, they have a part of the limits that lets them
   * serve, and it is no more than is theirs.
   */
  @Property(tries = 300)
  void aLostHostNeverStopsTheOthers(@ForAll long seed) {
    Random random = new Random(seed);
    int hosts = 3 + random.nextInt(3);
    World world = new World(seed, hosts);
    world.seconds(random.nextInt(SETTLES_SECONDS));
    world.kill(0);
    world.sideOfHost.put(0, 9);
    world.seconds(SETTLES_SECONDS);
    StringBuilder story = new StringBuilder();
    for (int step = 0; step < 8; step++) {
      int host = 1 + random.nextInt(hosts - 1);
      switch (random.nextInt(4)) {
        case 0 -> {
          world.leave(host);
          world.seconds(1 + random.nextInt(SETTLES_SECONDS));
          story.append(" restart ").append(host);
        }
        case 1 -> {
          world.kill(host);
          world.seconds(1 + random.nextInt(SETTLES_SECONDS));
          story.append(" crash ").append(host);
        }
        case 2 -> {
          world.sideOfHost.put(host, 1);
          world.seconds(5 + random.nextInt(3));
          world.sideOfHost.put(host, 0);
          story.append(" blip ").append(host);
        }
        default -> {
          world.giveUpAndTakeBack(host, () -> {});
          story.append(" role of ").append(host);
        }
      }
      if (!world.running.containsKey(host)) {
        world.start(host);
      }
      world.seconds(SETTLES_SECONDS);
      assertThat(world.used())
          .as("seed %d:%s", seed, story)
          .isGreaterThan(0)
          .isLessThanOrEqualTo((hosts - 1.0) / hosts + 1e-9);
    }
  }
}
