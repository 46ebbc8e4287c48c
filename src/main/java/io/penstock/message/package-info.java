/**
 * What rooms say to each other: immutable records only, all of them {@link
 * io.penstock.message.Message}s or parts of one, and {@link io.penstock.message.Station}, where a
 * message goes.
 *
 * <p>Owns the vocabulary of the bus and nothing that runs; it hears and says nothing itself. The
 * conversations are: Route, answered by Plan or Refusal; ListModels, answered by Models; Admit,
 * answered by Grant, Seat, Refusal or NotOwner unless Withdraw takes it back; FirstToken, which
 * tells of a grant's progress, Release, which ends it, and Remark, which says what became of its
 * request; Renew, answered by RenewAnswer; Census, answered by CensusAnswer; AskPool, answered by
 * PoolReport; AskDecisions, answered by Decisions; AskPrefixes, answered by PrefixUses; AskNode,
 * answered by NodeReport; AskHealth, answered by a HealthReport to everybody; HealthReport, Doubt,
 * DrainMarks, TenancyMarks, PrefixMarks and Beacon, which nobody answers. Where requests share a
 * call: Batch to the host of the call and Seat to each request; LaneOpen, answered by LaneSent and
 * LaneAnswers, with LaneCredits between them, unless LaneLeave takes it back.
 *
 * <p>Decisions. No message is acknowledged and any may be lost, doubled or late, so each means the
 * same the second time and carries what tells it from an older one: the request's id and attempt,
 * the pool, the owner's epoch, a prober's sequence. A message names nodes and stations, never
 * objects of the sender. Local delivery shares the object; the wire form belongs to {@code bus},
 * under whose rules a field may be added to a record.
 */
@NullMarked
package io.penstock.message;

import org.jspecify.annotations.NullMarked;
