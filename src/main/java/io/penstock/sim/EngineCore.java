package io.penstock.sim;

import static io.penstock.inference.Checks.require;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;

/**
 * Continuous batching as vLLM's V1 scheduler does it, in the time that the caller brings.
 *
 * <p><b>A step</b> is one forward pass. At its start the running sequences get their tokens first
 * (a decoding one needs one token, a prefilling one a chunk of what is left of the budget), then
 * the queue's head is admitted, first in first out, while the budget, {@code max_num_seqs} and the
 * KV blocks allow; cached prefix blocks are shared and not computed again. Where a running sequence
 * finds no block, the last admitted is preempted: its blocks go, it returns to the head of the
 * queue and is computed again later. At the step's end every sequence that is fully computed has
 * one more token. Admission asks for the blocks of the whole known text, not of the first chunk
 * only, which spares preemptions that would follow at once.
 *
 * <p><b>Runs.</b> While nobody prefills and nobody can be admitted, all steps up to the next end of
 * a sequence have the same composition, and a step costs {@code a} the first time and {@code b}
 * (one token of context per sequence) more each time. So step {@code i} ends at {@code start + i·a
 * + b·i(i-1)/2}: a whole run costs one pass over the batch, however many tokens it makes. The
 * server asks {@link #nextTokenNanos()} and sees each token when it is due; a replay asks {@link
 * #nextScheduleNanos()} and jumps from decision to decision. Both see the same times. An arrival or
 * a cancellation ends the run after the step in flight.
 *
 * <p><b>Calls in turn.</b> An engine without a scheduler takes the sequences of one call, pads them
 * to the longest, and takes no others before the last of them has ended: every step costs as many
 * sequences as the call has, each as long as its longest. Nothing is kept for later prefixes.
 *
 * <p>No clock, no randomness: same calls, same answers. Belongs to one thread.
 */
public final class EngineCore {
  /** What {@link #nextTokenNanos()} answers when there is nothing to do. */
  public static final long IDLE = Long.MAX_VALUE;

  private final SimProfile profile;
  private final KvCache kv;
  private final ArrayDeque<Sequence> waiting = new ArrayDeque<>();
  private int waitingCount; // without the cancelled ones that are still in the deque
  private final Sequence[] running;
  private int runningCount;

  /** Sequences of the call whose turn it is, those that have ended too. */
  private int padded;

  private boolean inFlight;
  private long freeAtNanos;
  private long runStartNanos;
  private double runFirstNanos;
  private double runGrowthNanos;
  private int runSteps;
  private int runDone;
  private double slowdown = 1;

  private boolean advancing;
  private final Sequence[] progressed;
  private final int[] progress;

  private long steps;
  private long preemptions;
  private long promptTokens;
  private long generatedTokens;
  private long wastedTokens;
  private long prefixQueries;
  private long prefixHits;
  private long finished;
  private long cancelled;
  private int peakRunning;

  /**
   * A core that starts empty.
   *
   * @param readyNanos no step starts before this time; what arrives earlier waits
   */
  EngineCore(SimProfile profile, long readyNanos) {
    this(profile, readyNanos, KvCache.BLOCK_TOKENS);
  }

  /**
   * A core that starts empty and keeps its cache in blocks of another size: the larger they are,
   * the fewer there are to be looked up, and the coarser is what prompts share.
   *
   * @param blockTokens tokens per block, at most what its cache holds
   */
  public EngineCore(SimProfile profile, long readyNanos, int blockTokens) {
    this(profile, readyNanos, blockTokens, KvListener.NONE);
  }

  /** One whose cache is listened to. */
  EngineCore(SimProfile profile, long readyNanos, int blockTokens, KvListener listener) {
    require(
        blockTokens >= 1 && blockTokens <= profile.kvTokens(),
        "blockTokens",
        blockTokens,
        "1.." + profile.kvTokens() + " (kvTokens)");
    this.profile = profile;
    this.freeAtNanos = readyNanos;
    this.kv = new KvCache(profile.kvTokens() / blockTokens, blockTokens, listener);
    this.running = new Sequence[profile.maxNumSeqs()];
    this.progressed = new Sequence[profile.maxNumSeqs()];
    this.progress = new int[profile.maxNumSeqs()];
  }

