package io.penstock.bus;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.SocketAddress;
import java.net.ConnectException;
import java.time.Duration;
import java.util.Locale;

/**
 * Opens a TCP connection and closes it. A host answers for a port at which nobody listens with a
 * reset, which no host does that is cut off, gone or only slow. A firewall that rejects packets
 * instead of dropping them looks the same.
 */
final class TcpKnocker implements Knocker {
  /** How long an answer is waited for. */
  static final Duration PATIENCE = Duration.ofMillis(800);

  private final NetClient client;

  TcpKnocker(Vertx vertx) {
    client =
        vertx.createNetClient(
            new NetClientOptions()
                .setConnectTimeout((int) PATIENCE.toMillis())
                .setReconnectAttempts(0));
  }

  @Override
  public Future<Boolean> refused(String address) {
    int colon = address.lastIndexOf(':');
    SocketAddress there =
        SocketAddress.inetSocketAddress(
            Integer.parseInt(address.substring(colon + 1)), address.substring(0, colon));
    return client
        .connect(there)
        .compose(socket -> socket.close().transform(closed -> Future.succeededFuture(false)))
        .recover(failure -> Future.succeededFuture(isRefusal(failure)));
  }

  /** The JDK and both native transports have no better sign of it than the system's own words. */
  static boolean isRefusal(Throwable failure) {
    for (Throwable each = failure; each != null; each = each.getCause()) {
      if (each instanceof ConnectException
          && String.valueOf(each.getMessage())
              .toLowerCase(Locale.ROOT)
              .contains("connection refused")) {
        return true;
      }
    }
    return false;
  }
}
