package io.penstock.message;

/** What can be drained by a mark; a node drains itself. */
public enum DrainKind {
  REPLICA,
  POOL
}
