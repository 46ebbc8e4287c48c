package io.penstock.bus;

import io.penstock.inference.NodeId;
import io.penstock.message.Absent;

/** What {@link Membership} found out, for its shell to act on. */
sealed interface MembershipEvent {
  /** Who carries events out; one method per event, so that none is forgotten. */
  interface Outlet {
    void changed(Changed event);

    void silent(Silent event);

    void heardAgain(HeardAgain event);

    void deaf(Deaf event);

    void fleetDiffers(FleetDiffers event);

    void fleetAgrees(FleetAgrees event);

    void knock(Knock event);

    void missed(Missed event);

    void found(Found event);

    void buried(Buried event);
  }

  void tell(Outlet outlet);

  /** The view is another one now. */
  record Changed(View view) implements MembershipEvent {
    @Override
    public void tell(Outlet outlet) {
      outlet.changed(this);
    }
  }

  /**
   * A member can not be heard on the bus; it is out of the view until it is. Told once per silence.
   *
   * @param name as its last beacon said; empty when none was ever heard
   */
  record Silent(NodeId node, String name, long silentMillis) implements MembershipEvent {
    @Override
    public void tell(Outlet outlet) {
      outlet.silent(this);
    }
  }

  /** A member that was silent is heard again. */
  record HeardAgain(NodeId node, String name, long silentMillis) implements MembershipEvent {
    @Override
    public void tell(Outlet outlet) {
      outlet.heardAgain(this);
    }
  }

  /** This node's own beacons do not come back to it. Told once per silence. */
  record Deaf(long silentMillis) implements MembershipEvent {
    @Override
    public void tell(Outlet outlet) {
      outlet.deaf(this);
    }
  }

  /** A node serves another fleet than this one. Told once per change. */
  record FleetDiffers(NodeId node, String name, String theirs, String ours)
      implements MembershipEvent {
    @Override
    public void tell(Outlet outlet) {
      outlet.fleetDiffers(this);
    }
  }

  /** A node that served another fleet serves the same now. */
  record FleetAgrees(NodeId node, String name) implements MembershipEvent {
    @Override
    public void tell(Outlet outlet) {
      outlet.fleetAgrees(this);
    }
  }

  /** Somebody is gone without a word: whether its process has ended is to be found out. */
  record Knock(Absent who) implements MembershipEvent {
    @Override
    public void tell(Outlet outlet) {
      outlet.knock(this);
    }
  }

  /**
   * It has not ended, or that could not be found out: this side goes by its share until it is back.
   * Told once per absence.
   *
   * @param accepts whether its process is there
   */
  record Missed(Absent who, boolean accepts) implements MembershipEvent {
    @Override
    public void tell(Outlet outlet) {
      outlet.missed(this);
    }
  }

  /** One that was missed is here again. */
  record Found(Absent who, long absentMillis) implements MembershipEvent {
    @Override
    public void tell(Outlet outlet) {
      outlet.found(this);
    }
  }

  /**
   * One that was gone works no more, for all that is known.
   *
   * @param missed whether {@link Missed} was told
   */
  record Buried(Absent who, String why, boolean missed) implements MembershipEvent {
    @Override
    public void tell(Outlet outlet) {
      outlet.buried(this);
    }
  }
}
