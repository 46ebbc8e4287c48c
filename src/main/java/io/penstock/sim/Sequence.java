package io.penstock.sim;

import java.util.Arrays;

/** One sequence inside an {@link EngineCore}: a prompt and what was generated for it. */
final class Sequence {
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
  interface Owner {
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

  void hold(int block) {
    if (held == blocks.length) {
      blocks = Arrays.copyOf(blocks, held * 2);
    }
    blocks[held++] = block;
  }
}
