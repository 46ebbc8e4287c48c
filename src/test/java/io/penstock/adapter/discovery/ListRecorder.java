package io.penstock.adapter.discovery;

import io.penstock.inference.ReplicaSpec;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Takes lists as they come and hands them to the test's thread. */
final class ListRecorder implements Consumer<List<ReplicaSpec>> {
  private static final int SECONDS_MAX = 60;

  private final BlockingQueue<List<ReplicaSpec>> lists = new LinkedBlockingQueue<>();

  @Override
  public void accept(List<ReplicaSpec> list) {
    lists.add(list);
  }

  /** The next list; fails after a minute. */
  List<ReplicaSpec> next() {
    try {
      List<ReplicaSpec> list = lists.poll(SECONDS_MAX, TimeUnit.SECONDS);
      if (list == null) {
        throw new AssertionError("no list within " + SECONDS_MAX + " s");
      }
      return list;
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }

  List<String> nextUrls() {
    return next().stream().map(ReplicaSpec::url).sorted().toList();
  }

  boolean isEmpty() {
    return lists.isEmpty();
  }

  /** Waits until a condition holds; fails after a minute. */
  static void until(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS_MAX);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("not within " + SECONDS_MAX + " s");
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
    }
  }
}
