package io.penstock.ingress;

import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpVersion;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How the ingress listens: HTTP/1.1 and HTTP/2 on one port, with TLS where files are configured.
 */
final class ServerOptions {
  /** What may lie in the kernel for one slow client. */
  private static final int SOCKET_BUFFER_BYTES = 256 << 10;

  /** As much as Netty reads from a socket at once: no decoder has to cut it in pieces. */
  static final int PIECE_MAX_BYTES = 64 << 10;

  private static final int HEADERS_MAX_BYTES = 32 << 10;
  private static final int LINE_MAX_BYTES = 8 << 10;
  private static final int STREAMS_PER_CONNECTION_MAX = 1_000;
  private static final int ACCEPT_BACKLOG = 4_096;

  /** An HTTP/2 client that cancels many generations is not an attack: resets per window. */
  private static final int RESETS_MAX = 5_000;

  /** A connection on which nothing moves for longer than any request may take is closed. */
  private static final int IDLE_MARGIN_SECONDS = 60;

  private static final int RESETS_WINDOW_SECONDS = 30;

  private ServerOptions() {}

  static HttpServerOptions of(IngressConfig config, @Nullable TlsFiles tls) {
    HttpServerOptions options =
        new HttpServerOptions()
            .setHttp2ClearTextEnabled(true)
            .setStrictThreadMode(true) // no queue between response and socket: see ChunkWire
            .setPerFrameWebSocketCompressionSupported(false)
            .setPerMessageWebSocketCompressionSupported(false)
            .setInitialSettings(
                new Http2Settings()
                    .setMaxConcurrentStreams(STREAMS_PER_CONNECTION_MAX)
                    .setMaxHeaderListSize(HEADERS_MAX_BYTES))
            .setHttp2RstFloodMaxRstFramePerWindow(RESETS_MAX)
            .setHttp2RstFloodWindowDuration(RESETS_WINDOW_SECONDS)
            .setHttp2RstFloodWindowDurationTimeUnit(TimeUnit.SECONDS)
            .setMaxChunkSize(PIECE_MAX_BYTES)
            .setMaxHeaderSize(HEADERS_MAX_BYTES)
            .setMaxInitialLineLength(LINE_MAX_BYTES)
            .setAcceptBacklog(ACCEPT_BACKLOG)
            .setSendBufferSize(SOCKET_BUFFER_BYTES)
            .setTcpKeepAlive(true)
            .setIdleTimeout((int) config.quietMax().toSeconds() + IDLE_MARGIN_SECONDS)
            .setIdleTimeoutUnit(TimeUnit.SECONDS);
    if (tls != null) {
      options
          .setSsl(true)
          .setUseAlpn(true)
          .setAlpnVersions(List.of(HttpVersion.HTTP_2, HttpVersion.HTTP_1_1))
          .setKeyCertOptions(tls.options());
    }
    return options;
  }
}
