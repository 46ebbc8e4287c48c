package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.AdmissionDecision.Granted;
import io.penstock.batcher.AdmissionDecision.Refused;
import io.penstock.batcher.Samples.Ask;
import io.penstock.fault.Fault;
import io.penstock.inference.Pool;
import io.penstock.inference.Priority;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.RequestId;
import io.penstock.inference.RoutingStrategy;
import io.penstock.inference.TenantId;
import io.penstock.message.Admit;
import io.penstock.message.Grant;
import io.penstock.message.Refusal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** Who makes room for whom in a full queue, against books that are kept the slow way. */
class CrowdPropertyTest {
  private static final double EPSILON = 1e-6;

  /** A pool with one slot, and all that its users know of its queue, in order of arrival. */
  private static final class World {
    final Random random;
    final int maxRequests;
    final long maxBytes;
    final List<TenantId> tenants = new ArrayList<>();
    final Map<TenantId, Double> weights = new LinkedHashMap<>();
    final Map<RequestId, Admit> waiting = new LinkedHashMap<>();
    final Set<RequestId> over = new HashSet<>();
    final Admission admission;
    Grant live;
    int asked;
    int pushedOut;
    int turnedAway;
    long now;

    World(long seed) {
      random = new Random(seed);
      maxRequests = 3 + random.nextInt(12);
      maxBytes = 5_000 + random.nextInt(20_000);
      int count = 2 + random.nextInt(5);
      for (int i = 0; i < count; i++) {
        tenants.add(new TenantId("t" + i));
        weights.put(tenants.get(i), random.nextInt(5) == 0 ? 0.01 : 1.0 + random.nextInt(4));
      }
      Duration wait = Duration.ofHours(9);
      Pool pool =
          Samples.pool(
              Samples.replicas(1),
              RoutingStrategy.LEAST_LOADED,
              new QueueLimits(maxRequests, maxBytes, wait, wait, wait));
      admission = new Admission(pool, new Roster(pool, false), new LeastLoaded(), 1);
      admission.open(0);
      live = ((Granted) admission.offer(ask().admit(), 0).get(0)).grant();
      over.add(live.id());
    }

    Ask ask() {
      TenantId tenant = tenants.get(random.nextInt(2) * random.nextInt(tenants.size()));
      return Ask.of("q" + asked++)
          .by(tenant, weight(tenant))
          .of(Priority.values()[random.nextInt(3)])
          .attempt(random.nextInt(8) == 0 ? 2 : 1)
          .waiting(Duration.ofHours(9).toMillis())
          .bytes(random.nextInt(6) == 0 ? random.nextInt(4_000) : random.nextInt(900));
    }

    double weight(TenantId tenant) {
      return Objects.requireNonNull(weights.get(tenant));
    }

    void step() {
      now++;
      int what = random.nextInt(20);
      if (what < 15) {
        offer(ask().admit());
      } else if (what < 18 && !waiting.isEmpty()) {
        RequestId id = List.copyOf(waiting.keySet()).get(random.nextInt(waiting.size()));
        admission.withdraw(id);
        ended(id);
      } else {
        for (AdmissionDecision each : admission.release(Samples.release(live), now)) {
          live = ((Granted) each).grant();
          ended(live.id());
        }
        if (waiting.isEmpty() && admission.live() == 0) {
          live = ((Granted) admission.offer(ask().admit(), now).get(0)).grant();
          over.add(live.id());
        }
      }
      check();
    }

    private void ended(RequestId id) {
      assertThat(waiting.remove(id)).as("%s ends while it waits", id).isNotNull();
      assertThat(over.add(id)).as("%s ends once", id).isTrue();
    }

    void check() {
      assertThat(admission.queue().all().stream().map(each -> each.admit.id()))
          .containsExactlyInAnyOrderElementsOf(waiting.keySet());
      assertThat(admission.queue().bytes())
          .isEqualTo(bytes(any -> true))
          .isLessThanOrEqualTo(maxBytes);
      for (Priority each : Priority.values()) {
        assertThat(count(of(each))).isLessThanOrEqualTo(maxRequests + 1);
      }
      assertThat(admission.queue().crowd().size()).isEqualTo(present(any -> true).size());
    }

    private static Predicate<Admit> of(Priority priority) {
      return each -> each.priority() == priority;
    }

    private static Predicate<Admit> ofOrBelow(Priority priority) {
      return each -> each.priority().compareTo(priority) >= 0;
    }

    private static Predicate<Admit> by(TenantId tenant) {
      return each -> each.tenant().equals(tenant);
    }

    private long count(Predicate<Admit> which) {
      return waiting.values().stream().filter(which).count();
    }

    private long bytes(Predicate<Admit> which) {
      return waiting.values().stream().filter(which).mapToLong(Admit::bodyBytes).sum();
    }

    private Set<TenantId> present(Predicate<Admit> which) {
      Set<TenantId> all = new HashSet<>();
      waiting.values().stream().filter(which).forEach(each -> all.add(each.tenant()));
      return all;
    }

    private double weights(Set<TenantId> of) {
      return of.stream().mapToDouble(this::weight).sum();
    }

