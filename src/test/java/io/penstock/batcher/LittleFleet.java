package io.penstock.batcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.batcher.AdmissionDecision.Granted;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.RequestId;
import io.penstock.inference.RoutingStrategy;
import io.penstock.inference.TokenUsage;
import io.penstock.message.FirstToken;
import io.penstock.message.Grant;
import io.penstock.message.Release;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Random;

/**
 * A pool in virtual time under a strategy that learns: its replicas read one prompt after another,
 * keep what they have read up to a size, and write all answers at once, the slower the more.
 */
final class LittleFleet {
  static final int BLOCK = 64;

  /** One replica. */
  static final class Engine {
    double slowness;
    final int holdsBlocks;
    final Map<Long, Boolean> cache = new LinkedHashMap<>(16, 0.75f, true);
    double readUntil;
    int live;
    int liveMax;
    int requests;
    long read;

    Engine(double slowness, int holdsBlocks) {
      this.slowness = slowness;
      this.holdsBlocks = holdsBlocks;
    }

    private int read(PromptBlocks prompt) {
      int cached = 0;
      while (cached < prompt.size() && cache.containsKey(prompt.hash(cached))) {
        cached++;
      }
      for (int i = prompt.size() - 1; i >= 0; i--) {
        cache.put(prompt.hash(i), true);
        cache.get(prompt.hash(i));
      }
      while (cache.size() > holdsBlocks) {
        cache.remove(cache.keySet().iterator().next());
      }
      return cached;
    }
  }

  /** What became of a request. */
  record Served(int replica, double firstTokenMillis, int promptTokens, int cachedTokens) {}

  private record Event(double atMillis, long number, Runnable what) {}

  private record Asked(PromptBlocks prompt, int tokens, int answer, long atMillis) {}

  final List<Engine> engines;
  final List<Served> served = new ArrayList<>();
  final Roster roster;
  private final Admission admission;
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(
          (a, b) ->
              a.atMillis() != b.atMillis()
                  ? Double.compare(a.atMillis(), b.atMillis())
                  : Long.compare(a.number(), b.number()));
  private final Map<RequestId, Asked> asked = new HashMap<>();
  private long numbers;
  private double now;
  boolean reports = true;

  LittleFleet(RoutingStrategy strategy, int maxConcurrent, List<Engine> engines, long seed) {
    this.engines = engines;
    List<ReplicaSpec> specs = new ArrayList<>();
    for (int i = 0; i < engines.size(); i++) {
      specs.add(Samples.spec("r" + i, 1, maxConcurrent));
    }
    Pool pool = Samples.pool(specs, strategy, QueueLimits.DEFAULT);
    roster = new Roster(pool, false);
    admission = new Admission(pool, roster, Strategy.of(strategy, new Random(seed)::nextDouble), 1);
    take(admission.open(0));
  }

  static List<Engine> alike(int count, int holdsBlocks) {
    List<Engine> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(new Engine(1, holdsBlocks));
    }
    return all;
  }

  long now() {
    return (long) now;
  }

  /** A request comes at this time. */
  void ask(double atMillis, PromptBlocks prompt, int answer) {
    at(
        atMillis,
        () -> {
          RequestId id = new RequestId("q" + asked.size());
          int tokens = prompt.size() * BLOCK + 20;
          asked.put(id, new Asked(prompt, tokens, answer, now()));
          take(
              admission.offer(
                  Samples.prompted(
                      Samples.Ask.of(id.value()).tokens(tokens, answer).admit(), tokens, prompt),
                  now()));
        });
  }

  void at(double atMillis, Runnable what) {
    events.add(new Event(Math.max(now, atMillis), numbers++, what));
  }

  void run() {
    for (Event next = events.poll(); next != null; next = events.poll()) {
      now = next.atMillis();
      next.what().run();
    }
    assertThat(served).hasSameSizeAs(asked.keySet());
  }

  DecisionLog decisions() {
    return admission.decisions();
  }

  private void take(List<AdmissionDecision> decisions) {
    for (AdmissionDecision each : decisions) {
      if (each instanceof Granted granted) {
        granted(granted.grant());
      } else {
        throw new AssertionError(each + " (expected: a grant)");
      }
    }
  }

  private void granted(Grant grant) {
    Asked request = Objects.requireNonNull(asked.get(grant.id()));
    int replica = Integer.parseInt(grant.replica().value().substring(1));
    Engine engine = engines.get(replica);
    engine.live++;
    engine.liveMax = Math.max(engine.liveMax, engine.live);
    engine.requests++;
    double begun = now;
    int[] cached = new int[1];
    double starts = Math.max(now, engine.readUntil);
    cached[0] = engine.read(request.prompt()) * BLOCK;
    int uncached = request.tokens() - cached[0];
    engine.read += uncached;
    engine.readUntil = starts + engine.slowness * (10 + 0.05 * uncached);
    at(
        engine.readUntil,
        () -> {
          served.add(new Served(replica, now - request.atMillis(), request.tokens(), cached[0]));
          long first = Math.round(now - begun);
          ReplicaId id = grant.replica();
          admission.firstToken(new FirstToken(grant.id(), grant.pool(), 1, id, first), now());
          double step = engine.slowness * (5 + 0.2 * engine.live);
          at(
              now + request.answer() * step,
              () -> {
                engine.live--;
                take(
                    admission.release(
                        new Release(
                            grant.id(),
                            grant.pool(),
                            1,
                            id,
                            Outcome.OK,
                            new TokenUsage(
                                request.tokens(), request.answer(), reports ? cached[0] : 0),
                            first,
                            Math.round(now - begun),
                            0),
                        now()));
              });
        });
  }

  /** A prompt of blocks that begin with those of {@code shared}, and go on with its own. */
  static PromptBlocks prompt(int[] shared, Random own, int more) {
    long[] hashes = new long[shared.length + more];
    for (int i = 0; i < hashes.length; i++) {
      hashes[i] = i < shared.length ? shared[i] : own.nextLong();
    }
    return PromptBlocks.of(hashes, BLOCK);
  }

  double meanFirstTokenMillis() {
    return served.stream().mapToDouble(Served::firstTokenMillis).average().orElseThrow();
  }

  double hitShare() {
    return served.stream().mapToDouble(Served::cachedTokens).sum()
        / served.stream().mapToDouble(Served::promptTokens).sum();
  }

  /** Requests of the busiest replica over the mean. */
  double imbalance() {
    double most = engines.stream().mapToInt(each -> each.requests).max().orElseThrow();
    return most / (served.size() / (double) engines.size());
  }
}
