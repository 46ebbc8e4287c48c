package io.penstock.batcher;

import static io.penstock.batcher.Samples.POOL;
import static io.penstock.batcher.Samples.pool;
import static io.penstock.batcher.Samples.release;
import static io.penstock.batcher.Samples.replicas;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.Samples.Ask;
import io.penstock.bus.View;
import io.penstock.fake.FakeDirectory;
import io.penstock.inference.NodeId;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.Role;
import io.penstock.message.Admit;
import io.penstock.message.Census;
import io.penstock.message.CensusAnswer;
import io.penstock.message.Grant;
import io.penstock.message.Lease;
import io.penstock.message.Message;
import io.penstock.message.NotOwner;
import io.penstock.message.Refusal;
import io.penstock.message.Release;
import io.penstock.message.Renew;
import io.penstock.message.RenewAnswer;
import io.penstock.message.Room;
import io.penstock.message.Station;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/**
 * Two owners and three ingress loops in virtual time: the owner dies, or is displaced while it
 * lives, with a full queue and with messages lost. The holders are the protocol's other side at its
 * simplest.
 */
class HandoverTest {
  private static final int[] SLOTS = {4, 4};
  private static final long LATENCY_MILLIS = 2;
  private static final long CENSUS_MILLIS = 300;

  private static final class Sim {
    record Event(long at, long order, Runnable happens) {}

    final Random random;
    final double loss;
    final PriorityQueue<Event> events =
        new PriorityQueue<>(
            java.util.Comparator.comparingLong(Event::at).thenComparingLong(Event::order));
    final Map<NodeId, PoolOwner> owners = new LinkedHashMap<>();
    final Map<NodeId, Holder> holders = new LinkedHashMap<>();
    final List<String> violations = new ArrayList<>();
    long now;
    long order;
    long epochSeed = 1_000;
    int served;
    int refused;
    int worst;
    boolean lossy = true;

    /** How long a death goes unnoticed at least. */
    long noticeMillis = 300;

    /** Who does not get the next census that is sent to it. */
    final Set<Station> missNextCensus = new HashSet<>();

    Sim(long seed, double loss) {
      random = new Random(seed);
      this.loss = loss;
      for (String name : List.of("owner-a", "owner-b")) {
        begin(new NodeId(name));
      }
      for (String name : List.of("i1", "i2", "i3")) {
        Holder holder = new Holder(new Station(new NodeId(name), Room.INGRESS, 0));
        holders.put(holder.self.node(), holder);
      }
      every(50, this::tickAll);
    }

    /** A node's owner begins, knowing nothing. */
    void begin(NodeId id) {
      owners.put(id, new PoolOwner(pool(replicas(SLOTS)), id, CENSUS_MILLIS, random::nextDouble));
    }

    void at(long delay, Runnable happens) {
      events.add(new Event(now + delay, order++, happens));
    }

    void every(long period, Runnable happens) {
      at(
          period,
          () -> {
            happens.run();
            every(period, happens);
          });
    }

    void run(long until) {
      while (!events.isEmpty() && events.peek().at() <= until) {
        Event next = events.remove();
        now = next.at();
        next.happens().run();
      }
      now = until;
    }

    /** All owners named here are in the cluster; the one that wins owns the pool. */
    View cluster(List<NodeId> batchers) {
      List<View.Node> nodes = new ArrayList<>();
      batchers.forEach(id -> nodes.add(FakeDirectory.node(id.value(), Role.BATCHER)));
      holders.keySet().forEach(id -> nodes.add(FakeDirectory.node(id.value(), Role.INGRESS)));
      return new View(nodes);
    }

    void show(NodeId node, View view) {
      PoolOwner owner = owners.get(node);
      if (owner != null) {
        carryOut(node, owner.view(view, epochSeed + now, now));
      }
      Holder holder = holders.get(node);
      if (holder != null) {
        holder.onView(view);
      }
    }

    void showAll(View view) {
      owners.keySet().forEach(id -> show(id, view));
      holders.keySet().forEach(id -> show(id, view));
    }

    void toOwner(NodeId to, Message message) {
      if (!lost()) {
        at(LATENCY_MILLIS, () -> receive(to, message));
      }
    }

    void toHolder(Station to, Message message) {
      boolean missed = message instanceof Census && missNextCensus.remove(to);
      if (!missed && !lost()) {
        at(LATENCY_MILLIS, () -> holder(to.node()).receive(message));
      }
    }