    /** Places that a tenant may have of a class by its weight, beside those who wait there. */
    private double placesOf(TenantId tenant, Admit newcomer) {
      Set<TenantId> all = present(of(newcomer.priority()));
      all.add(newcomer.tenant());
      int max = maxRequests + (newcomer.attempt() > 1 ? 1 : 0);
      return Math.max(1, 1 + (max - all.size()) * weight(tenant) / weights(all));
    }

    /** Bytes that a tenant may have in a newcomer's class and below, by its weight. */
    private double bytesOf(TenantId tenant, Admit newcomer) {
      Predicate<Admit> which = ofOrBelow(newcomer.priority());
      Set<TenantId> all = present(which.and(each -> each.bodyBytes() > 0));
      all.add(newcomer.tenant());
      return (maxBytes - bytes(which.negate())) * weight(tenant) / weights(all);
    }

    void offer(Admit admit) {
      boolean isClassFull =
          count(of(admit.priority())) >= maxRequests + (admit.attempt() > 1 ? 1 : 0);
      boolean mustBeLetIn = hasPlace(admit, isClassFull) && hasBytes(admit);
      waiting.put(admit.id(), admit);
      boolean first = true;
      for (AdmissionDecision each : admission.offer(admit, now)) {
        Refusal refusal = ((Refused) each).refusal();
        assertThat(refusal.fault()).isEqualTo(Fault.QUEUE_FULL);
        assertThat(refusal.retryAfterMillis()).isBetween(1_000L, 60_000L);
        if (refusal.id().equals(admit.id())) {
          turnedAway++;
          assertThat(mustBeLetIn).as("%s is within its share, %s", admit, waiting).isFalse();
          assertThat(first).as("nobody made room for nothing").isTrue();
        } else {
          pushedOut++;
          checkPushedOut(
              Objects.requireNonNull(waiting.get(refusal.id())), admit, first && isClassFull);
        }
        ended(refusal.id());
        first = false;
      }
    }

    private boolean hasPlace(Admit admit, boolean isClassFull) {
      if (!isClassFull) {
        return true;
      }
      Predicate<Admit> there = of(admit.priority());
      return count(there.and(by(admit.tenant()))) + 1 <= placesOf(admit.tenant(), admit) - EPSILON
          && present(there).stream()
              .anyMatch(other -> count(there.and(by(other))) > placesOf(other, admit) + EPSILON);
    }

    private boolean hasBytes(Admit admit) {
      Predicate<Admit> there = ofOrBelow(admit.priority()).and(by(admit.tenant()));
      return bytes(any -> true) + admit.bodyBytes() <= maxBytes
          || bytes(there) + admit.bodyBytes() <= bytesOf(admit.tenant(), admit) - EPSILON;
    }

    private void checkPushedOut(Admit out, Admit by, boolean forPlace) {
      waiting.remove(by.id()); // it is not there yet
      assertThat(out.tenant()).as("makes room for another").isNotEqualTo(by.tenant());
      assertThat(out.priority()).as("no higher class").isGreaterThanOrEqualTo(by.priority());
      Predicate<Admit> theirs = by(out.tenant());
      Predicate<Admit> within = forPlace ? of(by.priority()) : ofOrBelow(by.priority());
      if (forPlace) {
        assertThat((double) count(theirs.and(within)))
            .as("places of %s", out.tenant())
            .isGreaterThan(placesOf(out.tenant(), by) - EPSILON);
      } else {
        assertThat((double) bytes(theirs.and(within)))
            .as("bytes of %s", out.tenant())
            .isGreaterThan(bytesOf(out.tenant(), by) - EPSILON);
      }
      Admit last = out;
      for (Admit each : waiting.values()) { // in the order of arrival
        if (theirs.and(within).test(each) && comesBefore(each, last)) {
          last = each;
        }
      }
      assertThat(out).as("lowest class, first tries, newest").isEqualTo(last);
      waiting.put(by.id(), by);
    }

    private boolean comesBefore(Admit each, Admit last) {
      int byClass = each.priority().compareTo(last.priority());
      boolean eachRetry = each.attempt() > 1;
      boolean lastRetry = last.attempt() > 1;
      if (byClass != 0 || eachRetry != lastRetry) {
        return byClass > 0 || (byClass == 0 && !eachRetry);
      }
      List<RequestId> order = List.copyOf(waiting.keySet());
      return order.indexOf(each.id()) > order.indexOf(last.id());
    }
  }

  @Property(tries = 400)
  void whoIsWithinItsShareComesInAndWhoIsAboveMakesRoom(@ForAll long seed) {
    World world = new World(seed);
    for (int i = 0; i < 250; i++) {
      world.step();
    }
    assertThat(world.over).hasSize(world.asked - world.waiting.size());
  }

  /** The property above would hold for nobody who is ever pushed out, or turned away. */
  @Test
  void bothHappen() {
    int pushedOut = 0;
    int turnedAway = 0;
    for (int seed = 0; seed < 20; seed++) {
      World world = new World(seed);
      for (int i = 0; i < 250; i++) {
        world.step();
      }
      pushedOut += world.pushedOut;
      turnedAway += world.turnedAway;
    }
    assertThat(pushedOut).isGreaterThan(200);
    assertThat(turnedAway).isGreaterThan(200);
  }

