package io.penstock.batcher;

import java.util.Arrays;

/**
 * Requests and failures of the last so many milliseconds, in {@link #BUCKETS} parts, the oldest of
 * which is forgotten as a whole. Constant memory, whatever the rate.
 */
final class ErrorWindow {
  static final int BUCKETS = 12;

  private final long bucketMillis;
  private final int[] requests = new int[BUCKETS];
  private final int[] failures = new int[BUCKETS];
  private long newest = Long.MIN_VALUE;
  private int requestsSum;
  private int failuresSum;

  ErrorWindow(long windowMillis) {
    this.bucketMillis = Math.max(1, windowMillis / BUCKETS);
  }

  void add(boolean failed, long nowMillis) {
    int bucket = advance(nowMillis);
    requests[bucket]++;
    requestsSum++;
    if (failed) {
      failures[bucket]++;
      failuresSum++;
    }
  }

  int requests(long nowMillis) {
    advance(nowMillis);
    return requestsSum;
  }

  int failures(long nowMillis) {
    advance(nowMillis);
    return failuresSum;
  }

  void clear() {
    Arrays.fill(requests, 0);
    Arrays.fill(failures, 0);
    requestsSum = 0;
    failuresSum = 0;
  }

  /** Forgets what is too old; the bucket of now. */
  private int advance(long nowMillis) {
    long now = Math.floorDiv(nowMillis, bucketMillis);
    if (newest == Long.MIN_VALUE || now - newest >= BUCKETS) {
      clear();
      newest = now;
    }
    while (newest < now) {
      newest++;
      int gone = index(newest);
      requestsSum -= requests[gone];
      failuresSum -= failures[gone];
      requests[gone] = 0;
      failures[gone] = 0;
    }
    return index(newest);
  }

  private static int index(long bucket) {
    return (int) Math.floorMod(bucket, (long) BUCKETS);
  }
}