  /**
   * Puts a sequence into the queue.
   *
   * @param hashes chained hashes of the prompt's full blocks; more than those are of text that is
   *     known to follow, and make the generated blocks findable too
   * @param maxTokens generated exactly, unless cancelled
   * @throws IllegalArgumentException when it could never run: {@code promptTokens + maxTokens} over
   *     the context length
   */
  public Sequence submit(
      Sequence.Owner owner, long[] hashes, int promptTokens, int maxTokens, long nowNanos) {
    require(promptTokens >= 1, "promptTokens", promptTokens, ">= 1");
    require(maxTokens >= 1, "maxTokens", maxTokens, ">= 1");
    require(
        (long) promptTokens + maxTokens <= profile.maxModelLength(),
        "promptTokens + maxTokens",
        (long) promptTokens + maxTokens,
        "<= " + profile.maxModelLength() + " (maxModelLength)");
    catchUp(nowNanos);
    Sequence sequence = new Sequence(owner, hashes, promptTokens, maxTokens, nowNanos);
    if (waitingCount == 0 && runningCount < running.length) {
      endRunAfterStepInFlight();
    }
    waiting.addLast(sequence);
    waitingCount++;
    if (!inFlight && runningCount == 0) {
      freeAtNanos = Math.max(freeAtNanos, nowNanos);
    }
    return sequence;
  }

  /** Gives a sequence up: its blocks and its place are free at once. Does nothing after its end. */
  public void cancel(Sequence sequence, long nowNanos) {
    catchUp(nowNanos);
    switch (sequence.state) {
      case WAITING -> waitingCount--; // the deque drops it when it comes up
      case RUNNING -> {
        int at = indexOf(sequence);
        System.arraycopy(running, at + 1, running, at, --runningCount - at);
        releaseBlocks(sequence);
        endRunAfterStepInFlight();
      }
      case FINISHED, CANCELLED -> {
        return;
      }
    }
    sequence.state = Sequence.State.CANCELLED;
    cancelled++;
    wastedTokens += sequence.generated;
    dropCancelledHead();
  }

  /** Carries out every step that ends by {@code nowNanos} and tells the owners. */
  public void advance(long nowNanos) {
    advance(nowNanos, nowNanos);
  }

  private void advance(long nowNanos, long lastStartNanos) {
    advancing = true;
    try {
      while (true) {
        if (!inFlight && (freeAtNanos > lastStartNanos || !schedule())) {
          return;
        }
        int ended = stepsEndedBy(nowNanos);
        if (ended > runDone) {
          complete(ended);
        }
        if (inFlight) {
          return;
        }
      }
    } finally {
      advancing = false;
    }
  }

  /** When {@link #advance} has something to do next; {@link #IDLE} if never. */
  long nextTokenNanos() {
    return inFlight ? endOfStep(runDone + 1) : idleOrFreeAt();
  }

  /** When the batch's composition may change next; {@link #IDLE} if never. */
  public long nextScheduleNanos() {
    return inFlight ? endOfStep(runSteps) : idleOrFreeAt();
  }

  private long idleOrFreeAt() {
    return waitingCount + runningCount > 0 ? freeAtNanos : IDLE;
  }

  /** From the next step on, every step takes so many times as long. */
  public void slowDown(double factor) {
    require(factor >= 1, "factor", factor, ">= 1");
    slowdown = factor;
    endRunAfterStepInFlight();
  }

  /** Ends what ends by now but starts nothing now: what arrives at one time shares one step. */
  private void catchUp(long nowNanos) {
    if (!advancing) {
      advance(nowNanos, nowNanos - 1);
    }
  }

  private void endRunAfterStepInFlight() {
    if (inFlight) {
      runSteps = Math.min(runSteps, runDone + 1);
    }
  }

  private long endOfStep(int step) {
    double i = step;
    return runStartNanos + (long) (i * runFirstNanos + runGrowthNanos * i * (i - 1) / 2);
  }

