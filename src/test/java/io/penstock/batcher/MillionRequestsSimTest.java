package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.Samples.Ask;
import io.penstock.batcher.VirtualPool.Work;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.TenantId;
import io.penstock.message.Admit;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.PriorityQueue;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A million requests of many tenants at an overloaded pool, served in the fair order and, for
 * comparison, first come first served.
 *
 * <p>The tenants are clients of a production service: their mean rates and the variation of their
 * inter-arrival times are those that ServeGen (alibaba/ServeGen, Apache-2.0; arXiv 2505.09999)
 * publishes for {@code m-small}, as means over the windows in which each was active. The arrivals
 * are drawn from these, as gamma renewals; lengths are log-normal around that service's means (170
 * tokens in, 23 out), with a factor for each client. Of the million some belong to clients with a
 * hundred times the rate of others.
 */
class MillionRequestsSimTest {
  private static final Logger LOG = LoggerFactory.getLogger(MillionRequestsSimTest.class);
  private static final int REQUESTS = 1_000_000;
  private static final int SLOTS = 256;
  private static final double OVERLOAD = 1.25;
  private static final long SEED = 2_026;
  private static final long WINDOW_MILLIS = 60_000;
  private static final long PATIENCE_MILLIS = 60_000;

  /** Requests a second while active, and the coefficient of variation of inter-arrival times. */
  private static final double[][] CLIENTS = {
    {350.27, 1.78}, {188.44, 1.31}, {115.41, 1.25}, {86.77, 9.86}, {84.42, 1.18}, {63.55, 1.11},
    {51.37, 1.25}, {41.83, 1.94}, {31.70, 20.54}, {22.93, 1.29}, {20.38, 1.22}, {20.31, 1.01},
    {17.50, 1.01}, {16.64, 1.61}, {14.05, 1.05}, {11.65, 2.81}, {7.97, 11.47}, {7.25, 13.75},
    {6.66, 10.97}, {5.98, 3.19}, {3.99, 3.75}, {3.76, 1.27}, {1.50, 3.59}, {0.95, 0.76},
  };

  private record Arrival(long atMillis, int client, int input, int output) {
    double cost() {
      return input + TokenCost.OUTPUT * output;
    }

    Work work() {
      return new Work(30 + 10L * output, output);
    }
  }

  private static List<Arrival> arrivals() {
    Random random = new Random(SEED);
    double[] outputs = new double[CLIENTS.length];
    double[] inputs = new double[CLIENTS.length];
    double rate = 0;
    double work = 0;
    for (int i = 0; i < CLIENTS.length; i++) {
      inputs[i] = 170 * Math.exp(0.5 * random.nextGaussian());
      outputs[i] = 23 * Math.exp(0.5 * random.nextGaussian());
      rate += CLIENTS[i][0];
      work += CLIENTS[i][0] * (30 + 10 * outputs[i]);
    }
    double scale = OVERLOAD * SLOTS * 1_000 / work;
    PriorityQueue<double[]> next = new PriorityQueue<>((a, b) -> Double.compare(a[0], b[0]));
    for (int i = 0; i < CLIENTS.length; i++) {
      next.add(new double[] {random.nextDouble() * 1_000 / (CLIENTS[i][0] * scale), i});
    }
    List<Arrival> all = new ArrayList<>(REQUESTS);
    while (all.size() < REQUESTS) {
      double[] due = next.remove();
      int client = (int) due[1];
      int input = (int) Math.max(1, inputs[client] * Math.exp(0.7 * random.nextGaussian() - 0.245));
      int output =
          (int) Math.max(1, outputs[client] * Math.exp(0.7 * random.nextGaussian() - 0.245));
      all.add(new Arrival((long) due[0], client, input, output));
      double shape = 1 / (CLIENTS[client][1] * CLIENTS[client][1]);
      due[0] += gamma(random, shape) / shape * 1_000 / (CLIENTS[client][0] * scale);
      next.add(due);
    }
    return all;
  }

  /** Marsaglia and Tsang, "A simple method for generating gamma variables" (2000). */
  private static double gamma(Random random, double shape) {
    if (shape < 1) {
      return gamma(random, shape + 1) * Math.pow(1 - random.nextDouble(), 1 / shape);
    }
    double d = shape - 1.0 / 3;
    double c = 1 / Math.sqrt(9 * d);
    while (true) {
      double x = random.nextGaussian();
      double v = Math.pow(1 + c * x, 3);
      if (v > 0 && Math.log(1 - random.nextDouble()) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
        return d * v;
      }
    }
  }

  /** Tokens that each client asked for and was given, by window. */
  private static final class Book {
    final List<double[]> asked = new ArrayList<>();
    final List<double[]> served = new ArrayList<>();
    int grants;
    final long[] waited = new long[CLIENTS.length];
    final int[] grantsOf = new int[CLIENTS.length];

    static void add(List<double[]> to, long now, int client, double cost) {
      int window = (int) (now / WINDOW_MILLIS);
      while (to.size() <= window) {
        to.add(new double[CLIENTS.length]);
      }
      to.get(window)[client] += cost;
    }

    void granted(Arrival arrival, long now) {
      add(served, now, arrival.client(), arrival.cost());
      grants++;
      waited[arrival.client()] += now - arrival.atMillis();
      grantsOf[arrival.client()]++;
    }

