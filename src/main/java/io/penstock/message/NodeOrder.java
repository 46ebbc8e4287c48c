package io.penstock.message;

/** What {@link AskNode} asks of a node besides its report. */
public enum NodeOrder {
  /** Nothing. */
  REPORT,
  /** To give up its roles and take no new work, as before its end. */
  DRAIN,
  /** To take its roles and new work again. */
  RESUME
}
