package io.penstock.ingress;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.penstock.openai.Slice;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.impl.HttpClientConnectionInternal;
import io.vertx.core.internal.ContextInternal;
import org.jspecify.annotations.Nullable;

/**
 * Takes the body of an engine's chunked answer over HTTP/1.1 as it leaves the socket, or its
 * cipher, one copy from its buffer, instead of at the end of a decoder's, a pipeline's and the
 * client's queues: a stream has thousands of pieces, and on a core with a thousand streams each
 * object on their way is one that has left the cache.
 *
 * <p>The client sees the head of each answer and its last chunk, which is all that it needs to keep
 * the connection. Its decoder gets the head alone, and stands between two chunks when it has read
 * it; when the last chunk comes, it still does. An answer whose head does not come in one read, one
 * that is not chunked and one that nobody {@link #open opens} while its head is handed over, pass
 * unseen.
 *
 * <p>One per connection, before the codec, touched on its event loop only. There is none where the
 * pipeline is not the usual one (HTTP/2).
 */
final class BodyTap extends ChannelDuplexHandler {
  private static final String NAME = "penstock-body-tap";

  private static final short CRLF = '\r' << 8 | '\n';

  /** The line of the last chunk as the codec likes it: it takes fewer extensions than there are. */
  private static final ByteBuf LAST_CHUNK =
      Unpooled.unreleasableBuffer(Unpooled.wrappedBuffer(new byte[] {'0', '\r', '\n'}));

  private static final byte[] VERSION = {'H', 'T', 'T', 'P', '/', '1', '.'};

  private final Channel channel;
  private final ReadEnd readEnd;

  /** Whether what may be a head is being handed over, and nothing after it. */
  private boolean isAtHead;

  private @Nullable Open open;

  /** Whether nothing has been asked since the last answer ended; false where that is not known. */
  private boolean isIdle;

  /** Whether the connection is lost, and what still comes on it too. */
  private boolean isBroken;

  /** Whether the codec has been given something since it was last told that a read was over. */
  private boolean passed;

  private BodyTap(Channel channel, ReadEnd readEnd) {
    this.channel = channel;
    this.readEnd = readEnd;
  }

  /** An answer whose body is taken. */
  private record Open(ContextInternal context, Handler<Slice> pieces, ChunkFraming framing) {}

  /**
   * Gives a new connection one, where it can have one.
   *
   * @param readEnd of its loop; what the pieces of a read put off runs when it has been read
   */
  static void install(HttpConnection connection, ReadEnd readEnd) {
    if (connection instanceof HttpClientConnectionInternal internal) {
      ChannelPipeline pipeline = internal.channelHandlerContext().pipeline();
      ChannelHandlerContext codec = pipeline.context(HttpClientCodec.class);
      if (codec != null) {
        pipeline.addBefore(codec.name(), NAME, new BodyTap(pipeline.channel(), readEnd));
      }
    }
  }

  /**
   * Gives the body of the answer whose head has just come to {@code pieces}, on the context that is
   * current, in stretches that nobody else writes to.
   *
   * @return null where the body comes by the client
   */
  static @Nullable BodyTap open(HttpClientResponse answer, Handler<Slice> pieces) {
    ContextInternal context = ContextInternal.current();
    if (context != null
        && answer.request().connection() instanceof HttpClientConnectionInternal internal
        && internal.channelHandlerContext().pipeline().get(NAME) instanceof BodyTap tap
        && tap.isAtHead
        && context.nettyEventLoop() == tap.channel.eventLoop()
        && HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(
            answer.headers().get(HttpHeaderNames.TRANSFER_ENCODING))) {
      tap.open = new Open(context, pieces, new ChunkFraming());
      return tap;
    }
    return null;
  }

  /** Reads no more from the socket until {@link #resume}; what has been read still comes. */
  void pause() {
    channel.config().setAutoRead(false);
  }

  void resume() {
    channel.config().setAutoRead(true);
  }

  @Override
  public void channelRead(ChannelHandlerContext at, Object message) {
    if (message instanceof ByteBuf bytes) {
      try {
        read(at, bytes);
      } finally {
        bytes.release();
      }
    } else {
      pass(at, message);
    }
  }

