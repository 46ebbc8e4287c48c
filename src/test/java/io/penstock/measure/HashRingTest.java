package io.penstock.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class HashRingTest {
  private static HashRing<String> ring(List<String> members) {
    return HashRing.of(members, 160, name -> name, name -> 1);
  }

  private static List<String> members(int count) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      names.add("m" + i);
    }
    return names;
  }

  @Property(tries = 50)
  void aMemberThatLeavesMovesOnlyItsOwnKeys(
      @ForAll @IntRange(min = 2, max = 20) int count, @ForAll long seed) {
    List<String> all = members(count);
    String lost = all.get((int) Math.floorMod(seed, (long) count));
    List<String> rest = new ArrayList<>(all);
    rest.remove(lost);
    HashRing<String> before = ring(all);
    HashRing<String> after = ring(rest);
    for (int i = 0; i < 200; i++) {
      long key = Hash64.mix(seed + i);
      String was = before.firstFrom(key, name -> true);
      String is = after.firstFrom(key, name -> true);
      if (!lost.equals(was)) {
        assertThat(is).isEqualTo(was);
      } else {
        assertThat(before.firstFrom(key, name -> !name.equals(lost))).isEqualTo(is);
      }
    }
  }

  @Test
  void sharesFollowWeights() {
    Map<String, Double> weights = Map.of("a", 1.0, "b", 1.0, "c", 2.0);
    HashRing<String> ring = HashRing.of(List.of("a", "b", "c"), 160, name -> name, weights::get);
    Map<String, Integer> hits = new HashMap<>();
    for (int i = 0; i < 20_000; i++) {
      hits.merge(ring.firstFrom(Hash64.mix(i), name -> true), 1, Integer::sum);
    }
    assertThat(hits.getOrDefault("c", 0) / 20_000.0).isBetween(0.40, 0.60);
    assertThat(hits.getOrDefault("a", 0) / 20_000.0).isBetween(0.18, 0.32);
  }

  @Test
  void hasNobodyWhereNobodyPasses() {
    assertThat(ring(members(3)).firstFrom(7, name -> false)).isNull();
    assertThat(ring(List.of()).firstFrom(7, name -> true)).isNull();
  }

  @Test
  void pointsOfAMemberAreBounded() {
    HashRing<String> ring = HashRing.of(List.of("a", "b"), 160, name -> name, name -> 1e9);
    assertThat(ring.firstFrom(1, "a"::equals)).isEqualTo("a");
  }
}
