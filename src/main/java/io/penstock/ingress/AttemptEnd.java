package io.penstock.ingress;

/** How one attempt ended by the engine's doing. */
sealed interface AttemptEnd {
  /** The engine said that it was done, and all of it has been handed over. */
  record Done() implements AttemptEnd {}

  /** An answer in one piece that the client gets as it is: a result, or the engine's own 4xx. */
  record Whole(EngineAnswer.Passed answer) implements AttemptEnd {}

  /** The call that it was to share has gone, or is lost, without it: nobody has asked a replica. */
  record LeftOut() implements AttemptEnd {}

  /** The replica failed. */
  record Failed(Failure failure) implements AttemptEnd {}
}
