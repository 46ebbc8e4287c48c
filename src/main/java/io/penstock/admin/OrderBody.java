package io.penstock.admin;

import io.penstock.fault.Fault;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.util.function.Consumer;

/** Reads bodies that are a JSON object, or nothing. */
final class OrderBody {
  private OrderBody() {}

  /** Hands on the object of a body, an empty one of none; tells what is wrong with it. */
  static void read(
      RoutingContext context, Audit.Order order, int bytesMax, Consumer<JsonObject> then) {
    read(context.request(), bytesMax)
        .onSuccess(
            bytes -> {
              try {
                then.accept(bytes.length() == 0 ? new JsonObject() : bytes.toJsonObject());
              } catch (Fields.Mistake mistake) {
                refuse(
                    context,
                    order,
                    Fault.INVALID_VALUE,
                    String.valueOf(mistake.getMessage()),
                    mistake.param());
              } catch (DecodeException | ClassCastException e) {
                refuse(
                    context,
                    order,
                    Fault.INVALID_JSON,
                    "the body is no JSON (expected: an object)",
                    "");
              }
            })
        .onFailure(
            tooLong ->
                refuse(
                    context,
                    order,
                    Fault.BODY_TOO_LARGE,
                    String.valueOf(tooLong.getMessage()),
                    ""));
  }

  private static void refuse(
      RoutingContext context, Audit.Order order, Fault fault, String message, String param) {
    order.refused(fault.code());
    Answers.refuse(context, fault, message, param);
  }

  private static Future<Buffer> read(HttpServerRequest request, int bytesMax) {
    Promise<Buffer> whole = Promise.promise();
    Buffer body = Buffer.buffer();
    request
        .handler(
            piece -> {
              if (body.length() + piece.length() <= bytesMax) {
                body.appendBuffer(piece);
              } else {
                whole.tryFail("the body is too large (expected: at most " + bytesMax + " bytes)");
              }
            })
        .endHandler(end -> whole.tryComplete(body));
    return whole.future();
  }
}
