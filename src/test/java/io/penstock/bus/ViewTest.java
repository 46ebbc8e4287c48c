package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.Role;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ViewTest {
  private static final List<PoolName> POOLS =
      IntStream.range(0, 1_000).mapToObj(i -> new PoolName("pool-" + i)).toList();

  @Test
  void nobodyOwnsAPoolWhereNobodyIsABatcher() {
    assertThat(new View(List.of()).ownerOf(POOLS.get(0))).isEmpty();
    assertThat(view(List.of(node("a", Set.of(Role.INGRESS)))).ownerOf(POOLS.get(0))).isEmpty();
  }

  @Property(tries = 100)
  void theOrderInWhichNodesCameDoesNotMatter(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 20) int size) {
    Random random = new Random(seed);
    List<View.Node> nodes = nodes(random, size);
    View one = view(nodes);
    Collections.shuffle(nodes, random);
    assertThat(view(nodes)).isEqualTo(one);
    POOLS.subList(0, 50).forEach(p -> assertThat(view(nodes).ownerOf(p)).isEqualTo(one.ownerOf(p)));
  }

  @Property(tries = 100)
  void aNodeThatComesOrGoesMovesOnlyItsOwnPools(
      @ForAll long seed, @ForAll @IntRange(min = 2, max = 20) int size) {
    List<View.Node> nodes = nodes(new Random(seed), size);
    NodeId one = nodes.get(0).id();
    View with = view(nodes);
    View without = view(nodes.subList(1, size));
    for (PoolName pool : POOLS) {
      NodeId owner = with.ownerOf(pool).orElseThrow();
      if (owner.equals(one)) {
        assertThat(without.ownerOf(pool)).isPresent().get().isNotEqualTo(one);
      } else {
        assertThat(without.ownerOf(pool)).contains(owner);
      }
    }
  }

  @Property(tries = 100)
  void aNodeThatGivesTheRoleUpOwnsNothingAndMovesNoOthersPools(
      @ForAll long seed, @ForAll @IntRange(min = 2, max = 10) int size) {
    List<View.Node> nodes = nodes(new Random(seed), size);
    NodeId drained = nodes.get(0).id();
    View before = view(nodes);
    nodes.set(0, node(drained.value(), Set.of(Role.INGRESS)));
    View after = view(nodes);
    for (PoolName pool : POOLS) {
      NodeId owner = before.ownerOf(pool).orElseThrow();
      assertThat(after.ownerOf(pool).orElseThrow()).isNotEqualTo(drained);
      if (!owner.equals(drained)) {
        assertThat(after.ownerOf(pool)).contains(owner);
      }
    }
  }

  /** 1,000 pools over n nodes: each count is binomial; six standard deviations either way. */
  @Property(tries = 100)
  void poolsAreSharedOutEvenly(@ForAll long seed, @ForAll @IntRange(min = 2, max = 10) int size) {
    View view = view(nodes(new Random(seed), size));
    Map<NodeId, Integer> counts = new HashMap<>();
    POOLS.forEach(p -> counts.merge(view.ownerOf(p).orElseThrow(), 1, Integer::sum));
    double share = 1.0 / size;
    double mean = POOLS.size() * share;
    double sixSigma = 6 * Math.sqrt(POOLS.size() * share * (1 - share));
    assertThat(counts).as("seed %d", seed).hasSize(size);
    assertThat(counts.values())
        .as("seed %d", seed)
        .allSatisfy(c -> assertThat((double) c).isBetween(mean - sixSigma, mean + sixSigma));
  }

  private static List<View.Node> nodes(Random random, int size) {
    List<View.Node> nodes = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      String id = new UUID(random.nextLong(), random.nextLong()).toString();
      nodes.add(node(id, Set.of(Role.BATCHER, Role.INGRESS)));
    }
    return nodes;
  }

  private static View view(List<View.Node> nodes) {
    return new View(nodes);
  }

  private static View.Node node(String id, Set<Role> roles) {
    return new View.Node(new NodeId(id), id, "", roles, 1, "f", false);
  }
}