  private void pass(ChannelHandlerContext at, Object message) {
    passed = true;
    at.fireChannelRead(message);
  }

  @Override
  public void write(ChannelHandlerContext at, Object message, ChannelPromise promise) {
    isIdle = false;
    at.write(message, promise);
  }

  /** Gives the codec a head for itself where one begins, and what follows it as it is then due. */
  private void read(ChannelHandlerContext at, ByteBuf bytes) {
    while (bytes.isReadable() && !isBroken) {
      if (isIdle) {
        cutOff(at);
        return;
      }
      Open answer = open;
      int head = answer == null ? headLength(bytes) : 0;
      if (answer != null) {
        unframe(at, answer, bytes);
      } else if (head > 0) {
        isAtHead = true;
        try {
          pass(at, bytes.readRetainedSlice(head));
        } finally {
          isAtHead = false;
        }
      } else {
        pass(at, bytes.readRetainedSlice(bytes.readableBytes()));
      }
    }
  }

  /** Up to the empty line that ends a head; 0 where no head begins, or it does not end. */
  private static int headLength(ByteBuf bytes) {
    int from = bytes.readerIndex();
    int to = bytes.writerIndex();
    for (int i = 0; i < VERSION.length; i++) {
      if (from + i >= to || bytes.getByte(from + i) != VERSION[i]) {
        return 0;
      }
    }
    int lineEnd = bytes.indexOf(from, to, (byte) '\n');
    while (lineEnd >= 0 && lineEnd + 1 < to) {
      int next = lineEnd + 1;
      if (bytes.getByte(next) == '\r' && next + 1 < to) {
        next++;
      }
      if (bytes.getByte(next) == '\n') {
        return next + 1 - from;
      }
      lineEnd = bytes.indexOf(next, to, (byte) '\n');
    }
    return 0;
  }

  private void unframe(ChannelHandlerContext at, Open answer, ByteBuf bytes) {
    byte[] array = new byte[bytes.readableBytes()];
    bytes.readBytes(array);
    ChunkFraming body = answer.framing();
    body.feed(array);
    if (body.contentLength() > 0) {
      readEnd.begins();
      answer.context().dispatch(content(body), answer.pieces());
    }
    String wrong = body.malformation();
    if (wrong != null) {
      open = null;
      isBroken = true;
      at.fireExceptionCaught(new BadFramingException(wrong));
    } else if (body.isOver()) {
      open = null;
      end(at, Unpooled.wrappedBuffer(body.bytes(), body.rest(), body.restLength()));
    } else {
      body.forget();
    }
  }

  /** A copy where most of the array is framing: whoever keeps contents counts their lengths. */
  private static Slice content(ChunkFraming body) {
    Slice content = new Slice(body.bytes(), body.contentFrom(), body.contentLength());
    return 2 * content.length() < content.bytes().length
        ? Slice.of(content.toByteArray())
        : content;
  }

  /** More has come than was asked for: the next request would take it for its answer. */
  private void cutOff(ChannelHandlerContext at) {
    isBroken = true;
    at.close();
  }

  /**
   * Lets the codec see the end of the answer.
   *
   * @param rest what follows the line of the last chunk
   */
  private void end(ChannelHandlerContext at, ByteBuf rest) {
    boolean isWhole = rest.readableBytes() >= 2 && rest.getShort(0) == CRLF; // else trailers
    ByteBuf end = isWhole ? rest.readSlice(2) : rest.readSlice(rest.readableBytes());
    isIdle = isWhole;
    pass(at, Unpooled.wrappedBuffer(LAST_CHUNK.duplicate(), end));
    if (rest.isReadable()) {
      cutOff(at);
    }
  }

  /** Nobody after this has anything to do where nothing has come to it. */
  @Override
  public void channelReadComplete(ChannelHandlerContext at) {
    readEnd.ends();
    if (passed || open == null) {
      passed = false;
      at.fireChannelReadComplete();
    }
  }

  /** It hears of no end after this, and a loop that waited for one would write nothing more. */
  @Override
  public void handlerRemoved(ChannelHandlerContext at) {
    readEnd.ends();
  }
}
