package io.penstock.admin;

import io.penstock.bus.OrderException;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.util.function.Function;

/** Brings what other verticles have done back to the event loop of the admin API. */
record Carried(Context context) {
  /** The same, completed here. */
  <T> Future<T> here(Future<T> future) {
    Promise<T> promise = Promise.promise();
    future.onComplete(
        done ->
            context.runOnContext(
                turn -> {
                  if (done.succeeded()) {
                    promise.complete(done.result());
                  } else {
                    promise.fail(done.cause());
                  }
                }));
    return promise.future();
  }

  /**
   * Answers with what was done, or with why it was not.
   *
   * @param row tells of the result
   */
  <T> void answer(RoutingContext context, int status, Future<T> done, Function<T, JsonObject> row) {
    here(done)
        .onSuccess(result -> Answers.send(context, status, row.apply(result)))
        .onFailure(
            failure -> {
              if (failure instanceof OrderException no) {
                Answers.refuse(context, no.fault(), String.valueOf(no.getMessage()), no.param());
              } else {
                Answers.broken(context, failure);
              }
            });
  }
}
