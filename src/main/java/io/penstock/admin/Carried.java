package io.penstock.admin;

import io.penstock.bus.Done;
import io.penstock.bus.OrderException;
import io.penstock.fault.Fault;
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
   * Answers with what was done, or with why it was not, and leaves a line of it in the trail.
   *
   * @param row of what there is now, without secrets
   * @param secret to be shown, this once; empty where there is none
   */
  <T> void answer(
      RoutingContext context,
      Audit.Order order,
      int status,
      Future<Done<T>> done,
      Function<T, JsonObject> row,
      Function<T, String> secret) {
    here(done)
        .onSuccess(
            result -> {
              JsonObject shown = row.apply(result.what());
              order.done(shown, result.warning().isEmpty());
              String once = secret.apply(result.what());
              if (!once.isEmpty()) {
                shown.put("secret", once);
              }
              result.warning().ifPresent(warning -> shown.put("warning", warning));
              Answers.send(context, status, shown);
            })
        .onFailure(
            failure -> {
              if (failure instanceof OrderException no) {
                order.refused(no.fault().code());
                Answers.refuse(context, no.fault(), String.valueOf(no.getMessage()), no.param());
              } else {
                order.refused(Fault.INTERNAL.code());
                Answers.broken(context, failure);
              }
            });
  }

  /** The same where there is no secret. */
  <T> void answer(
      RoutingContext context,
      Audit.Order order,
      int status,
      Future<Done<T>> done,
      Function<T, JsonObject> row) {
    answer(context, order, status, done, row, what -> "");
  }
}
