package io.penstock.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptBlocksTest {
  private static PromptBlocks counting(int blocks) {
    return PromptBlocks.of(LongStream.rangeClosed(1, blocks).toArray(), 64);
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "1, 1", "64, 64", "65, 66", "96, 128", "97, 132", "128, 256", "384, 65536"})
  void saysOfHowManyBlocksSoManyHashesSpeak(int hashes, int blocks) {
    assertThat(PromptBlocks.covered(hashes)).isEqualTo(blocks);
  }

  @Property
  void eachHashIsThatOfTheBlocksItSpeaksOf(@ForAll @IntRange(min = 0, max = 70_000) int blocks) {
    PromptBlocks some = counting(blocks);
    for (int i = 0; i < some.size(); i++) {
      assertThat(some.hash(i)).isEqualTo(PromptBlocks.covered(i + 1));
      assertThat(some.tokens(i + 1)).isEqualTo(64 * PromptBlocks.covered(i + 1));
    }
    assertThat(some.size()).isLessThanOrEqualTo(PromptBlocks.HASHES_MAX);
    if (some.size() < PromptBlocks.HASHES_MAX) {
      assertThat(PromptBlocks.covered(some.size() + 1)).isGreaterThan(blocks);
    }
    // what no hash speaks of is at most 3 % of the prompt
    int covered = PromptBlocks.covered(some.size());
    if (blocks <= PromptBlocks.covered(PromptBlocks.HASHES_MAX)) {
      assertThat(blocks - covered).isLessThanOrEqualTo(blocks / 32);
    }
  }

  @Property
  void isReadAsItWasWritten(@ForAll @IntRange(min = 0, max = 5_000) int blocks) {
    assertThat(PromptBlocks.ofText(counting(blocks).text())).isEqualTo(counting(blocks));
  }

  @ParameterizedTest
  @CsvSource({"x", "':AAAA'", "64:AAAA", "0:AAAAAAAAAAA=", "64:?"})
  void refusesWhatIsNone(String text) {
    assertThatThrownBy(() -> PromptBlocks.ofText(text))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aLongerPromptBeginsWithTheHashesOfAShorterOne() {
    PromptBlocks shorter = counting(700);
    PromptBlocks longer = counting(7_000);
    for (int i = 0; i < shorter.size(); i++) {
      assertThat(longer.hash(i)).isEqualTo(shorter.hash(i));
    }
  }
}
