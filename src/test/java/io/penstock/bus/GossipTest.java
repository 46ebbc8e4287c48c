package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.fake.FakeBus;
import io.penstock.fake.FakeDirectory;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import io.penstock.message.BookDigest;
import io.penstock.message.DrainKind;
import io.penstock.message.DrainMark;
import io.penstock.message.DrainMarks;
import io.penstock.message.Room;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class GossipTest {
  private static Book<DrainMark> book() {
    return new Book<>(100_000, Comparator.comparing(DrainMark::draining));
  }

  private static DrainMark mark(String name, long stamp) {
    return new DrainMark(DrainKind.REPLICA, name, true, stamp, new NodeId("n"));
  }

  @Property(tries = 200)
  void equalBooksHaveEqualDigestsWhateverTheirWay(@ForAll long seed) {
    Random random = new Random(seed);
    List<DrainMark> marks = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      marks.add(mark("t" + random.nextInt(60), random.nextInt(1_000)));
    }
    Book<DrainMark> a = book();
    a.merge(marks);
    java.util.Collections.shuffle(marks, random);
    Book<DrainMark> b = new Book<>(100_000, Comparator.comparing(DrainMark::draining));
    b.merge(marks);
    assertThat(b.digest()).isEqualTo(a.digest());
    assertThat(a.lacking(b.digest())).isEmpty();

    a.take(mark("t0", 5_000));
    List<DrainMark> lacking = a.lacking(b.digest());
    assertThat(lacking).contains(mark("t0", 5_000));
    assertThat(lacking.size()).as("only one part of 32").isLessThan(20);
    b.merge(lacking);
    assertThat(b.marks()).isEqualTo(a.marks());
  }

  @Test
  void aFarFullerBookIsToldInChunksToTheAskerAlone() {
    FakeBus bus = new FakeBus(new NodeId("b"));
    FakeDirectory directory =
        new FakeDirectory(
            FakeDirectory.of(
                FakeDirectory.node("a", Role.BATCHER), FakeDirectory.node("b", Role.BATCHER)));
    Book<DrainMark> full = book();
    IntStream.range(0, 1_000).forEach(i -> full.take(mark("t" + i, i)));
    List<DrainMark> heard = new ArrayList<>();
    bus.peer(new NodeId("a"))
        .consume(Room.DRAIN, 0, message -> heard.addAll(((DrainMarks) message).marks()));
    Gossip<DrainMark> gossip =
        new Gossip<>(
            bus, directory, Room.DRAIN, () -> full, marks -> new DrainMarks(bus.self(), marks));

    gossip.heard(new BookDigest(new NodeId("a"), book().digest()));

    assertThat(heard).containsExactlyInAnyOrderElementsOf(full.marks());
    assertThat(bus.sent(DrainMarks.class)).hasSize(4);
    assertThat(bus.published(Room.DRAIN)).isEmpty();
    gossip.heard(new BookDigest(new NodeId("a"), full.digest()));
    assertThat(bus.sent(DrainMarks.class)).as("nothing is lacking").hasSize(4);
  }

  @Test
  void oneDigestIsAnsweredByTwoOfManyNodes() {
    List<View.Node> nodes =
        IntStream.range(0, 9).mapToObj(i -> FakeDirectory.node("n" + i, Role.BATCHER)).toList();
    FakeDirectory directory = new FakeDirectory(new View(nodes));
    FakeBus network = new FakeBus(new NodeId("n0"));
    for (View.Node each : nodes) {
      Book<DrainMark> book = book();
      book.take(mark("x", 1));
      FakeBus bus = network.peer(each.id());
      new Gossip<>(
              bus, directory, Room.DRAIN, () -> book, marks -> new DrainMarks(bus.self(), marks))
          .heard(new BookDigest(new NodeId("n7"), book().digest()));
    }

    assertThat(network.sent(DrainMarks.class))
        .extracting(told -> told.from().value())
        .containsExactlyInAnyOrder("n8", "n0");
  }
}