  private static Admission full(int maxRequests, long maxBytes) {
    Duration wait = Duration.ofSeconds(30);
    Pool pool =
        Samples.pool(
            Samples.replicas(1),
            RoutingStrategy.LEAST_LOADED,
            new QueueLimits(maxRequests, maxBytes, wait, wait, wait));
    Admission admission = new Admission(pool, new Roster(pool, false), new LeastLoaded(), 1);
    admission.open(0);
    admission.offer(Ask.of("live").admit(), 0);
    return admission;
  }

  private static List<String> refused(List<AdmissionDecision> decisions) {
    return decisions.stream().map(each -> ((Refused) each).refusal().id().value()).toList();
  }

  /** As it was before: whoever came after the bytes were gone got 429, whoever had them. */
  @Test
  void whoFillsTheBytesLocksNobodyOut() {
    Admission admission = full(1_000, 100_000);
    for (int i = 0; i < 100; i++) {
      Ask ask = Ask.of("n" + i).by("noisy").bytes(1_000);
      assertThat(admission.offer(ask.of(i < 50 ? Priority.INTERACTIVE : Priority.BULK).admit(), i))
          .isEmpty();
    }
    assertThat(refused(admission.offer(Ask.of("n").by("noisy").bytes(1_000).admit(), 100)))
        .containsExactly("n");
    assertThat(refused(admission.offer(Ask.of("q0").by("quiet").bytes(2_500).admit(), 100)))
        .containsExactly("n99", "n98", "n97");
    assertThat(
            refused(
                admission.offer(
                    Ask.of("q1").by("other").of(Priority.BULK).bytes(1_000).admit(), 100)))
        .as("500 are free, and one makes room")
        .containsExactly("n96");
    assertThat(
            refused(
                admission.offer(
                    Ask.of("q2").by("third").of(Priority.INTERACTIVE).bytes(500).admit(), 100)))
        .as("500 are left")
        .isEmpty();
  }

  /** Above its share a newcomer must still have less than the one who gives, byte for byte. */
  @Test
  void whoGivesStillHasMoreThanWhoIsAboveItsShare() {
    for (int bytes : new int[] {44, 45}) {
      Admission admission = full(1_000, 100);
      for (int i = 0; i < 80; i++) {
        admission.offer(Ask.of("n" + i).by("noisy").bytes(1).admit(), i);
      }
      admission.offer(Ask.of("o").by("other").bytes(10).admit(), 90);
      List<String> out = refused(admission.offer(Ask.of("b").by("big").bytes(bytes).admit(), 100));
      if (bytes == 44) {
        assertThat(out).as("34 of 80 are lacking, and 46 stay").hasSize(34).doesNotContain("b");
      } else {
        assertThat(out).as("35 are lacking: 45 and 45").containsExactly("b");
      }
    }
  }

  /** A byte more or less is not worth what weights say that it is. */
  @Test
  void whoGivesAllHasNotMoreWhateverTheWeights() {
    Admission admission = full(1_000, 1_000);
    admission.offer(Ask.of("l").by(new TenantId("light"), 0.001).bytes(100).admit(), 0);
    admission.offer(Ask.of("h").by(new TenantId("heavy"), 1_000).bytes(900).admit(), 1);
    Ask big = Ask.of("b").by(new TenantId("big"), 1).bytes(100);
    assertThat(refused(admission.offer(big.admit(), 2))).containsExactly("b");
  }

  /** Bulk never pushes out who waits at a screen, whoever has how much. */
  @Test
  void noClassPushesOutAHigherOne() {
    Admission admission = full(1_000, 10_000);
    for (int i = 0; i < 10; i++) {
      Ask ask = Ask.of("n" + i).by("noisy").of(Priority.INTERACTIVE).bytes(1_000);
      assertThat(admission.offer(ask.admit(), i)).isEmpty();
    }
    Ask bulk = Ask.of("b").by("quiet").of(Priority.BULK).bytes(1_000);
    assertThat(refused(admission.offer(bulk.admit(), 10))).containsExactly("b");
    Ask live = Ask.of("i").by("quiet").of(Priority.INTERACTIVE).bytes(1_000);
    assertThat(refused(admission.offer(live.admit(), 10))).containsExactly("n9");
  }

  /** One of little weight beside one of much has its first place all the same. */
  @Test
  void everybodyHasAPlace() {
    Admission admission = full(4, 1 << 30);
    for (int i = 0; i < 4; i++) {
      admission.offer(Ask.of("n" + i).by(new TenantId("heavy"), 1_000).admit(), i);
    }
    Ask light = Ask.of("l0").by(new TenantId("light"), 0.001);
    assertThat(refused(admission.offer(light.admit(), 5))).containsExactly("n3");
    Ask more = Ask.of("l1").by(new TenantId("light"), 0.001);
    assertThat(refused(admission.offer(more.admit(), 5))).containsExactly("l1");
  }
}
