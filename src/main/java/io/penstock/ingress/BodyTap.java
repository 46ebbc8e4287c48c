package io.penstock.ingress;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.LastHttpContent;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.impl.HttpClientConnectionInternal;
import io.vertx.core.internal.ContextInternal;
import org.jspecify.annotations.Nullable;

/**
 * Takes the pieces of an engine's answer over HTTP/1.1 as they leave the decoder, one copy from the
 * socket's buffer, instead of at the end of the client's queues: a stream has thousands of them.
 * The client sees the head and the end of each answer, which is all that it needs to keep the
 * connection; an answer that it has begun to read stays its own to the end.
 *
 * <p>One per connection, between the codec and the client's handler, touched on its event loop
 * only. There is none where the pipeline is not the usual one (HTTP/2).
 */
final class BodyTap extends ChannelInboundHandlerAdapter {
  private static final String NAME = "penstock-body-tap";

  private @Nullable ChannelHandlerContext here;
  private @Nullable ContextInternal context;
  private @Nullable Handler<byte[]> pieces;

  /** Whether the client has been given a piece of the answer that is being read. */
  private boolean passed;

  private BodyTap() {}

  /** Gives a new connection one, where it can have one. */
  static void install(HttpConnection connection) {
    if (connection instanceof HttpClientConnectionInternal internal) {
      ChannelPipeline pipeline = internal.channelHandlerContext().pipeline();
      ChannelHandlerContext codec = pipeline.context(HttpClientCodec.class);
      if (codec != null) {
        pipeline.addAfter(codec.name(), NAME, new BodyTap());
      }
    }
  }

  /**
   * Gives the rest of the answer whose head has just come to {@code pieces}, in arrays that nobody
   * else writes to.
   *
   * @param context to call it on
   * @return null where the pieces come by the client
   */
  static @Nullable BodyTap open(
      HttpConnection connection, ContextInternal context, Handler<byte[]> pieces) {
    if (connection instanceof HttpClientConnectionInternal internal
        && internal.channelHandlerContext().pipeline().get(NAME) instanceof BodyTap tap
        && !tap.passed) {
      tap.context = context;
      tap.pieces = pieces;
      return tap;
    }
    return null;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext added) {
    here = added;
  }

  /** Reads no more from the socket until {@link #resume}; what has been read still comes. */
  void pause() {
    setAutoRead(false);
  }

  void resume() {
    setAutoRead(true);
  }

  private void setAutoRead(boolean on) {
    if (here != null) {
      here.channel().config().setAutoRead(on);
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext at, Object message) {
    if (message instanceof HttpContent content && !(message instanceof LastHttpContent)) {
      if (pieces != null && context != null) {
        context.dispatch(bytes(content), pieces);
        return;
      }
      passed = true;
    } else if (message instanceof HttpResponse) {
      passed = false;
      close();
    } else {
      close();
    }
    at.fireChannelRead(message);
  }

  private void close() {
    context = null;
    pieces = null;
  }

  private static byte[] bytes(HttpContent content) {
    try {
      ByteBuf bytes = content.content();
      return ByteBufUtil.getBytes(bytes, bytes.readerIndex(), bytes.readableBytes(), true);
    } finally {
      content.release();
    }
  }
}
