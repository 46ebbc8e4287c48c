package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.Samples.Ask;
import io.penstock.batcher.VirtualPool.Work;
import io.penstock.inference.Priority;
import io.penstock.inference.QueueLimits;
import io.penstock.message.Admit;
import io.penstock.message.Refusal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a tenant with hundreds of requests does to one that sends one now and then. */
class NoisyNeighbourTest {
  private static final Logger LOG = LoggerFactory.getLogger(NoisyNeighbourTest.class);
  private static final int OUTSTANDING = 500;
  private static final long RUN_MILLIS = 1_200_000;
  private static final long WARM_UP_MILLIS = 60_000;

  /** One keeps so many requests outstanding, another sends one a second; in the same class. */
  private static final class Scene {
    private final Random random = new Random(7);
    private final Priority priority;
    private final long serviceMillis;
    private final boolean varies;
    private final int outstanding;
    private final List<Long> quietWaits = new ArrayList<>();
    private final VirtualPool pool;
    private int asked;
    private int served;

    Scene(Priority priority, long serviceMillis, boolean varies, int outstanding, int... slots) {
      this.priority = priority;
      this.serviceMillis = serviceMillis;
      this.varies = varies;
      this.outstanding = outstanding;
      this.pool =
          new VirtualPool(
              QueueLimits.DEFAULT,
              new VirtualPool.Ear() {
                @Override
                public void granted(Admit admit, long waitedMillis) {
                  if (admit.tenant().value().equals("quiet")) {
                    quietWaits.add(waitedMillis);
                  }
                }

                @Override
                public void refused(Admit admit, Refusal refusal) {
                  again(admit, 1_000);
                }

                @Override
                public void ended(Admit admit) {
                  served++;
                  again(admit, 1);
                }
              },
              slots);
    }

    private void again(Admit admit, long inMillis) {
      if (admit.tenant().value().equals("noisy")) {
        pool.at(pool.now() + inMillis, this::noisy);
      }
    }

    private Work work() {
      double times = varies ? Math.min(3, Math.exp(0.8 * random.nextGaussian() - 0.32)) : 1;
      return new Work(Math.max(1, Math.round(serviceMillis * times)), (int) (100 * times));
    }

    private void noisy() {
      pool.offer(Ask.of("n" + asked++).by("noisy").of(priority).admit(), work());
    }

    private void quiet() {
      pool.offer(Ask.of("q" + asked++).by("quiet").of(priority).admit(), work());
      pool.at(pool.now() + 1_000, this::quiet);
    }

    /** The quiet one's 99th percentile. */
    long run() {
      for (int i = 0; i < outstanding; i++) {
        pool.at(i, this::noisy);
      }
      pool.at(500, this::quiet);
      pool.run(WARM_UP_MILLIS);
      quietWaits.clear();
      pool.run(RUN_MILLIS);
      quietWaits.sort(null);
      return quietWaits.get(quietWaits.size() * 99 / 100);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "INTERACTIVE,  200, false, 1, 1",
    "INTERACTIVE, 1500, true,  4, 2",
    "DEFAULT,      300, false, 2, 1",
    "DEFAULT,     1000, true,  4, 4",
    "DEFAULT,     4000, true, 16, 4",
    "BULK,        2000, true,  8, 2",
  })
  void theQuietTenantHardlyWaits(
      Priority priority, long serviceMillis, boolean varies, int slots, int replicas) {
    int[] each = new int[replicas];
    Arrays.fill(each, slots);
    long alone = new Scene(priority, serviceMillis, varies, 0, each).run();
    Scene scene = new Scene(priority, serviceMillis, varies, OUTSTANDING, each);
    long beside = scene.run();
    LOG.info(
        "{}, {} slots of {} ms: p99 wait {} ms alone, {} ms beside {} outstanding; {} served",
        priority,
        slots * replicas,
        serviceMillis,
        alone,
        beside,
        OUTSTANDING,
        scene.served);
    assertThat(scene.quietWaits).hasSizeGreaterThan(1_000);
    assertThat(beside).isLessThanOrEqualTo(alone + 2 * serviceMillis);
    assertThat((double) scene.served)
        .as("the noisy one's slots are in use")
        .isGreaterThan(0.9 * RUN_MILLIS * slots * replicas / serviceMillis);
  }
}
