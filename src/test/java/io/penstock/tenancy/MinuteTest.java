package io.penstock.tenancy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

class MinuteTest {
  private record Use(long atMillis, long amount) {}

  @Property(tries = 300)
  void countsAtLeastSixtySecondsAndAtMostSixtyOne(@ForAll long seed) {
    Random random = new Random(seed);
    Minute minute = new Minute();
    List<Use> all = new ArrayList<>();
    long now = 50_000 + random.nextInt(1_000);
    for (int i = 0; i < 300; i++) {
      now += random.nextInt(random.nextInt(20) == 0 ? 90_000 : 700);
      long at = now;
      long amount = random.nextInt(9);
      minute.add(now, amount);
      all.add(new Use(now, amount));
      long least = all.stream().filter(u -> u.atMillis > at - 60_000).mapToLong(Use::amount).sum();
      long most = all.stream().filter(u -> u.atMillis > at - 61_000).mapToLong(Use::amount).sum();
      assertThat(minute.sum(now)).isBetween(least, most);
      assertThat(minute.seconds(now).stream().mapToLong(each -> each).sum())
          .isEqualTo(minute.sum(now));
      long all60 = minute.sum(now);
      if (all60 > 0) {
        long half = (all60 + 1) / 2;
        long until = minute.untilGone(now, half);
        Minute copy = new Minute();
        List<Long> seconds = minute.seconds(now);
        for (int ago = 0; ago < seconds.size(); ago++) {
          copy.addAged(now, ago, seconds.get(ago));
        }
        assertThat(all60 - copy.sum(now + until)).isGreaterThanOrEqualTo(half);
      }
    }
  }
}
