package io.penstock.batcher;

import static io.penstock.batcher.Samples.INGRESS;
import static io.penstock.batcher.Samples.pool;
import static io.penstock.batcher.Samples.release;
import static io.penstock.batcher.Samples.replicas;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.AdmissionDecision.Granted;
import io.penstock.batcher.Samples.Ask;
import io.penstock.inference.Priority;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.TenantId;
import io.penstock.message.Admit;
import io.penstock.message.Grant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class JointPlacingTest {
  private record Seen(Replica replica, long sinceMillis) {}

  @Property(tries = 200)
  void whoComesWithinTheWindowGoesToTheSameWhileItIsThere(@ForAll long seed) {
    Random random = new Random(seed);
    Roster roster = Samples.followed(replicas(9, 9, 9, 9));
    JointPlacing placing = new JointPlacing();
    Map<Long, Seen> model = new HashMap<>();
    int sessions = 1 + random.nextInt(4_000);
    long now = 1_000;
    for (int i = 0; i < 3_000; i++) {
      now += random.nextInt(20) == 0 ? random.nextInt(12) : 0;
      long session = random.nextInt(sessions);
      List<Replica> open = new ArrayList<>();
      roster.all().forEach(each -> open.add(each));
      while (open.size() > 1 && random.nextBoolean()) {
        open.remove(random.nextInt(open.size()));
      }
      List<Replica> left = new ArrayList<>(open);
      placing.follow(session, left, now);
      Seen before = model.get(session);
      if (before != null && now - before.sinceMillis() >= JointPlacing.WINDOW_MILLIS) {
        before = null;
      }
      assertThat(open).containsAll(left);
      assertThat(left).isNotEmpty();
      if (left.size() < open.size()) {
        assertThat(before).isNotNull();
        assertThat(left).isEqualTo(before == null ? List.of() : List.of(before.replica()));
      } else if (before != null && open.contains(before.replica()) && open.size() > 1) {
        assertThat(sessions).as("forgotten only where they are too many").isGreaterThan(1_024);
      }
      Replica picked = left.get(random.nextInt(left.size()));
      placing.placed(session, picked, now);
      model.put(session, new Seen(picked, before == null ? now : before.sinceMillis()));
      assertThat(placing.sessions()).isLessThanOrEqualTo(JointPlacing.SESSIONS_MAX);
    }
  }

  private static Admit ask(int number, long session) {
    return new Ask(
            "q" + number,
            INGRESS,
            new TenantId("t"),
            1,
            Priority.DEFAULT,
            1,
            100,
            0,
            1_000,
            session,
            Set.of(),
            Set.of(),
            1_000_000,
            0)
        .admit();
  }

  private static List<Grant> grants(List<AdmissionDecision> decisions) {
    return decisions.stream()
        .filter(Granted.class::isInstance)
        .map(each -> ((Granted) each).grant())
        .toList();
  }

  /** Two replicas of two slots are full; sessions wait one after the other, then all come free. */
  private static Map<Long, Set<ReplicaId>> placed(int waiting) {
    var pool = pool(replicas(2, 2));
    Admission admission =
        new Admission(
            pool, new Roster(pool, false), Strategy.of(pool.routingStrategy(), () -> 0.5), 7);
    admission.open(0);
    List<Grant> live = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      live.addAll(grants(admission.offer(ask(i, 99), 0)));
    }
    Map<String, Long> sessions = new HashMap<>();
    for (int i = 0; i < waiting; i++) {
      sessions.put("q" + (10 + i), i / 2L);
      assertThat(grants(admission.offer(ask(10 + i, i / 2L), 10))).isEmpty();
    }
    Map<Long, Set<ReplicaId>> where = new HashMap<>();
    admission.hold(8);
    for (Grant each : live) {
      admission.release(release(each), 20);
    }
    for (Grant each : grants(admission.open(20))) {
      where
          .computeIfAbsent(sessions.get(each.id().value()), session -> new HashSet<>())
          .add(each.replica());
    }
    return where;
  }

  @Test
  void whileManyWaitABurstOfASessionGoesToOneReplica() {
    Map<Long, Set<ReplicaId>> where = placed(12);
    assertThat(where).hasSize(2);
    where.values().forEach(each -> assertThat(each).hasSize(1));
    assertThat(new HashSet<>(where.values())).as("and the next to the other").hasSize(2);
  }

  @Test
  void whereSlotsStayFreeLoadIsSpread() {
    assertThat(placed(2).get(0L)).hasSize(2);
  }
}
