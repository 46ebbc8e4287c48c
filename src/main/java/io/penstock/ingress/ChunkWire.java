package io.penstock.ingress;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.timeout.IdleStateHandler;
import io.penstock.openai.Slice;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.impl.Http1xServerConnection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes chunks (RFC 9112, 7.1) of an answer over HTTP/1.1 whose head has been written: each is put
 * together in one buffer and handed to the socket from the encoder's place in the pipeline. By the
 * way of the response it would be three buffers, a promise with its listeners, and a queue.
 *
 * <p>The response writes the head before and the last chunk after, so the encoder's state is the
 * same as if it had written these itself; the server is in strict thread mode, which has no queue
 * that could be overtaken. Whether the socket is full, the response says as ever. Used on the
 * connection's event loop only.
 */
final class ChunkWire {
  /** Of the hexadecimal length, at most eight digits, and two line ends. */
  private static final int OVERHEAD_MAX_BYTES = 12;

  private static final int CRLF = '\r' << 8 | '\n';

  private final ChannelHandlerContext encoder;
  private final ChannelPromise nobodyAsks;
  private final ChunkRoom room;
  private final @Nullable IdleStateHandler idle;

  private ChunkWire(
      ChannelHandlerContext encoder,
      ChannelPromise nobodyAsks,
      ChunkRoom room,
      @Nullable IdleStateHandler idle) {
    this.encoder = encoder;
    this.room = room;
    this.nobodyAsks = nobodyAsks;
    this.idle = idle;
  }

  /** For the answer to this request, on a loop with this room; null where it is not of HTTP/1.1. */
  static @Nullable ChunkWire of(HttpServerRequest request, ChunkRoom room) {
    if (request.version() == HttpVersion.HTTP_1_1
        && request.connection() instanceof Http1xServerConnection connection) {
      ChannelPipeline pipeline = connection.channelHandlerContext().pipeline();
      ChannelHandlerContext encoder = pipeline.context(HttpResponseEncoder.class);
      if (encoder != null) {
        return new ChunkWire(
            encoder, connection.voidPromise, room, pipeline.get(IdleStateHandler.class));
      }
    }
    return null;
  }

  /**
   * Puts one chunk together, which is then to be {@link #send sent}.
   *
   * @param length of all the slices, not 0
   */
  ByteBuf chunk(List<Slice> slices, int length) {
    ByteBuf chunk = room.take(encoder.alloc(), length + OVERHEAD_MAX_BYTES);
    writeHex(chunk, length);
    chunk.writeShort(CRLF);
    for (int i = 0; i < slices.size(); i++) {
      Slice slice = slices.get(i);
      chunk.writeBytes(slice.bytes(), slice.offset(), slice.length());
    }
    chunk.writeShort(CRLF);
    return chunk;
  }

  /**
   * Hands it to the socket, at once. A socket that has more room afterwards than before says so
   * from within, so that who writes may be brought more before this returns.
   */
  void send(ByteBuf chunk) {
    encoder.writeAndFlush(chunk, nobodyAsks);
    if (idle != null) {
      idle.resetWriteTimeout(); // it does not see what is written from here
    }
  }

  private static void writeHex(ByteBuf to, int number) {
    int shift = (Integer.SIZE - 1 - Integer.numberOfLeadingZeros(number)) & ~3;
    for (; shift >= 0; shift -= 4) {
      to.writeByte(Character.forDigit(number >>> shift & 0xf, 16));
    }
  }
}
