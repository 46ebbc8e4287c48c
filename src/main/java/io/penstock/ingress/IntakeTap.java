package io.penstock.ingress;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.impl.Http1xServerConnection;
import org.jspecify.annotations.Nullable;

/**
 * Puts the body of a request over HTTP/1.1 where it is to stay as it leaves the socket's buffer, or
 * its cipher's, and gives the server views of that: Vert.x would copy what is in a pooled buffer
 * ({@code VertxHandler.safeBuffer}), and {@link BodyIntake} would copy it again. Order, flow
 * control and ends are the server's as ever.
 *
 * <p>One per connection, before the server's handler, touched on its event loop only. A body that
 * nobody {@link #open opens} while its head is handed over passes unseen, like that of a request
 * that was sent before the one before it was answered.
 */
final class IntakeTap extends ChannelInboundHandlerAdapter {
  private static final String NAME = "penstock-intake-tap";

  /** Whether a head is being handed over, and nothing after it. */
  private boolean isAtHead;

  private @Nullable BodyIntake open;

  private IntakeTap() {}

  /** Gives a new connection one, where it can have one. */
  static void install(HttpConnection connection) {
    if (connection instanceof Http1xServerConnection internal) {
      ChannelHandlerContext server = internal.channelHandlerContext();
      server.pipeline().addBefore(server.name(), NAME, new IntakeTap());
    }
  }

  /** Has the body of the request whose head has just come put into {@code intake}, if it can be. */
  static void open(HttpServerRequest request, BodyIntake intake) {
    if (request.connection() instanceof Http1xServerConnection connection) {
      ChannelPipeline pipeline = connection.channelHandlerContext().pipeline();
      if (pipeline.get(NAME) instanceof IntakeTap tap && tap.isAtHead) {
        tap.open = intake;
      }
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext at, Object message) {
    if (message instanceof HttpRequest) {
      open = null;
      isAtHead = true;
      try {
        at.fireChannelRead(message);
      } finally {
        isAtHead = false;
      }
    } else {
      BodyIntake intake = open;
      if (message instanceof LastHttpContent) {
        open = null;
      }
      at.fireChannelRead(
          intake != null && message instanceof HttpContent content
              ? placed(content, intake)
              : message);
    }
  }

  private HttpContent placed(HttpContent content, BodyIntake intake) {
    if (!content.decoderResult().isSuccess() || !content.content().isReadable()) {
      return content;
    }
    ByteBuf there;
    try {
      there = intake.place(content.content());
    } catch (OutOfMemoryError noRoom) {
      content.release(); // it is not from the heap, which may recover
      throw noRoom;
    }
    if (there == null) {
      open = null; // what comes after it must not overtake it
      return content;
    }
    HttpContent view = content.replace(there);
    content.release();
    return view;
  }
}