    private Holder holder(NodeId node) {
      return java.util.Objects.requireNonNull(holders.get(node));
    }

    boolean lost() {
      return lossy && random.nextDouble() < loss;
    }

    void receive(NodeId at, Message message) {
      PoolOwner owner = owners.get(at);
      if (owner == null) {
        return; // dead
      }
      if (message instanceof Admit admit) {
        carryOut(at, owner.admit(admit, now));
      } else if (message instanceof Release release) {
        carryOut(at, owner.release(release, now));
      } else if (message instanceof Renew renew) {
        carryOut(at, owner.renew(renew, now));
      } else if (message instanceof CensusAnswer answer) {
        carryOut(at, owner.census(answer, now));
      }
    }

    void tickAll() {
      owners.forEach((id, owner) -> carryOut(id, owner.tick(now)));
      holders.values().forEach(Holder::tick);
    }

    void carryOut(NodeId from, List<AdmissionDecision> decisions) {
      for (AdmissionDecision each : decisions) {
        each.tell(
            new AdmissionDecision.Outlet() {
              @Override
              public void granted(AdmissionDecision.Granted decision) {
                toHolder(decision.to(), decision.grant());
              }

              @Override
              public void merged(AdmissionDecision.Merged decision) {
                throw new AssertionError("nobody asks for company here: " + decision);
              }

              @Override
              public void called(AdmissionDecision.Called decision) {
                throw new AssertionError("nobody asks for company here: " + decision);
              }

              @Override
              public void refused(AdmissionDecision.Refused decision) {
                toHolder(decision.to(), decision.refusal());
              }

              @Override
              public void disowned(AdmissionDecision.Disowned decision) {
                toHolder(decision.to(), decision.answer());
              }

              @Override
              public void renewed(AdmissionDecision.Renewed decision) {
                toHolder(decision.to(), decision.answer());
              }

              @Override
              public void censusTaken(AdmissionDecision.CensusTaken decision) {
                holders.values().forEach(holder -> toHolder(holder.self, decision.census()));
              }

              @Override
              public void censusRepeated(AdmissionDecision.CensusRepeated decision) {
                toHolder(decision.to(), decision.census());
              }

              @Override
              public void leaseExpired(AdmissionDecision.LeaseExpired decision) {}

              @Override
              public void leaseDropped(AdmissionDecision.LeaseDropped decision) {
                Holder holder = holder(decision.holder().node());
                if (holder.held.containsKey(decision.lease().id())) {
                  violations.add("dropped while held: " + decision);
                }
              }

              @Override
              public void leaseNotAdopted(AdmissionDecision.LeaseNotAdopted decision) {
                violations.add("ledger full at " + from);
              }

              @Override
              public void releaseIgnored(AdmissionDecision.ReleaseIgnored decision) {}

              @Override
              public void doubted(AdmissionDecision.Doubted decision) {}

              @Override
              public void judged(AdmissionDecision.Judged decision) {}

              @Override
              public void alarmChanged(AdmissionDecision.AlarmChanged decision) {}
            });
      }
    }

    void countRunning() {
      Map<ReplicaId, Integer> running = new HashMap<>();
      for (Holder holder : holders.values()) {
        holder.held.values().forEach(grant -> running.merge(grant.replica(), 1, Integer::sum));
      }
      for (int i = 0; i < SLOTS.length; i++) {
        int on = running.getOrDefault(Samples.id(i), 0);
        worst = Math.max(worst, on * 100 / SLOTS[i]);
      }
    }

    /** One ingress loop. */
    final class Holder {
      final Station self;
      final Map<RequestId, Admit> waiting = new LinkedHashMap<>();
      final Map<RequestId, Grant> held = new LinkedHashMap<>();
      NodeId owner = new NodeId("none");
      long epoch;
      long renewAt;

      Holder(Station self) {
        this.self = self;
      }

      void ask(String id) {
        Admit admit = Ask.of(id).from(self).knowing(epoch).admit();
        waiting.put(admit.id(), admit);
        toOwner(owner, admit);
      }

      void onView(View view) {
        NodeId next = view.ownerOf(POOL).orElseThrow();
        if (!next.equals(owner)) {
          owner = next;
          waiting.keySet().forEach(this::askAgain);
        }
      }

      void askAgain(RequestId id) {
        toOwner(owner, Ask.of(id.value()).from(self).knowing(epoch).admit());
      }