  private int stepsEndedBy(long nowNanos) {
    if (endOfStep(runSteps) <= nowNanos) {
      return runSteps;
    }
    int low = runDone;
    int high = runSteps;
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (endOfStep(middle) <= nowNanos) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Composes the next run; false when there is nobody to run. */
  private boolean schedule() {
    int budget = profile.maxBatchedTokens();
    long preemptionsBefore = preemptions;
    for (int i = 0; i < runningCount; i++) {
      Sequence sequence = running[i];
      sequence.chunk = Math.min(sequence.known() - sequence.computed, budget);
      if (!makeRoom(sequence)) {
        break;
      }
      budget -= sequence.chunk;
      grow(sequence, sequence.computed + sequence.chunk);
    }
    if (preemptions == preemptionsBefore) {
      admit(budget);
    }
    if (runningCount == 0) {
      return false;
    }
    peakRunning = Math.max(peakRunning, runningCount);
    startRun(preemptions != preemptionsBefore);
    return true;
  }

  /** Preempts from the tail until the sequence's chunk has blocks; false when it went itself. */
  private boolean makeRoom(Sequence sequence) {
    int needed = kv.blocksFor(sequence.computed + sequence.chunk) - sequence.held;
    while (needed > kv.free()) {
      Sequence victim = running[--runningCount];
      releaseBlocks(victim);
      victim.computed = 0;
      victim.chunk = 0;
      victim.preemptions++;
      victim.state = Sequence.State.WAITING;
      waiting.addFirst(victim);
      waitingCount++;
      preemptions++;
      if (victim == sequence) {
        return false;
      }
    }
    return true;
  }

  private void admit(int tokenBudget) {
    int budget = tokenBudget;
    dropCancelledHead();
    boolean inTurn = profile.callsInTurn();
    if (inTurn && runningCount > 0) {
      return;
    }
    while (budget > 0 && runningCount < running.length && !waiting.isEmpty()) {
      Sequence sequence = waiting.element();
      if (inTurn && runningCount > 0 && sequence.owner != running[0].owner) {
        break;
      }
      // At least one token is computed, or there would be nothing to sample from.
      int cached =
          inTurn ? 0 : kv.cachedPrefix(sequence.hashes, (sequence.known() - 1) / kv.blockTokens());
      int needed = kv.blocksFor(sequence.known()) - cached;
      if (needed + kv.idleAmong(sequence.hashes, cached) > kv.free()) {
        break;
      }
      waiting.remove();
      waitingCount--;
      dropCancelledHead();
      for (int i = 0; i < cached; i++) {
        sequence.hold(kv.share(sequence.hashes[i]));
      }
      sequence.computed = cached * kv.blockTokens();
      if (sequence.cachedTokens < 0) {
        sequence.cachedTokens = Math.min(sequence.computed, sequence.promptTokens);
        prefixQueries += sequence.promptTokens;
        prefixHits += sequence.cachedTokens;
        promptTokens += sequence.promptTokens;
      }
      sequence.chunk = Math.min(sequence.known() - sequence.computed, budget);
      budget -= sequence.chunk;
      sequence.state = Sequence.State.RUNNING;
      running[runningCount++] = sequence;
      grow(sequence, sequence.computed + sequence.chunk);
    }
    padded = runningCount;
  }

  private void dropCancelledHead() {
    while (!waiting.isEmpty() && waiting.element().state == Sequence.State.CANCELLED) {
      waiting.remove();
    }
  }

  private void startRun(boolean preempted) {
    long prefill = 0;
    long context = 0;
    int decoding = 0;
    int longest = 0;
    int steps = Integer.MAX_VALUE;
    for (int i = 0; i < runningCount; i++) {
      Sequence sequence = running[i];
      longest = Math.max(longest, sequence.computed > 0 ? sequence.computed : sequence.chunk);
      if (sequence.chunk == 1 && sequence.computed > 0) {
        decoding++;
        context += sequence.computed;
        steps = Math.min(steps, sequence.maxTokens - sequence.generated);
      } else {
        prefill += sequence.chunk;
      }
    }
    boolean steady = decoding == runningCount && !preempted;
    inFlight = true;
    runStartNanos = freeAtNanos;
    if (profile.callsInTurn()) {
      decoding = decoding > 0 ? padded : 0;
      context = (long) decoding * longest;
      prefill = decoding > 0 ? 0 : (long) padded * longest;
    }
    runFirstNanos = profile.stepMicros(prefill, decoding, context) * 1000 * slowdown;
    runGrowthNanos = decoding * profile.stepPerContextTokenMicros() * 1000 * slowdown;
    runSteps = steady ? stepsThatFit(steps) : 1;
    runDone = 0;
  }

  /** The run's blocks must be there before it starts, since nobody is preempted inside a run. */
  private int stepsThatFit(int wanted) {
    int fit = wanted;
    while (fit > 1) {
      long needed = 0;
      for (int i = 0; i < runningCount; i++) {
        needed += kv.blocksFor(running[i].computed + fit) - running[i].held;
      }
      if (needed <= kv.free()) {
        break;
      }
      fit /= 2;
    }
    return fit;
  }

  /** Books the run's steps up to {@code ended}, then tells the owners. */
  private void complete(int ended) {
    int count = ended - runDone;
    long firstEnd = endOfStep(runDone + 1);
    long at = endOfStep(ended);
    boolean runOver = ended == runSteps;
    steps += count;
    runDone = ended;
    int events = 0;
    int kept = 0;
    for (int i = 0; i < runningCount; i++) {
      Sequence sequence = running[i];
      boolean keep = true;
      if (sequence.chunk > 0) {
        boolean samples = sequence.computed + sequence.chunk == sequence.known();
        sequence.computed += sequence.chunk + count - 1;
        grow(sequence, sequence.computed);
        if (samples) {
          sequence.generated += count;
          generatedTokens += count;
          if (sequence.firstTokenNanos < 0) {
            sequence.firstTokenNanos = firstEnd;
          }
          progressed[events] = sequence;
          progress[events++] = count;
          keep = sequence.generated < sequence.maxTokens;
        }
      }
      if (keep) {
        running[kept++] = sequence;
      } else {
        finish(sequence, at);
      }
    }
    Arrays.fill(running, kept, runningCount, null);
    runningCount = kept;
    if (runOver) {
      inFlight = false;
      freeAtNanos = at;
    }
    tell(events, at);
  }

  private void finish(Sequence sequence, long at) {
    releaseBlocks(sequence);
    sequence.state = Sequence.State.FINISHED;
    sequence.finishedNanos = at;
    finished++;
  }

  /** After the books are closed, so that an owner may submit and cancel as it likes. */
  private void tell(int events, long at) {
    for (int i = 0; i < events; i++) {
      Sequence sequence = progressed[i];
      progressed[i] = null;
      if (sequence.state == Sequence.State.CANCELLED) {
        continue; // by another owner's answer to this very step
      }
      sequence.owner.onTokens(sequence, progress[i], at);
      if (sequence.state == Sequence.State.FINISHED) {
        sequence.owner.onFinished(sequence, at);
      }
    }
  }

  private void grow(Sequence sequence, int tokens) {
    int wanted = kv.blocksFor(tokens);
    while (sequence.held < wanted) {
      sequence.hold(kv.allocate());
    }
    int full = Math.min(tokens / kv.blockTokens(), sequence.hashes.length);
    for (int i = sequence.published; i < full; i++) {
      kv.publish(sequence.blocks[i], sequence.hashes[i]);
    }
    sequence.published = Math.max(sequence.published, full);
  }

  /** Last block first, so that of a sequence the end is evicted before the beginning. */
  private void releaseBlocks(Sequence sequence) {
    for (int i = sequence.held - 1; i >= 0; i--) {
      kv.release(sequence.blocks[i]);
    }
    sequence.held = 0;
    sequence.published = 0;
  }

  private int indexOf(Sequence sequence) {
    for (int i = 0; i < runningCount; i++) {
      if (running[i] == sequence) {
        return i;
      }
    }
    throw new IllegalStateException("a running sequence is not in the batch");
  }

  public int running() {
    return runningCount;
  }

  public int waiting() {
    return waitingCount;
  }

  /** The most sequences that ever ran in one step. */
  int peakRunning() {
    return peakRunning;
  }

  /** Share of the blocks that somebody holds, 0..1. */
  public double kvUsage() {
    return 1 - (double) kv.free() / kv.capacity();
  }

  int freeBlocks() {
    return kv.free();
  }

  public int blocks() {
    return kv.capacity();
  }

  public long evictions() {
    return kv.evictions();
  }

  /**
   * Forgets what is cached, as vLLM does on {@code POST /reset_prefix_cache}.
   *
   * @return false, with nothing done, while sequences run
   */
  boolean resetPrefixCache() {
    return kv.clear();
  }

  /** Tokens of such a prompt that would not have to be computed if it were admitted now. */
  public int cachedTokens(long[] hashes, int promptTokens) {
    int blockTokens = kv.blockTokens();
    return kv.cachedPrefix(hashes, (promptTokens - 1) / blockTokens) * blockTokens;
  }

  /** The sequences in the batch, from the first admitted; in a list of the caller's own. */
  public void running(List<Sequence> into) {
    into.addAll(Arrays.asList(running).subList(0, runningCount));
  }

  /** The sequences in the queue, from the first; in a list of the caller's own. */
  public void waiting(List<Sequence> into) {
    for (Sequence each : waiting) {
      if (each.state != Sequence.State.CANCELLED) {
        into.add(each);
      }
    }
  }

  /** Tokens whose keys and values would still fit, cached ones that nobody holds given up. */
  public long freeTokens() {
    return (long) kv.free() * kv.blockTokens();
  }

  /** Forward passes. */
  public long steps() {
    return steps;
  }

  public long preemptions() {
    return preemptions;
  }

  /** Prompt tokens of the sequences admitted, cached ones included. */
  public long promptTokens() {
    return promptTokens;
  }

  public long generatedTokens() {
    return generatedTokens;
  }

  /** Tokens generated for sequences that were cancelled later. */
  public long wastedTokens() {
    return wastedTokens;
  }

  /** Prompt tokens looked up in the prefix cache. */
  long prefixQueries() {
    return prefixQueries;
  }

  /** Prompt tokens found there. */
  public long prefixHits() {
    return prefixHits;
  }

  long finished() {
    return finished;
  }

  long cancelled() {
    return cancelled;
  }
}
