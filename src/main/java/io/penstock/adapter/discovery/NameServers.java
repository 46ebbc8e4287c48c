package io.penstock.adapter.discovery;

import io.micrometer.core.instrument.MeterRegistry;
import io.penstock.adapter.guard.Guard;
import io.penstock.adapter.guard.GuardMeters;
import io.penstock.inference.ReplicaSource;
import io.vertx.core.Vertx;
import io.vertx.core.dns.DnsException;
import io.vertx.core.dns.DnsResponseCode;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * The guards of the name servers that are asked, one for each server and none for a name: when a
 * server is down it is down for all pools. Belongs to one event loop.
 */
final class NameServers {
  /** Three times, five seconds each: a server that is only slow has answered by then. */
  private static final int FAILURES_TO_OPEN = 3;

  /** What stands for the resolver of the system, and for its first name server. */
  private static final String SYSTEM = "system";

  /** Answers that say something of the name: the server is well. */
  private static final Set<DnsResponseCode> ABOUT_THE_NAME =
      EnumSet.of(
          DnsResponseCode.NXDOMAIN,
          DnsResponseCode.NXRRSET,
          DnsResponseCode.YXDOMAIN,
          DnsResponseCode.YXRRSET,
          DnsResponseCode.NOTZONE);

  private static final class Shared {
    final Guard guard;
    int users;

    Shared(Guard guard) {
      this.guard = guard;
    }
  }

  private final Vertx vertx;
  private final GuardMeters meters;
  private final Guard.Rules rules;
  private final Map<String, Shared> byServer = new HashMap<>();

  /**
   * @param rest how long a server that has failed is left alone
   */
  NameServers(Vertx vertx, MeterRegistry meters, Duration rest) {
    this.vertx = vertx;
    this.meters = new GuardMeters(meters);
    this.rules =
        new Guard.Rules(FAILURES_TO_OPEN, Duration.ofMillis(DnsList.LOOKUP_TIMEOUT_MILLIS), rest);
  }

  /** The guard of the server that knows a pool's name; to be given back. */
  Guard take(ReplicaSource.Dns source) {
    Shared shared =
        byServer.computeIfAbsent(
            server(source),
            server ->
                new Shared(
                    new Guard(vertx, meters, "dns", server, rules, NameServers::isServersFault)));
    shared.users++;
    return shared.guard;
  }

  void giveBack(ReplicaSource.Dns source) {
    Shared shared = Objects.requireNonNull(byServer.get(server(source)));
    if (--shared.users == 0) {
      byServer.remove(server(source));
      shared.guard.close();
    }
  }

  private static String server(ReplicaSource.Dns source) {
    return source.nameServer().orElse(SYSTEM);
  }

  /** Whether a look-up's failure says that the server is ill. */
  static boolean isServersFault(Throwable cause) {
    if (cause instanceof DnsException answer) {
      return !ABOUT_THE_NAME.contains(answer.code());
    }
    if (cause instanceof UnknownHostException) {
      // The system's resolver tells the two apart in words only (EAI_AGAIN of getaddrinfo).
      return String.valueOf(cause.getMessage()).contains("Temporary failure");
    }
    return true;
  }
}
