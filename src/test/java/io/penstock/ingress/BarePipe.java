package io.penstock.ingress;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.PoolOptions;

/**
 * The least that a gateway on Vert.x can do, to be measured beside ours: the request is collected
 * and sent on, the answer comes back piece by piece, with back-pressure and cancellation, and
 * nothing is looked at. Its arguments are the port to listen on and the engine's.
 */
final class BarePipe {
  private static final int CONNECTIONS_MAX = 4_096;

  private final HttpClient client;
  private final int enginePort;

  private BarePipe(Vertx vertx, int enginePort) {
    this.client = vertx.createHttpClient(new PoolOptions().setHttp1MaxSize(CONNECTIONS_MAX));
    this.enginePort = enginePort;
  }

  /** Runs until it is stopped. */
  public static void main(String[] ports) {
    Vertx vertx =
        Vertx.vertx(new VertxOptions().setPreferNativeTransport(true).setEventLoopPoolSize(1));
    BarePipe pipe = new BarePipe(vertx, Integer.parseInt(ports[1]));
    vertx
        .createHttpServer()
        .requestHandler(request -> request.body().onSuccess(body -> pipe.forward(request, body)))
        .listen(Integer.parseInt(ports[0]));
  }

  private void forward(HttpServerRequest request, Buffer body) {
    client
        .request(request.method(), enginePort, "127.0.0.1", request.uri())
        .onFailure(down -> request.response().setStatusCode(502).end())
        .onSuccess(
            call -> {
              request.response().closeHandler(gone -> call.reset());
              call.response().onSuccess(answer -> pipe(answer, request.response()));
              call.end(body);
            });
  }

  private static void pipe(HttpClientResponse from, HttpServerResponse to) {
    to.setStatusCode(from.statusCode());
    to.headers().set(HttpHeaderNames.CONTENT_TYPE, from.getHeader(HttpHeaderNames.CONTENT_TYPE));
    String length = from.getHeader(HttpHeaderNames.CONTENT_LENGTH);
    if (length == null) {
      to.setChunked(true);
    } else {
      to.headers().set(HttpHeaderNames.CONTENT_LENGTH, length);
    }
    from.handler(
        piece -> {
          to.write(piece);
          if (to.writeQueueFull()) {
            from.pause();
            to.drainHandler(drained -> from.resume());
          }
        });
    from.exceptionHandler(broken -> to.reset());
    from.endHandler(end -> to.end());
  }
}
