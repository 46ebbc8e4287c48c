package io.penstock.stream;

/**
 * How long each phase of one request may take, in milliseconds.
 *
 * @param receiveMillis reading the body and being routed
 * @param queueMillis waiting for a slot
 * @param connectMillis from the slot to the request written
 * @param firstTokenMillis from there to the first content; not for requests that do not stream
 * @param idleMillis between two frames
 * @param totalMillis the whole request
 */
public record StreamDeadlines(
    long receiveMillis,
    long queueMillis,
    long connectMillis,
    long firstTokenMillis,
    long idleMillis,
    long totalMillis) {

  /** The same with another bound on waiting for a slot, known once the pool is. */
  public StreamDeadlines withQueueMillis(long millis) {
    return new StreamDeadlines(
        receiveMillis, millis, connectMillis, firstTokenMillis, idleMillis, totalMillis);
  }

  /** The same with another bound on the whole request. */
  public StreamDeadlines withTotalMillis(long millis) {
    return new StreamDeadlines(
        receiveMillis, queueMillis, connectMillis, firstTokenMillis, idleMillis, millis);
  }
}
