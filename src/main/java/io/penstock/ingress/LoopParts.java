package io.penstock.ingress;

import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.message.Station;
import io.penstock.openai.FrameReader;
import io.penstock.prefix.Prefixes;
import io.penstock.stream.Retries;
import io.penstock.stream.StreamDeadlines;
import io.penstock.tenancy.Door;
import io.penstock.tenancy.LimitDesk;
import io.penstock.tiers.QualityHook;
import io.penstock.time.Clock;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpConnection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * What the exchanges of one ingress loop share. Touched on that loop only.
 *
 * @param door says who a caller is
 * @param limits where requests reserve what they may have
 * @param prefixes texts that requests may name, to stand before their prompts
 * @param firstUse whether a connection to an engine has carried no request yet; true once for each
 * @param rules those of now
 * @param tails answers of engines whose end is still to be read
 * @param frames reads those of all streams
 * @param chunks where chunks of all streams are put together
 * @param readEnd where writes of all streams wait until a socket has been read
 * @param drafts what drafts of cascades take of its memory
 * @param hook asks judges outside
 */
record LoopParts(
    Station self,
    Door door,
    LimitDesk limits,
    Prefixes prefixes,
    Supplier<Rules> rules,
    Clock clock,
    HttpClient engines,
    Tails tails,
    FrameReader frames,
    ChunkRoom chunks,
    Predicate<HttpConnection> firstUse,
    SlotClaims slots,
    RouteCalls routes,
    Books books,
    Timers timers,
    ReadEnd readEnd,
    Exchanges exchanges,
    Lanes lanes,
    SideCalls sideCalls,
    DraftRoom drafts,
    QualityHook hook) {

  /** How long clients may take to send their bodies. */
  static final long RECEIVE_MILLIS = 60_000;

  /**
   * What the configuration says, until it is read again; a request keeps those that it began with.
   *
   * @param pools facts about engines by pool: dialect, model name, key; in the fleet's order
   */
  record Rules(IngressConfig config, Map<PoolName, Pool> pools, Retries retries, Tiering tiering) {
    Rules {
      pools = Collections.unmodifiableMap(new LinkedHashMap<>(pools));
    }

    /** What every request begins with; the time in the queue is its pool's. */
    StreamDeadlines deadlines() {
      IngressConfig.Deadlines d = config.deadlines();
      return new StreamDeadlines(
          RECEIVE_MILLIS,
          Long.MAX_VALUE,
          connectMillis() + DeadlineText.CONNECT_MARGIN_MILLIS,
          d.firstToken().toMillis(),
          d.idle().toMillis(),
          d.total().toMillis());
    }

    long connectMillis() {
      return config.deadlines().connect().toMillis();
    }
  }

  /** A pool by the configuration of now; empty where this node does not know it. */
  Optional<Pool> pool(PoolName name) {
    return Optional.ofNullable(rules.get().pools().get(name));
  }

  /** The loop's timers. */
  interface Timers {
    /**
     * Runs it once.
     *
     * @return calls it off, and lets go of the task; without effect once it has run
     */
    Runnable after(long millis, Runnable task);
  }

  /** Who keeps the exchanges that are carried. */
  interface Exchanges {
    void opened(Exchange exchange);

    /** Called exactly once for each exchange, when it has been settled. */
    void closed(Exchange exchange, Settlement settlement);
  }
}
