package io.penstock.admin;

import io.penstock.bus.Bus;
import io.penstock.message.Message;
import io.penstock.message.Station;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongFunction;

/**
 * Questions to other nodes that are open; on one event loop. An answer that does not come within
 * {@link #WAIT_MILLIS} fails its question. Bounded by the requests that are served at a time, times
 * the pools.
 */
final class Questions {
  static final long WAIT_MILLIS = 2_000;

  private final Vertx vertx;
  private final Bus bus;
  private final Map<Long, Promise<Message>> open = new HashMap<>();
  private long asked;

  Questions(Vertx vertx, Bus bus) {
    this.vertx = vertx;
    this.bus = bus;
  }

  /** The answer; fails with why there is none, for the operator. */
  Future<Message> ask(Station to, LongFunction<Message> question) {
    long number = ++asked;
    Promise<Message> answer = Promise.promise();
    open.put(number, answer);
    long timer =
        vertx.setTimer(
            WAIT_MILLIS, late -> fail(number, "no answer within " + WAIT_MILLIS + " ms"));
    bus.send(to, question.apply(number))
        .onFailure(unreached -> fail(number, "its node can not be reached"));
    return answer.future().onComplete(done -> vertx.cancelTimer(timer));
  }

  private void fail(long number, String why) {
    Promise<Message> promise = open.remove(number);
    if (promise != null) {
      promise.fail(why);
    }
  }

  /** An answer has come. One that is late, or was not asked for, is dropped. */
  void answered(long number, Message answer) {
    Promise<Message> promise = open.remove(number);
    if (promise != null) {
      promise.complete(answer);
    }
  }
}
