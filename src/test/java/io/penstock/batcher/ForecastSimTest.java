package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.Samples.Ask;
import io.penstock.batcher.VirtualPool.Work;
import io.penstock.fault.Fault;
import io.penstock.inference.Priority;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import io.penstock.message.Admit;
import io.penstock.message.Refusal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Predicted waits and Retry-After against what comes to pass, in virtual time. */
class ForecastSimTest {
  private static final Logger LOG = LoggerFactory.getLogger(ForecastSimTest.class);
  private static final double RIGHT_WITHIN = 0.30;
  private static final long WARM_UP_MILLIS = 120_000;

  /** Who sends how much of the load, in which class and with which weight. */
  private record Tenant(String name, Priority priority, double share, double weight) {}

  /** Predicted and true, in milliseconds. */
  private record Pair(long predicted, long truth) {
    boolean isRight() {
      return Math.abs(predicted - truth) <= RIGHT_WITHIN * truth;
    }

    boolean isNear() {
      return isRight() || Math.abs(predicted - truth) <= 500;
    }
  }

  private static double share(List<Pair> pairs) {
    return (double) pairs.stream().filter(Pair::isRight).count() / pairs.size();
  }

  private static QueueLimits limits(int seconds) {
    Duration wait = Duration.ofSeconds(seconds);
    return new QueueLimits(5_000, 1L << 30, wait, wait, wait);
  }

  /** Log-normal output lengths, 20 ms a token and 100 ms for the prompt; at most 12 s. */
  private static Work work(Random random) {
    int tokens = (int) Math.min(595, Math.exp(4.2 + 0.8 * random.nextGaussian()));
    return new Work(100 + 20L * tokens, tokens);
  }

  private static double meanMillis() {
    Random random = new Random(1);
    return random.doubles(0, 1).limit(20_000).map(x -> work(random).millis()).average().orElse(0);
  }

  /** Poisson arrivals of each tenant, together so many times what the slots can serve. */
  private static final class Load {
    final Random random;
    final Map<RequestId, Long> predicted = new HashMap<>();
    final List<Pair> all = new ArrayList<>();
    final List<Pair> seconds = new ArrayList<>();
    final VirtualPool pool;
    int offered;
    int refused;
    int timedOut;

    Load(long seed, QueueLimits limits, int... slots) {
      random = new Random(seed);
      pool =
          new VirtualPool(
              limits,
              new VirtualPool.Ear() {
                @Override
                public void granted(Admit admit, long waitedMillis) {
                  Long said = predicted.remove(admit.id());
                  if (said != null && said >= 0) {
                    Pair pair = new Pair(said, waitedMillis);
                    all.add(pair);
                    if (waitedMillis >= 1_000 || said >= 1_000) {
                      seconds.add(pair);
                    }
                  }
                }

                @Override
                public void refused(Admit admit, Refusal refusal) {
                  predicted.remove(admit.id());
                  refused++;
                  timedOut += refusal.fault() == Fault.QUEUE_TIMEOUT ? 1 : 0;
                }
              },
              slots);
    }

    void send(Tenant tenant, double meanGapMillis) {
      double gap = -Math.log(1 - random.nextDouble()) * meanGapMillis;
      pool.at(
          pool.now() + Math.round(gap),
          () -> {
            Admit admit =
                Ask.of("q" + offered++)
                    .by(new TenantId(tenant.name()), tenant.weight())
                    .of(tenant.priority())
                    .admit();
            pool.offer(admit, work(random));
            Waiting waiting = pool.admission.queue().find(admit.id());
            if (waiting != null && pool.now() > WARM_UP_MILLIS) {
              predicted.put(
                  admit.id(), pool.admission.outlook().of(waiting, pool.slots()).waitMillis());
            }
            send(tenant, meanGapMillis);
          });
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void predictsTheWaitUnderSteadyOverload(long seed) {
    List<Tenant> tenants =
        List.of(
            new Tenant("chat-a", Priority.INTERACTIVE, 0.15, 1),
            new Tenant("chat-b", Priority.INTERACTIVE, 0.10, 1),
            new Tenant("heavy", Priority.DEFAULT, 0.60, 1),
            new Tenant("paying", Priority.DEFAULT, 0.30, 3),
            new Tenant("light", Priority.DEFAULT, 0.05, 1),
            new Tenant("nightly", Priority.BULK, 0.10, 1));
    Load load = new Load(seed, limits(30), 16, 16, 16, 16);
    double perSlot = meanMillis();
    for (Tenant each : tenants) {
      load.send(each, perSlot / load.pool.slots() / each.share());
    }
    load.pool.run(900_000);
    String shares =
        String.format(
            Locale.ROOT,
            "of %d that waited or were to wait a second %.3f are right within 30 %%, of all %d that"
                + " queued %.3f within 30 %% or half a second; %d of %d were refused, %d timed out",
            load.seconds.size(),
            share(load.seconds),
            load.all.size(),
            (double) load.all.stream().filter(Pair::isNear).count() / load.all.size(),
            load.refused,
            load.offered,
            load.timedOut);
    LOG.info("seed {}: {}", seed, shares);
    assertThat(load.seconds).hasSizeGreaterThan(5_000);
    assertThat(share(load.seconds)).as(shares).isGreaterThan(0.9);
    assertThat(load.timedOut).as(shares).isLessThan(load.refused / 5);
  }

  /**
   * Three of four replicas fail under steady load: far more waits than can be served in time. What
   * is refused then has a Retry-After, which is right if the same request is let in by then, while
   * all go on sending.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void tellsWhenToComeBackUnderSteadyLoad(long seed) {
    Load load = new Load(seed, limits(30), 16, 16, 16, 16);
    double perSlot = meanMillis();
    Tenant heavy = new Tenant("heavy", Priority.DEFAULT, 1.2, 1);
    load.send(heavy, perSlot / load.pool.slots() / heavy.share());
    load.send(new Tenant("chat", Priority.INTERACTIVE, 0.03, 1), perSlot / 64 / 0.03);
    load.pool.run(300_000);
    for (int replica = 1; replica < 4; replica++) {
      load.pool.lose(replica);
    }
    int step = 250;
    List<Long> told = new ArrayList<>();
    for (long at = 0; at < 60_000; at += step) {
      load.pool.run(300_000 + at);
      told.add(
          load.pool.retryAfterMillis(
              Ask.of("probe" + at).by(heavy.name()).of(heavy.priority()).admit()));
    }
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < told.size(); i++) {
      int in = i;
      while (in < told.size() && told.get(in) > 0) {
        in++;
      }
      if (told.get(i) > 1_000 && in < told.size()) {
        pairs.add(new Pair(told.get(i), (in - i) * (long) step));
      }
    }
    LOG.info("seed {}: {} refusals, {} right within 30 %", seed, pairs.size(), share(pairs));
    assertThat(pairs).hasSizeGreaterThan(30);
    assertThat(share(pairs)).as("of %s", pairs).isGreaterThanOrEqualTo(0.9);
  }
}
