package io.penstock.faults;

import io.penstock.faults.Outcome.Kind;
import io.penstock.faults.Processes.Member;
import io.penstock.faults.Processes.Ticket;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Load as it comes through a load balancer: it sends to nodes that say they are ready and, as those
 * do, tries another one when the connection is refused or the node says that it is draining.
 * Nothing else is tried again.
 */
final class Balancer {
  private static final Logger LOG = LoggerFactory.getLogger(Balancer.class);
  private static final int TRIES = 3;
  private static final long LOOK_MILLIS = 50;
  private static final int MEASURED_SECONDS = 5;

  /** As many as it takes to ask 400 times a second of engines that take a third of one. */
  private static final int ASKERS = 150;

  private static final int TOKENS = 20;

  private final Processes cluster;
  private final List<Member> entries;
  private final Set<Member> ready = ConcurrentHashMap.newKeySet();
  private final AtomicInteger triedAgain = new AtomicInteger();
  private final CompletableFuture<List<CompletableFuture<Outcome>>> sent;
  private volatile boolean stopped;

  /**
   * Starts at once, in all modes.
   *
   * @param perSecond requests, where the machine carries it: {@link #carried}
   */
  Balancer(Processes cluster, List<Member> entries, int perSecond) {
    this.cluster = cluster;
    this.entries = List.copyOf(entries);
    ready.addAll(entries);
    CompletableFuture.runAsync(this::watchReadiness, cluster.threads);
    sent = CompletableFuture.supplyAsync(() -> send(1e9 / perSecond), cluster.threads);
  }

  /**
   * Requests a second that the machine carries beside what happens to the nodes meanwhile: a
   * quarter of what it does without, and no more than are wanted. What is refused then is refused
   * by mistake, not for want of a machine.
   */
  static int carried(Processes cluster, List<Member> entries, int wanted) {
    answered(cluster, entries); // while compilers are at work
    int carried = Math.min(wanted, Math.max(10, answered(cluster, entries) / 4));
    LOG.info("{} of {} requests a second", carried, wanted);
    return carried;
  }

  /** Requests a second of many clients that do nothing else. */
  private static int answered(Processes cluster, List<Member> entries) {
    AtomicInteger number = new AtomicInteger();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(MEASURED_SECONDS);
    List<CompletableFuture<Integer>> askers = new ArrayList<>();
    for (int i = 0; i < ASKERS; i++) {
      askers.add(
          CompletableFuture.supplyAsync(
              () -> {
                int done = 0;
                for (; System.nanoTime() < end; done++) {
                  int next = number.getAndIncrement();
                  Mode mode = Mode.values()[next % Mode.values().length];
                  cluster.keep(
                      cluster.ticket(mode, TOKENS).ask(entries.get(next % entries.size())));
                }
                return done;
              },
              cluster.threads));
    }
    return askers.stream().mapToInt(CompletableFuture::join).sum() / MEASURED_SECONDS;
  }

  /** Sends no more, and waits for what is under way. */
  List<Outcome> stop() {
    stopped = true;
    return sent.join().stream().map(CompletableFuture::join).toList();
  }

  /** How often another node was tried. */
  int triedAgain() {
    return triedAgain.get();
  }

  private void watchReadiness() {
    while (!stopped) {
      for (Member each : entries) {
        if (each.isReady()) {
          ready.add(each);
        } else {
          ready.remove(each);
        }
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(LOOK_MILLIS));
    }
  }

  private List<CompletableFuture<Outcome>> send(double gapNanos) {
    List<CompletableFuture<Outcome>> asked = new ArrayList<>();
    long begin = System.nanoTime();
    for (int i = 0; !stopped; i++) {
      long due = begin + (long) (gapNanos * i);
      while (System.nanoTime() < due) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
      int number = i;
      asked.add(CompletableFuture.supplyAsync(() -> exchange(number), cluster.threads));
    }
    return asked;
  }

  private Outcome exchange(int number) {
    Ticket ticket = cluster.ticket(Mode.values()[number % Mode.values().length], TOKENS);
    Outcome outcome = null;
    for (int attempt = 0; attempt < TRIES; attempt++) {
      List<Member> usable = entries.stream().filter(ready::contains).toList();
      List<Member> from = usable.isEmpty() ? entries : usable;
      outcome = ticket.ask(from.get((number + attempt) % from.size()));
      boolean another = outcome.kind() == Kind.REFUSED || outcome.code().equals("draining");
      if (!another) {
        break;
      }
      triedAgain.incrementAndGet();
    }
    return cluster.keep(outcome);
  }
}
