package io.penstock.sim;

import java.util.Arrays;

/** One sequence inside an {@link EngineCore}: a prompt and what was generated for it. */
public final class Sequence {
  /** Where a sequence is. */
  enum State {
    /** In the queue, for the first time or after a preemption. */
    WAITING,
    /** In the batch. */
    RUNNING,
    /** All tokens generated. */
    FINISHED,
    /** Given up by its owner. */
    CANCELLED
  }

  /** Told of a sequence's progress; may submit and cancel from within. */
  public interface Owner {
    /** {@code count} more tokens exist since {@code atNanos}. */
    void onTokens(Sequence sequence, int count, long atNanos);

    /** The last token exists; called after its {@link #onTokens}. */
    void onFinished(Sequence sequence, long atNanos);
  }

  final Owner owner;
  final long[] hashes;
  final int promptTokens;
  final int maxTokens;
  final long arrivalNanos;

  State state = State.WAITING;

  /** Tokens whose keys and values exist. */
  int computed;

  /** Tokens generated. */
  int generated;

  /** Tokens that the step in flight computes. */
  int chunk;

  /** Prompt tokens found in the cache at first admission; -1 before. */
  int cachedTokens = -1;

  int preemptions;
  long firstTokenNanos = -1;
  long finishedNanos = -1;
  int[] blocks = new int[4];
  int held;

  /** Leading blocks that were made findable. */
  int published;

  Sequence(Owner owner, long[] hashes, int promptTokens, int maxTokens, long arrivalNanos) {
    this.owner = owner;
    this.hashes = hashes;
    this.promptTokens = promptTokens;
    this.maxTokens = maxTokens;
    this.arrivalNanos = arrivalNanos;
  }

  /** Prompt and generated tokens. */
  int known() {
    return promptTokens + generated;
  }

  /** Prompt tokens found in the cache at first admission; -1 before. */
  public int cachedTokens() {
    return cachedTokens;
  }

  /** When the first token was there, in nanoseconds; -1 before. */
  public long firstTokenNanos() {
    return firstTokenNanos;
  }

  /** Tokens generated so far. */
  public int generated() {
    return generated;
  }

  /** Tokens that are still to be generated. */
  public int remaining() {
    return maxTokens - generated;
  }

  /** Tokens of its text, generated ones included, whose keys and values do not exist yet. */
  public int uncomputed() {
    return known() - computed;
  }

  /** Tokens whose keys and values exist. */
  public int computed() {
    return computed;
  }

  /** Tokens of its prompt. */
  public int promptTokens() {
    return promptTokens;
  }

  /** The chained hashes that it was submitted with; to be read only. */
  public long[] hashes() {
    return hashes;
  }

  void hold(int block) {
    if (held == blocks.length) {
      blocks = Arrays.copyOf(blocks, held * 2);
    }
    blocks[held++] = block;
  }
}
