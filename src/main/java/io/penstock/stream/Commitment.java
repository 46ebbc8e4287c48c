package io.penstock.stream;

/** What the client has of its answer. */
public enum Commitment {
  /** Nothing that an engine made: at most a status line and pings. */
  NOTHING,
  /** Frames of a stream. */
  FRAMES,
  /** Part of an answer in one piece, which nobody can go on with. */
  PIECES
}
