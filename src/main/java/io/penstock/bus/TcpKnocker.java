package io.penstock.bus;

import io.netty.channel.ConnectTimeoutException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.SocketAddress;
import java.net.ConnectException;
import java.time.Duration;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Opens a TCP connection and closes it. A host answers for a port at which nobody listens with a
 * reset, which no host does that is cut off, gone or only slow. A firewall that rejects packets
 * instead of dropping them looks the same.
 */
final class TcpKnocker implements Knocker {
  /** How long an answer is waited for. */
  static final Duration PATIENCE = Duration.ofMillis(800);

  private static final Pattern NATIVE = Pattern.compile("error\\(-([0-9]+)\\)");

  /** ECONNREFUSED of Linux and of macOS. */
  private static final Set<String> REFUSALS = Set.of("111", "61");

  private final NetClient client;

  TcpKnocker(Vertx vertx) {
    client =
        vertx.createNetClient(
            new NetClientOptions()
                .setConnectTimeout((int) PATIENCE.toMillis())
                .setReconnectAttempts(0));
  }

  @Override
  public Future<Answer> knock(String address) {
    int colon = address.lastIndexOf(':');
    SocketAddress there =
        SocketAddress.inetSocketAddress(
            Integer.parseInt(address.substring(colon + 1)), address.substring(0, colon));
    return client
        .connect(there)
        .compose(socket -> socket.close().transform(closed -> answer(Answer.ACCEPTED)))
        .recover(failure -> answer(isRefusal(failure) ? Answer.REFUSED : Answer.NONE));
  }

  private static Future<Answer> answer(Answer answer) {
    return Future.succeededFuture(answer);
  }

  /**
   * The system's words are of its own language, so they are not looked at. Native transports name
   * the error's number; the JDK has this exception for a refusal and for the system's own timeout,
   * which is much longer than {@link #PATIENCE}.
   */
  static boolean isRefusal(Throwable failure) {
    if (!(failure instanceof ConnectException) || failure instanceof ConnectTimeoutException) {
      return false;
    }
    Matcher number = NATIVE.matcher(String.valueOf(failure.getMessage()));
    return !number.find() || REFUSALS.contains(number.group(1));
  }
}
