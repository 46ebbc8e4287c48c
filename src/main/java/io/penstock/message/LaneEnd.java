package io.penstock.message;

/** Whether a lane's answer goes on, and if not, how it ended. */
public enum LaneEnd {
  /** More follows. */
  MORE,
  /** This was the end of it. */
  DONE,
  /** The batch goes, or has gone, without this lane: it asks for a slot anew. */
  LEFT_OUT,
  /** The replica could not be reached. */
  UNREACHABLE,
  /** The replica did not accept a connection in time. */
  CONNECT_TIMEOUT,
  /** The connection to the replica broke. */
  BROKEN_OFF,
  /** The replica ended its answer before all that was asked was there. */
  ENDED_EARLY,
  /** The replica's answer was none to all that was asked. */
  MALFORMED,
  /** Its client reads so slowly that the others of its call had to wait for it. */
  TOO_SLOW
}
