package io.penstock.stream;

/** What follows when an attempt has failed. */
public enum NextStep {
  /** The request goes to another replica from its beginning: the client has seen nothing of it. */
  RETRY,
  /** Another replica goes on where the stream broke. */
  RESUME,
  /** The client is told. */
  TELL
}