      void tick() {
        if (now >= renewAt) {
          renewAt = now + 1_000;
          toOwner(owner, new Renew(POOL, self, epoch, leases(), List.copyOf(waiting.keySet())));
        }
      }

      List<Lease> leases() {
        List<Lease> leases = new ArrayList<>();
        held.values().forEach(grant -> leases.add(new Lease(grant.id(), grant.replica())));
        return leases;
      }

      void receive(Message message) {
        if (message instanceof Grant grant) {
          onGrant(grant);
        } else if (message instanceof Refusal refusal) {
          if (waiting.remove(refusal.id()) != null) {
            refused++;
          }
        } else if (message instanceof NotOwner not) {
          at(
              50,
              () -> {
                if (waiting.containsKey(not.id())) {
                  askAgain(not.id());
                }
              });
        } else if (message instanceof Census census) {
          long before = epoch;
          epoch = Math.max(epoch, census.epoch());
          if (epoch > before) {
            waiting.keySet().forEach(this::askAgain);
          }
          toOwner(
              census.owner().node(),
              new CensusAnswer(POOL, census.epoch(), self, before, leases()));
        } else if (message instanceof RenewAnswer answer) {
          epoch = Math.max(epoch, answer.epoch());
          answer.unknownWaiting().stream().filter(waiting::containsKey).forEach(this::askAgain);
        }
      }

      void onGrant(Grant grant) {
        if (grant.epoch() < epoch) {
          return;
        }
        epoch = grant.epoch();
        if (waiting.remove(grant.id()) != null) {
          held.put(grant.id(), grant);
          countRunning();
          at(50 + random.nextInt(400), () -> finish(grant));
          return;
        }
        Grant mine = held.get(grant.id());
        if (mine == null || !mine.replica().equals(grant.replica())) {
          toOwner(owner, release(grant));
        }
      }

      void finish(Grant grant) {
        held.remove(grant.id());
        served++;
        toOwner(owner, release(grant));
      }
    }
  }

  private static void askMany(Sim sim, int count, long overMillis) {
    List<Sim.Holder> holders = List.copyOf(sim.holders.values());
    for (int i = 0; i < count; i++) {
      String id = "q" + i;
      Sim.Holder holder = holders.get(i % holders.size());
      sim.at(sim.random.nextInt((int) overMillis), () -> holder.ask(id));
    }
  }

  private static List<NodeId> byOwnership(Sim sim) {
    List<NodeId> both = List.copyOf(sim.owners.keySet());
    NodeId first = sim.cluster(both).ownerOf(POOL).orElseThrow();
    return both.get(0).equals(first) ? both : List.of(both.get(1), both.get(0));
  }

  private static Sim ownerDies(long seed, double loss) {
    return ownerDies(new Sim(seed, loss));
  }

  /** Kills the owner with a full queue; the members notice a little apart from each other. */
  private static Sim ownerDies(Sim sim) {
    List<NodeId> owners = byOwnership(sim);
    sim.showAll(sim.cluster(owners));
    sim.run(500);
    askMany(sim, 200, 1_000);
    sim.at(
        1_200,
        () -> {
          sim.owners.remove(owners.get(0));
          View after = sim.cluster(List.of(owners.get(1)));
          List<NodeId> members = new ArrayList<>(sim.holders.keySet());
          members.add(owners.get(1));
          members.forEach(
              id -> sim.at(sim.noticeMillis + sim.random.nextInt(200), () -> sim.show(id, after)));
        });
    sim.run(60_000);
    sim.lossy = false;
    sim.run(200_000);
    return sim;
  }

  @Property(tries = 40)
  void everyRequestSurvivesItsOwnerAndNoLimitIsPassed(@ForAll long seed) {
    Sim sim = ownerDies(seed, 0);
    assertThat(sim.served).isEqualTo(200);
    assertThat(sim.refused).isZero();
    assertThat(sim.worst).isEqualTo(100);
    assertSettled(sim);
  }

  @Property(tries = 40)
  void aCensusThatNobodyGotIsRepeatedBeforeAnythingIsGranted(@ForAll long seed) {
    Sim sim = new Sim(seed, 0);
    sim.noticeMillis = 0; // what the dead has granted still runs when a census would be over
    sim.at(1_150, () -> sim.holders.values().forEach(each -> sim.missNextCensus.add(each.self)));
    ownerDies(sim);
    assertThat(sim.missNextCensus).as("who has missed none").isEmpty();
    assertThat(sim.served).isEqualTo(200);
    assertThat(sim.worst).isEqualTo(100);
    assertSettled(sim);
  }

