package io.penstock.ingress;

import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.message.Station;
import io.penstock.stream.Retries;
import io.penstock.stream.StreamDeadlines;
import io.penstock.time.Clock;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpConnection;
import java.util.Map;
import java.util.function.Predicate;

/**
 * What the exchanges of one ingress loop share. Touched on that loop only.
 *
 * @param firstUse whether a connection to an engine has carried no request yet; true once for each
 * @param pools facts about engines by pool: dialect, model name, key
 */
record LoopParts(
    Station self,
    IngressConfig config,
    Map<PoolName, Pool> pools,
    Clock clock,
    HttpClient engines,
    Predicate<HttpConnection> firstUse,
    SlotClaims slots,
    RouteCalls routes,
    Retries retries,
    Books books,
    Timers timers,
    Exchanges exchanges) {

  /** How long clients may take to send their bodies. */
  static final long RECEIVE_MILLIS = 60_000;

  /** What every request begins with; the time in the queue is its pool's. */
  StreamDeadlines deadlines() {
    IngressConfig.Deadlines d = config.deadlines();
    return new StreamDeadlines(
        RECEIVE_MILLIS,
        Long.MAX_VALUE,
        d.connect().toMillis() + DeadlineText.CONNECT_MARGIN_MILLIS,
        d.firstToken().toMillis(),
        d.idle().toMillis(),
        d.total().toMillis());
  }

  /** The loop's timers. */
  interface Timers {
    void after(long millis, Runnable task);
  }

  /** Who keeps the exchanges that are carried. */
  interface Exchanges {
    void opened(Exchange exchange);

    /** Called exactly once for each exchange, when it has been settled. */
    void closed(Exchange exchange, Settlement settlement);
  }
}
