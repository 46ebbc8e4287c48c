package io.penstock.batcher;

import io.penstock.inference.Priority;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import io.penstock.message.Batch;
import io.penstock.message.Census;
import io.penstock.message.Doubt;
import io.penstock.message.Grant;
import io.penstock.message.Lease;
import io.penstock.message.NotOwner;
import io.penstock.message.Refusal;
import io.penstock.message.RenewAnswer;
import io.penstock.message.Seat;
import io.penstock.message.Station;
import java.util.List;

/** What a pool's owner has decided; the shell carries it out. */
sealed interface AdmissionDecision {
  /** Calls the outlet's method for this kind of decision. */
  void tell(Outlet outlet);

  /** Carries decisions out; a new kind does not compile until every outlet handles it. */
  interface Outlet {
    void granted(Granted decision);

    void merged(Merged decision);

    void called(Called decision);

    void refused(Refused decision);

    void disowned(Disowned decision);

    void renewed(Renewed decision);

    void censusTaken(CensusTaken decision);

    void censusRepeated(CensusRepeated decision);

    void leaseExpired(LeaseExpired decision);

    void leaseDropped(LeaseDropped decision);

    void leaseNotAdopted(LeaseNotAdopted decision);

    void releaseIgnored(ReleaseIgnored decision);

    void doubted(Doubted decision);

    void judged(Judged decision);

    void alarmChanged(AlarmChanged decision);
  }

  /**
   * A slot is given.
   *
   * @param tenant whose request it is, where this owner knows it; else {@link TenantId#ANONYMOUS}
   * @param again whether the same grant was given before and is told once more
   */
  record Granted(Station to, TenantId tenant, Priority priority, Grant grant, boolean again)
      implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.granted(this);
    }
  }

  /**
   * One slot is given to several requests.
   *
   * @param to the batch's host
   * @param seats in the order of the batch's lanes
   */
  record Merged(
      Station to, Batch batch, List<Seat> seats, List<Priority> priorities, List<TenantId> tenants)
      implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.merged(this);
    }
  }

  /**
   * A call begins that requests might share, whether or not they do.
   *
   * @param waitedMillis each request
   */
  record Called(int inputs, List<Long> waitedMillis) implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.called(this);
    }
  }

  /** The request will not be served by this pool. */
  record Refused(Station to, Refusal refusal) implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.refused(this);
    }
  }

  /** Another node owns the pool. */
  record Disowned(Station to, NotOwner answer) implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.disowned(this);
    }
  }

  /** Leases are renewed. */
  record Renewed(Station to, RenewAnswer answer) implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.renewed(this);
    }
  }

  /** Every ingress loop is to say what it holds. */
  record CensusTaken(Census census) implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.censusTaken(this);
    }
  }

  /** An ingress loop that has not answered the census is asked again. */
  record CensusRepeated(Station to, Census census) implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.censusRepeated(this);
    }
  }

  /** A holder has been silent for too long; its slot is free again. */
  record LeaseExpired(Station holder, Lease lease) implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.leaseExpired(this);
    }
  }

  /** A holder does not list a lease any more, whose release was lost; its slot is free again. */
  record LeaseDropped(Station holder, Lease lease) implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.leaseDropped(this);
    }
  }

  /** A lease of an owner before is left out of the ledger, which is full. */
  record LeaseNotAdopted(Station holder, Lease lease) implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.leaseNotAdopted(this);
    }
  }

  /** A release that matches no live grant: late, doubled, or of another owner's time. */
  record ReleaseIgnored(RequestId id) implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.releaseIgnored(this);
    }
  }

  /** Requests fail on a replica; whoever probes it is to check it now. */
  record Doubted(Doubt doubt) implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.doubted(this);
    }
  }

  /**
   * What is held against a replica has changed.
   *
   * @param why it is barred now; empty when it is not
   */
  record Judged(ReplicaId replica, Bar before, Bar bar, String why) implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.judged(this);
    }
  }

  /**
   * The pool has fewer healthy replicas than it should, or has enough again.
   *
   * @param belowMin whether it has too few
   */
  record AlarmChanged(boolean belowMin, int healthy, int minHealthy) implements AdmissionDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.alarmChanged(this);
    }
  }
}
