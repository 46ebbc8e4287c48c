package io.penstock.router;

import io.penstock.message.Plan;
import io.penstock.message.Refusal;

/** What the route table has decided; the shell carries it out. */
sealed interface RouteDecision {
  /** Calls the outlet's method for this kind of decision. */
  void tell(Outlet outlet);

  /** Carries decisions out. */
  interface Outlet {
    void planned(Plan plan);

    void refused(Refusal refusal);
  }

  /** These pools serve it, in this order. */
  record Planned(Plan plan) implements RouteDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.planned(plan);
    }
  }

  /** Nothing serves it. */
  record Refused(Refusal refusal) implements RouteDecision {
    @Override
    public void tell(Outlet outlet) {
      outlet.refused(refusal);
    }
  }
}