  @Property(tries = 40)
  void everyRequestSurvivesItsOwnerWithMessagesLost(@ForAll long seed) {
    Sim sim = ownerDies(seed, 0.05);
    assertThat(sim.served + sim.refused).isEqualTo(200);
    assertThat(sim.worst).isBetween(100, 200);
    assertSettled(sim);
  }

  @Property(tries = 40)
  void twoThatBothOwnPassALimitAtMostTwofoldAndThenAgree(@ForAll long seed) {
    Sim sim = new Sim(seed, 0.02);
    List<NodeId> owners = byOwnership(sim);
    View one = sim.cluster(List.of(owners.get(0)));
    View other = sim.cluster(List.of(owners.get(1)));
    sim.showAll(one);
    sim.run(500);
    askMany(sim, 200, 3_000);
    List<NodeId> loops = List.copyOf(sim.holders.keySet());
    sim.at(
        800,
        () -> {
          sim.show(owners.get(1), other);
          sim.show(loops.get(2), other);
        });
    sim.at(4_000, () -> sim.showAll(sim.cluster(owners)));
    sim.run(60_000);
    sim.lossy = false;
    sim.run(200_000);
    assertThat(sim.served + sim.refused).isEqualTo(200);
    assertThat(sim.worst).isLessThanOrEqualTo(200);
    assertThat(owner(sim, 0).tenure()).isEqualTo(PoolOwner.Tenure.SERVING);
    assertThat(owner(sim, 1).tenure()).isEqualTo(PoolOwner.Tenure.AWAY);
    assertSettled(sim);
  }

  /** Starts the owner afresh in its place, three times, after it was away for some milliseconds. */
  private static Sim ownerBeginsAnew(long seed, double loss) {
    Sim sim = new Sim(seed, loss);
    List<NodeId> owners = byOwnership(sim);
    View view = sim.cluster(owners);
    NodeId owner = owners.get(0);
    sim.showAll(view);
    sim.run(500);
    askMany(sim, 200, 1_000);
    for (int again = 0; again < 3; again++) {
      sim.at(700 + 400 * again, () -> sim.owners.remove(owner));
      sim.at(
          700 + 400 * again + sim.random.nextInt(30),
          () -> {
            sim.begin(owner);
            sim.show(owner, view);
          });
    }
    sim.run(60_000);
    sim.lossy = false;
    sim.run(200_000);
    return sim;
  }

  @Property(tries = 40)
  void anOwnerThatBeginsAnewInItsPlaceLosesAndDoublesNothing(@ForAll long seed) {
    Sim sim = ownerBeginsAnew(seed, 0);
    assertThat(sim.served).isEqualTo(200);
    assertThat(sim.refused).isZero();
    assertThat(sim.worst).isEqualTo(100);
    assertSettled(sim);
  }

  @Property(tries = 40)
  void neitherWithMessagesLost(@ForAll long seed) {
    Sim sim = ownerBeginsAnew(seed, 0.05);
    assertThat(sim.served + sim.refused).isEqualTo(200);
    assertThat(sim.worst).isBetween(100, 200);
    assertSettled(sim);
  }

  @Test
  void aNodeThatJoinsTakesOverWithoutAPause() {
    Sim sim = new Sim(1, 0);
    List<NodeId> owners = byOwnership(sim);
    sim.showAll(sim.cluster(List.of(owners.get(1))));
    sim.run(500);
    askMany(sim, 100, 500);
    sim.at(600, () -> sim.showAll(sim.cluster(owners)));
    sim.run(1_150);
    // One round trip of the census later it serves.
    assertThat(owner(sim, 0).tenure()).isEqualTo(PoolOwner.Tenure.SERVING);
    sim.run(60_000);
    assertThat(sim.served).isEqualTo(100);
    assertThat(sim.worst).isEqualTo(100);
    assertSettled(sim);
  }

  private static PoolOwner owner(Sim sim, int place) {
    return java.util.Objects.requireNonNull(sim.owners.get(byOwnership(sim).get(place)));
  }

  private static void assertSettled(Sim sim) {
    assertThat(sim.violations).isEmpty();
    for (Sim.Holder holder : sim.holders.values()) {
      assertThat(holder.waiting).isEmpty();
      assertThat(holder.held).isEmpty();
    }
    for (PoolOwner owner : sim.owners.values()) {
      assertThat(owner.busy()).as("ledger and queue are empty").isFalse();
    }
  }
}
