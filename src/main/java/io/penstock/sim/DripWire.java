package io.penstock.sim;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.nio.charset.StandardCharsets;

/**
 * Sends status line and headers byte by byte, a few milliseconds apart, then the body at full
 * speed. Writes to the socket below the HTTP encoder, so the connection ends with the answer.
 */
@SuppressWarnings("FutureReturnValueIgnored") // what a closing socket says is of no use
final class DripWire implements Wire {
  private final Vertx vertx;
  private final Channel channel;
  private final ChannelHandlerContext socket;
  private final long millis;
  private final StringBuilder headers = new StringBuilder();
  private final Buffer held = Buffer.buffer();
  private boolean chunked;
  private boolean dripping;
  private boolean ended;
  private Runnable drained = () -> {};

  DripWire(Vertx vertx, HttpServerRequest request, long millis) {
    this.vertx = vertx;
    this.channel = HttpWire.channel(request.connection());
    this.socket = channel.pipeline().firstContext();
    this.millis = Math.max(1, millis);
  }

  @Override
  public void header(String name, String value) {
    headers.append(name).append(": ").append(value).append("\r\n");
  }

  @Override
  public void head(int status, String contentType, int length) {
    chunked = length < 0;
    header("content-type", contentType);
    header("connection", "close");
    header(
        chunked ? "transfer-encoding" : "content-length",
        chunked ? "chunked" : Integer.toString(length));
    dripping = true;
    drip(
        ("HTTP/1.1 " + status + " Simulated\r\n" + headers + "\r\n")
            .getBytes(StandardCharsets.US_ASCII),
        0);
  }

  private void drip(byte[] head, int at) {
    if (!channel.isActive()) {
      return;
    }
    if (at < head.length) {
      socket.writeAndFlush(Unpooled.wrappedBuffer(new byte[] {head[at]}));
      vertx.setTimer(millis, fired -> drip(head, at + 1));
      return;
    }
    dripping = false;
    send(held);
    drained.run();
    if (ended) {
      finish();
    }
  }

  @Override
  public void write(Buffer bytes) {
    Buffer framed =
        chunked
            ? Buffer.buffer(Integer.toHexString(bytes.length()) + "\r\n")
                .appendBuffer(bytes)
                .appendString("\r\n")
            : bytes;
    if (dripping) {
      held.appendBuffer(framed);
    } else {
      send(framed);
    }
  }

  @Override
  public void end() {
    ended = true;
    if (!dripping) {
      finish();
    }
  }

  private void finish() {
    ChannelFuture last = send(chunked ? Buffer.buffer("0\r\n\r\n") : Buffer.buffer());
    last.addListener(written -> socket.close());
  }

  private ChannelFuture send(Buffer bytes) {
    return socket.writeAndFlush(Unpooled.wrappedBuffer(bytes.getBytes()));
  }

  @Override
  public boolean isFull() {
    return dripping || !channel.isWritable();
  }

  @Override
  public void onDrain(Runnable action) {
    drained = action;
  }

  @Override
  public void reset() {
    channel.config().setOption(ChannelOption.SO_LINGER, 0);
    socket.close();
  }

  @Override
  public void cut() {
    socket.close();
  }
}
