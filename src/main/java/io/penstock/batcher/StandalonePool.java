package io.penstock.batcher;

import io.penstock.bus.View;
import io.penstock.inference.NodeId;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.Role;
import io.penstock.message.Admit;
import io.penstock.message.Decision.Row;
import io.penstock.message.FirstToken;
import io.penstock.message.Grant;
import io.penstock.message.Lease;
import io.penstock.message.Refusal;
import io.penstock.message.Release;
import io.penstock.message.Renew;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.Station;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.DoubleSupplier;

/**
 * A pool's owner alone, without a cluster, a bus or a clock: the same {@link PoolOwner} with the
 * same cores as on a node, for whoever plays the ingress loops and the probers and brings the time,
 * as the replay does. Decisions are told to a {@link Listener} from within the calls.
 */
public final class StandalonePool {
  /** Time between two calls of {@link #tick} while the pool is busy. */
  public static final long TICK_MILLIS = BatcherVerticle.TICK_MILLIS;

  /** Hears what the owner decides about requests; may ask and release from within. */
  public interface Listener {
    /** A slot is given. */
    void granted(Grant grant);

    /** The request will not be served. */
    void refused(Refusal refusal);
  }

  /** Chooses in a strategy's place. */
  public interface Picker {
    /**
     * One of the replicas that may take the request now.
     *
     * @param candidates never empty; in the order of the pool's list
     */
    ReplicaId pick(List<ReplicaId> candidates, Admit admit);
  }

  private static final NodeId SELF = new NodeId("standalone");
  private static final View ALONE =
      new View(
          List.of(
              new View.Node(
                  SELF, "standalone", "", Set.of(Role.BATCHER, Role.HEALTH_PROBER), 0, "", false)));

  private final PoolOwner owner;
  private final Listener listener;
  private final AdmissionDecision.Outlet outlet;

  private StandalonePool(PoolOwner owner, Listener listener) {
    this.owner = owner;
    this.listener = listener;
    this.outlet = new ToListener();
  }

  /**
   * One under the pool's own strategy.
   *
   * @param random uniform in [0, 1)
   */
  public static StandalonePool of(Pool pool, DoubleSupplier random, Listener listener) {
    return new StandalonePool(new PoolOwner(pool, SELF, 0, random), listener);
  }

  /** One under somebody else's. */
  public static StandalonePool under(Pool pool, Picker picker, Listener listener) {
    return new StandalonePool(new PoolOwner(pool, SELF, of -> new Picked(picker), 0), listener);
  }

  /** Takes the pool over, whose replicas are then waited for until {@link #report} names them. */
  public void open(long nowMillis) {
    carryOut(owner.view(ALONE, 1, nowMillis));
  }

  /** A request asks for a slot. */
  public void admit(Admit admit, long nowMillis) {
    carryOut(owner.admit(admit, nowMillis));
  }

  /** The first token of an answer is there. */
  public void firstToken(FirstToken news, long nowMillis) {
    owner.firstToken(news, nowMillis);
  }

  /** A holder gives its slot back. */
  public void release(Release release, long nowMillis) {
    carryOut(owner.release(release, nowMillis));
  }

  /** What a prober has found. */
  public void report(List<ReplicaStatus> replicas, long nowMillis) {
    carryOut(owner.report(SELF, replicas, nowMillis));
  }

  /** Holders keep their slots; those that are left out are free again after a while. */
  public void renew(Pool pool, Station holder, List<Lease> leases, long nowMillis) {
    carryOut(
        owner.renew(new Renew(pool.name(), holder, owner.epoch(), leases, List.of()), nowMillis));
  }

  /** Lets time pass; to be called every {@link #TICK_MILLIS} while the pool is busy. */
  public void tick(long nowMillis) {
    carryOut(owner.tick(nowMillis));
  }

  /** Whether anything waits or runs. */
  public boolean busy() {
    return owner.busy();
  }

  private void carryOut(List<AdmissionDecision> decisions) {
    for (AdmissionDecision each : decisions) {
      each.tell(outlet);
    }
  }

  /** A strategy that asks somebody else. */
  private record Picked(Picker picker) implements Strategy {
    @Override
    public Replica pick(List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
      ReplicaId id = picker.pick(candidates.stream().map(Replica::id).toList(), admit);
      for (Replica each : candidates) {
        if (each.id().equals(id)) {
          return each;
        }
      }
      throw new IllegalStateException("picked " + id + " (expected: one of " + candidates + ")");
    }

    @Override
    public Explanation explain(
        List<Replica> candidates, Roster roster, Admit admit, long nowMillis) {
      List<Row> rows = new ArrayList<>();
      for (Replica each : candidates) {
        rows.add(new Row(each.id(), 0, Explanation.inputs(each)));
      }
      return new Explanation("somebody else's choice", List.of(), rows);
    }
  }

  /** What concerns other nodes, or the log, is nobody's business here. */
  private final class ToListener implements AdmissionDecision.Outlet {
    @Override
    public void granted(AdmissionDecision.Granted decision) {
      if (!decision.again()) {
        listener.granted(decision.grant());
      }
    }

    @Override
    public void refused(AdmissionDecision.Refused decision) {
      listener.refused(decision.refusal());
    }

    @Override
    public void leaseExpired(AdmissionDecision.LeaseExpired decision) {
      throw new IllegalStateException(decision + " (expected: holders renew)");
    }

    @Override
    public void leaseDropped(AdmissionDecision.LeaseDropped decision) {
      throw new IllegalStateException(decision + " (expected: holders name all that they hold)");
    }

    @Override
    public void disowned(AdmissionDecision.Disowned decision) {
      throw new IllegalStateException(decision + " (expected: opened first)");
    }

    @Override
    public void merged(AdmissionDecision.Merged decision) {
      throw new IllegalStateException(decision + " (expected: requests without company)");
    }

    @Override
    public void called(AdmissionDecision.Called decision) {}

    @Override
    public void renewed(AdmissionDecision.Renewed decision) {}

    @Override
    public void censusTaken(AdmissionDecision.CensusTaken decision) {}

    @Override
    public void censusRepeated(AdmissionDecision.CensusRepeated decision) {}

    @Override
    public void leaseNotAdopted(AdmissionDecision.LeaseNotAdopted decision) {}

    @Override
    public void releaseIgnored(AdmissionDecision.ReleaseIgnored decision) {}

    @Override
    public void doubted(AdmissionDecision.Doubted decision) {}

    @Override
    public void judged(AdmissionDecision.Judged decision) {}

    @Override
    public void alarmChanged(AdmissionDecision.AlarmChanged decision) {}
  }
}
