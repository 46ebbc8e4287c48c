package io.penstock.message;

/** What is limited. */
public enum LimitKind {
  /** Requests, in any 60 seconds. */
  REQUESTS,
  /** Tokens of prompts and completions, in any 60 seconds. */
  TOKENS,
  /** Requests at once. */
  CONCURRENT
}
