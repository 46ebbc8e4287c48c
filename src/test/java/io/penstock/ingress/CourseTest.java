package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.NodeId;
import io.penstock.inference.RequestId;
import io.penstock.message.Batch;
import io.penstock.message.Room;
import io.penstock.message.Station;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class CourseTest {
  private static final Station AT = new Station(new NodeId("n"), Room.INGRESS, 0);

  private static RequestId id(int i) {
    return new RequestId("r" + i);
  }

  private static Course course(int lanes) {
    List<Batch.Lane> all = new ArrayList<>();
    for (int i = 0; i < lanes; i++) {
      all.add(new Batch.Lane(id(i), AT));
    }
    return new Course(all, 1_000);
  }

  @Test
  void theCallIsMadeWhenAllHaveComeOrLeft() {
    Course course = course(3);
    course.came(id(2));
    course.left(id(1));
    assertThat(course.isDue(1_000)).isFalse();
    assertThat(course.came(id(0))).isTrue();
    assertThat(course.isDue(1_000)).isTrue();
    course.begin();
    assertThat(course.isDue(9_000)).isFalse();
    assertThat(course.next()).containsExactly(id(0), id(2));
    assertThat(course.next()).isEmpty();
  }

  @Test
  void whoDoesNotComeInTimeIsLeftOut() {
    Course course = course(3);
    course.came(id(0));
    assertThat(course.isDue(1_000 + Course.GATHER_MILLIS - 1)).isFalse();
    assertThat(course.isDue(1_000 + Course.GATHER_MILLIS)).isTrue();
    course.begin();
    assertThat(course.came(id(1))).isFalse();
    assertThat(course.came(id(7))).isFalse();
    assertThat(course.next()).containsExactly(id(0));
    course.left(id(0));
    assertThat(course.isDeserted()).isTrue();
  }

  /** Whatever is poisoned and whoever leaves: each other lane is answered, in few calls. */
  @Property(tries = 500)
  void everyLaneIsInExactlyOneCallThatIsAnswered(@ForAll long seed) {
    Random random = new Random(seed);
    int lanes = 1 + random.nextInt(64);
    Set<RequestId> poisoned = new HashSet<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      poisoned.add(id(random.nextInt(lanes)));
    }
    Course course = course(lanes);
    for (int i = 0; i < lanes; i++) {
      course.came(id(i));
    }
    course.begin();
    Set<RequestId> answered = new HashSet<>();
    Set<RequestId> gone = new HashSet<>();
    int calls = 0;
    for (List<RequestId> call = course.next(); !call.isEmpty(); call = course.next()) {
      calls++;
      boolean refused = call.stream().anyMatch(poisoned::contains);
      if (refused && call.size() > 1) {
        course.refused(call);
        if (random.nextInt(8) == 0) {
          RequestId leaves = call.get(random.nextInt(call.size()));
          course.left(leaves);
          gone.add(leaves);
        }
      } else {
        assertThat(call).noneMatch(gone::contains);
        for (RequestId each : call) {
          assertThat(answered.add(each)).isTrue();
          course.left(each);
        }
      }
    }
    assertThat(answered.size() + gone.size()).isEqualTo(lanes);
    assertThat(course.isDeserted()).isTrue();
    assertThat(calls).isLessThanOrEqualTo(1 + 2 * poisoned.size() * 6);
  }
}
