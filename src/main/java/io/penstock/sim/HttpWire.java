package io.penstock.sim;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.impl.HttpServerConnection;

/** The ordinary wire: an HTTP/1.1 response. */
@SuppressWarnings("FutureReturnValueIgnored") // what a closing socket says is of no use
final class HttpWire implements Wire {
  private final HttpConnection connection;
  private final HttpServerResponse response;
  private Future<Void> lastWrite = Future.succeededFuture();

  HttpWire(HttpServerRequest request) {
    this.connection = request.connection();
    this.response = request.response();
  }

  @Override
  public void header(String name, String value) {
    response.putHeader(name, value);
  }

  @Override
  public void head(int status, String contentType, int length) {
    response.setStatusCode(status).putHeader("content-type", contentType);
    if (length < 0) {
      response.setChunked(true);
    } else {
      response.putHeader("content-length", Integer.toString(length));
    }
    lastWrite = response.writeHead();
  }

  @Override
  public void write(Buffer bytes) {
    lastWrite = response.write(bytes);
  }

  @Override
  public void end() {
    response.end();
  }

  @Override
  public void whole(int status, String contentType, Buffer body) {
    response.setStatusCode(status).putHeader("content-type", contentType).end(body);
  }

  @Override
  public boolean isFull() {
    return response.writeQueueFull();
  }

  @Override
  public void onDrain(Runnable action) {
    response.drainHandler(drained -> action.run());
  }

  @Override
  public void reset() {
    lastWrite.onComplete(written -> abort(connection));
  }

  @Override
  public void cut() {
    lastWrite.onComplete(written -> channel(connection).pipeline().firstContext().close());
  }

  /** Closes without a farewell: with linger 0 the kernel sends RST instead of FIN. */
  static void abort(HttpConnection connection) {
    Channel channel = channel(connection);
    channel.config().setOption(ChannelOption.SO_LINGER, 0);
    channel.pipeline().firstContext().close();
  }

  /**
   * The socket under an HTTP connection. Vert.x has no public way to it, and none to send RST on
   * one connection or bytes past its HTTP encoder.
   */
  static Channel channel(HttpConnection connection) {
    return ((HttpServerConnection) connection).channelHandlerContext().channel();
  }
}
