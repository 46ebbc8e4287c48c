package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.message.DrainKind;
import io.penstock.message.DrainMark;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class DrainBookTest {
  private static final NodeId A = new NodeId("a");
  private static final NodeId B = new NodeId("b");

  @Test
  void theLaterWordHoldsWhateverTheClocksSay() {
    DrainBook book = new DrainBook();
    book.mark(DrainKind.REPLICA, "r0", true, A, 5_000);
    assertThat(book.state().replicas()).containsExactly(new ReplicaId("r0"));

    book.mark(DrainKind.REPLICA, "r0", false, B, 1_000); // b's clock is four seconds behind
    assertThat(book.state().replicas()).isEmpty();
    assertThat(book.marks()).hasSize(1);
  }

  @Test
  void anOldMessageDoesNotBeginAnEndedDrainAgain() {
    DrainBook book = new DrainBook();
    book.mark(DrainKind.POOL, "llama", true, A, 1_000);
    List<DrainMark> old = book.marks();
    book.mark(DrainKind.POOL, "llama", false, A, 2_000);

    assertThat(book.merge(old)).isFalse();
    assertThat(book.state()).isEqualTo(DrainState.NONE);
  }

  @Test
  void aReplicaAndAPoolOfOneNameAreTwoTargets() {
    DrainBook book = new DrainBook();
    book.mark(DrainKind.POOL, "x", true, A, 1_000);
    book.mark(DrainKind.REPLICA, "x", true, A, 1_000);
    book.mark(DrainKind.REPLICA, "x", false, A, 1_000);

    assertThat(book.state()).isEqualTo(new DrainState(Set.of(), Set.of(new PoolName("x"))));
  }

  @Test
  void forgetsTheOldestBeyondItsBound() {
    DrainBook book = new DrainBook();
    for (int i = 0; i <= DrainBook.MARKS_MAX; i++) {
      book.mark(DrainKind.REPLICA, "r" + i, true, A, i);
    }

    assertThat(book.marks()).hasSize(DrainBook.MARKS_MAX);
    assertThat(book.state().replicas())
        .doesNotContain(new ReplicaId("r0"))
        .contains(new ReplicaId("r1"), new ReplicaId("r" + DrainBook.MARKS_MAX));
  }

  /**
   * Nodes with clocks of their own give orders; messages between them come in any order, twice, or
   * never. After one exchange of everything all books are equal, and each target's mark is the
   * highest that was ever given among those that the bound keeps.
   */
  @Property(tries = 500)
  void allBooksAgreeAfterOneFullExchange(
      @ForAll long seed, @ForAll @IntRange(min = 2, max = 6) int marksMax) {
    Random random = new Random(seed);
    int nodes = 2 + random.nextInt(3);
    List<DrainBook> books = new ArrayList<>();
    List<List<DrainMark>> underWay = new ArrayList<>();
    for (int i = 0; i < nodes; i++) {
      books.add(new DrainBook(marksMax));
    }
    for (int step = 0; step < 40; step++) {
      int node = random.nextInt(nodes);
      if (random.nextBoolean()) {
        DrainKind kind = random.nextBoolean() ? DrainKind.POOL : DrainKind.REPLICA;
        String name = "t" + random.nextInt(5);
        long skewed = step * 10L + random.nextInt(200);
        books.get(node).mark(kind, name, random.nextBoolean(), new NodeId("n" + node), skewed);
        underWay.add(books.get(node).marks());
      } else if (!underWay.isEmpty()) { // late, doubled, or never taken at all
        books.get(node).merge(underWay.get(random.nextInt(underWay.size())));
      }
    }
    List<List<DrainMark>> all = books.stream().map(DrainBook::marks).toList();
    for (DrainBook each : books) {
      List<List<DrainMark>> shuffled = new ArrayList<>(all);
      java.util.Collections.shuffle(shuffled, random);
      shuffled.forEach(each::merge);
    }
    for (DrainBook each : books) {
      assertThat(each.marks()).as("seed %d", seed).isEqualTo(books.get(0).marks());
      assertThat(each.marks()).hasSizeLessThanOrEqualTo(marksMax);
    }
  }
}
