package io.penstock.tenancy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class LayersTest {
  /** And those before are as they were. */
  @Property(tries = 100)
  void holdsWhatAMapWouldHold(@ForAll long seed) {
    Random random = new Random(seed);
    Map<Integer, Integer> expected = new HashMap<>();
    List<Layers<Integer, Integer>> all = new ArrayList<>(List.of(Layers.of(Map.of())));
    List<Map<Integer, Integer>> were = new ArrayList<>(List.of(Map.of()));
    for (int i = 0; i < 60; i++) {
      Map<Integer, Integer> changes = new HashMap<>();
      for (int many = random.nextInt(5); many > 0; many--) {
        changes.put(random.nextInt(50), i);
      }
      expected.putAll(changes);
      all.add(all.get(i).with(changes));
      were.add(Map.copyOf(expected));
    }
    for (int i = 0; i < all.size(); i++) {
      assertThat(all.get(i).all()).isEqualTo(were.get(i));
      for (int key = 0; key < 50; key++) {
        assertThat(all.get(i).get(key)).isEqualTo(were.get(i).get(key));
      }
    }
  }

  @Test
  void fewLayersHoldMany() {
    Layers<Integer, Integer> layers = Layers.of(Map.of());
    int deepest = 0;
    for (int i = 0; i < 20_000; i++) {
      layers = layers.with(Map.of(i, i));
      deepest = Math.max(deepest, layers.depth());
    }
    assertThat(layers.all()).hasSize(20_000);
    assertThat(deepest).isLessThanOrEqualTo(15);
  }
}