    /** Seconds that a request of the lower half of the clients waits on average. */
    double meanWaitOfTheSmall() {
      long sum = 0;
      int count = 0;
      for (int i = CLIENTS.length / 2; i < CLIENTS.length; i++) {
        sum += waited[i];
        count += grantsOf[i];
      }
      return sum / 1_000.0 / count;
    }

    /**
     * Jain's index of what clients were given over what they should have been: the max-min fair
     * share of what was given to all. Mean over the windows but the first and the last.
     */
    double jain() {
      double sum = 0;
      int windows = 0;
      for (int w = 1; w < Math.min(asked.size(), served.size()) - 1; w++) {
        double[] fair = fairShares(asked.get(w), Arrays.stream(served.get(w)).sum());
        double x = 0;
        double squares = 0;
        int n = 0;
        for (int i = 0; i < fair.length; i++) {
          if (fair[i] > 0) {
            double ratio = served.get(w)[i] / fair[i];
            x += ratio;
            squares += ratio * ratio;
            n++;
          }
        }
        sum += x * x / (n * squares);
        windows++;
      }
      return sum / windows;
    }

    private static double[] fairShares(double[] asked, double all) {
      double[] shares = new double[asked.length];
      double left = all;
      Integer[] order = new Integer[asked.length];
      Arrays.setAll(order, i -> i);
      Arrays.sort(order, (a, b) -> Double.compare(asked[a], asked[b]));
      for (int i = 0; i < order.length; i++) {
        shares[order[i]] = Math.min(asked[order[i]], left / (order.length - i));
        left -= shares[order[i]];
      }
      return shares;
    }
  }

  private static Book fair(List<Arrival> arrivals) {
    Book book = new Book();
    Arrival[] byNumber = arrivals.toArray(new Arrival[0]);
    VirtualPool pool =
        new VirtualPool(
            new QueueLimits(
                100_000,
                1L << 40,
                Duration.ofMillis(PATIENCE_MILLIS),
                Duration.ofMillis(PATIENCE_MILLIS),
                Duration.ofMillis(PATIENCE_MILLIS)),
            new VirtualPool.Ear() {
              @Override
              public void granted(Admit admit, long waitedMillis) {
                Arrival arrival = byNumber[Integer.parseInt(admit.id().value())];
                book.granted(arrival, arrival.atMillis() + waitedMillis);
              }
            },
            SLOTS / 4,
            SLOTS / 4,
            SLOTS / 4,
            SLOTS / 4);
    TenantId[] tenants = new TenantId[CLIENTS.length];
    Arrays.setAll(tenants, i -> new TenantId("client-" + i));
    for (int i = 0; i < byNumber.length; i++) {
      Arrival each = byNumber[i];
      pool.run(each.atMillis());
      Book.add(book.asked, each.atMillis(), each.client(), each.cost());
      pool.offer(
          Ask.of(Integer.toString(i)).by(tenants[each.client()], 1).tokens(each.input(), 0).admit(),
          each.work());
    }
    return book;
  }

  /** The same without tenants; as long a queue as can be served in time. */
  private static Book firstComeFirstServed(List<Arrival> arrivals) {
    Book book = new Book();
    ArrayDeque<Arrival> queue = new ArrayDeque<>();
    PriorityQueue<Long> ends = new PriorityQueue<>();
    double meanMillis = arrivals.stream().mapToLong(a -> a.work().millis()).average().orElse(0);
    int longest = (int) (PATIENCE_MILLIS * SLOTS / meanMillis);
    for (Arrival each : arrivals) {
      for (Long end = ends.peek(); end != null && end <= each.atMillis(); end = ends.peek()) {
        ends.remove();
        Arrival next = queue.poll();
        if (next != null) {
          book.granted(next, end);
          ends.add(end + next.work().millis());
        }
      }
      Book.add(book.asked, each.atMillis(), each.client(), each.cost());
      if (ends.size() < SLOTS) {
        book.granted(each, each.atMillis());
        ends.add(each.atMillis() + each.work().millis());
      } else if (queue.size() < longest) {
        queue.add(each);
      }
    }
    return book;
  }

  @Test
  void aMillionRequestsOfManyTenantsAreServedFairly() {
    List<Arrival> arrivals = arrivals();
    long began = System.nanoTime();
    Book fair = fair(arrivals);
    double seconds = (System.nanoTime() - began) / 1e9;
    Book fifo = firstComeFirstServed(arrivals);
    String result =
        String.format(
            Locale.ROOT,
            "Jain's index of service over fair share: %.4f in the fair order, %.4f first come first"
                + " served; mean wait of the smaller half of the clients %.2f s and %.2f s; grants"
                + " %d and %d; %.1f s",
            fair.jain(),
            fifo.jain(),
            fair.meanWaitOfTheSmall(),
            fifo.meanWaitOfTheSmall(),
            fair.grants,
            fifo.grants,
            seconds);
    LOG.info("{}", result);
    assertThat(fair.jain()).as(result).isGreaterThan(0.98).isGreaterThan(fifo.jain() + 0.1);
    assertThat(fair.meanWaitOfTheSmall()).as(result).isLessThan(fifo.meanWaitOfTheSmall() / 10);
    assertThat(fair.grants).as(result).isGreaterThan((int) (0.97 * fifo.grants));
  }
}
