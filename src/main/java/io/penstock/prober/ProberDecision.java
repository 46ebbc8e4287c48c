package io.penstock.prober;

import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.message.HealthReport;
import java.time.Duration;
import java.util.Optional;

/** What {@link Watchlist} wants done. */
sealed interface ProberDecision {

  /** One replica under watch; a new generation whenever watching it begins anew. */
  record Target(PoolName pool, ReplicaId id, long generation) {}

  /** Begin to watch a replica. */
  record Open(Target target, Pool pool, ReplicaSpec spec) implements ProberDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.open(this);
    }
  }

  /** Ask a replica in another way from now on; it stays the same replica. */
  record Reopen(Target before, Target target, Pool pool, ReplicaSpec spec)
      implements ProberDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.reopen(this);
    }
  }

  /** Stop watching a replica: it is gone, or somebody else's now. */
  record Close(Target target) implements ProberDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.close(this);
    }
  }

  /** Ask it for its health. */
  record Check(Target target, Duration timeout) implements ProberDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.check(this);
    }
  }

  /** Ask it for its load. */
  record Scrape(Target target, Duration timeout) implements ProberDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.scrape(this);
    }
  }

  /** Ask it what it can do. */
  record AskAbility(Target target, Duration timeout) implements ProberDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.askAbility(this);
    }
  }

  /** Its state has changed; for the log and the meters. */
  record Changed(Target target, ReplicaHealth.Change change) implements ProberDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.changed(this);
    }
  }

  /** Whether its engine gives load signals is known now, or has changed; for the log. */
  record SignalsKnown(Target target, boolean given) implements ProberDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.signalsKnown(this);
    }
  }

  /**
   * Whether it can go on with a message is known now, or has changed; for the log.
   *
   * @param continuesMessages empty when its API does not tell
   */
  record AbilityKnown(Target target, Optional<Boolean> continuesMessages)
      implements ProberDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.abilityKnown(this);
    }
  }

  /** Publish. */
  record Report(HealthReport report) implements ProberDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.report(this);
    }
  }

  /** Calls the method of {@code outlet} that is for this decision. */
  void tell(Outlet outlet);

  /** Who carries decisions out; a kind of decision that is forgotten does not compile. */
  interface Outlet {
    void open(Open decision);

    void reopen(Reopen decision);

    void close(Close decision);

    void check(Check decision);

    void scrape(Scrape decision);

    void askAbility(AskAbility decision);

    void changed(Changed decision);

    void signalsKnown(SignalsKnown decision);

    void abilityKnown(AbilityKnown decision);

    void report(Report decision);
  }
}
