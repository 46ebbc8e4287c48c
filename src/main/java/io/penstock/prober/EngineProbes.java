package io.penstock.prober;

import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaSpec;
import io.penstock.message.Signals;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.Optional;

/** How the prober talks to engines. Called, and answered, on the prober's event loop. */
public interface EngineProbes {

  /** Prepares to probe one replica; no I/O yet, and nothing that can fail. */
  Probe open(Pool pool, ReplicaSpec replica);

  /** The probe of one replica. Holds what has to be remembered between two scrapes. */
  interface Probe {
    /**
     * Asks the engine whether it serves; {@code timeout} bounds each of the questions that this
     * takes.
     *
     * @return succeeds when it does; else fails, with a message that says why in a few words and
     *     names no address
     */
    Future<Void> check(Duration timeout);

    /**
     * Asks the engine how loaded it is.
     *
     * @return its word, with an age of 0; empty when the engine does not say such things; fails,
     *     with a message like {@link #check}'s, when it should have answered and did not
     */
    Future<Optional<Signals>> scrape(Duration timeout);

    /**
     * Asks the engine whether it can go on with a message that another has begun. A page of
     * hundreds of kilobytes: to be asked rarely.
     *
     * @return its word; empty when its API does not tell; fails, with a message like {@link
     *     #check}'s, when it should have answered and did not
     */
    Future<Optional<Boolean>> continuesMessages(Duration timeout);

    /** Gives up what is in flight; the probe is not used again. */
    void close();
  }
}
