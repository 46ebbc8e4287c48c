package io.penstock.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpellingTest {
  private static final List<String> KEYS =
      Schemas.keys().map(SpellingTest::last).distinct().toList();

  private static String last(String path) {
    return path.substring(path.lastIndexOf('.') + 1);
  }

  @ParameterizedTest
  @CsvSource({"'',abc,3", "abc,abc,0", "abc,acb,1", "abc,ab,1", "abc,xbc,1", "ca,abc,3", "ab,ba,1"})
  void countsEdits(String a, String b, int edits) {
    assertThat(Spelling.distance(a, b)).isEqualTo(edits);
    assertThat(Spelling.distance(b, a)).isEqualTo(edits);
  }

  @Property
  void swappedNeighboursInALongKeyAreFound(
      @ForAll @IntRange(max = 200) int key, @ForAll @IntRange(max = 40) int place) {
    List<String> known = KEYS.stream().filter(k -> k.length() >= 8).toList();
    String meant = known.get(key % known.size());
    int at = place % (meant.length() - 1);
    String typed =
        meant.substring(0, at) + meant.charAt(at + 1) + meant.charAt(at) + meant.substring(at + 2);

    assertThat(Spelling.nearest(typed, known)).contains(meant);
  }

  @ParameterizedTest
  @CsvSource({"maxConcurrent", "MAX-CONCURRENT", "max_concurent", "maxconcurrents"})
  void findsOtherStyles(String typed) {
    assertThat(Spelling.nearest(typed, KEYS)).contains("max_concurrent");
  }

  @ParameterizedTest
  @CsvSource({"tenants", "colour", "x"})
  void doesNotGuessWildly(String typed) {
    assertThat(Spelling.nearest(typed, List.of("node", "cluster", "ingress", "fleet"))).isEmpty();
  }
}
