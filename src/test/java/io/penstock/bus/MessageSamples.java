package io.penstock.bus;

import io.penstock.fault.Fault;
import io.penstock.inference.ApiKey;
import io.penstock.inference.Appraisal;
import io.penstock.inference.CachePolicy;
import io.penstock.inference.Capability;
import io.penstock.inference.ModelLimits;
import io.penstock.inference.ModelName;
import io.penstock.inference.NodeId;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.PoolName;
import io.penstock.inference.Priority;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.PromptPrefix;
import io.penstock.inference.RateLimits;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ReplicaState;
import io.penstock.inference.RequestId;
import io.penstock.inference.Role;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.inference.TierName;
import io.penstock.inference.TierWish;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Absent;
import io.penstock.message.Admit;
import io.penstock.message.AskDecisions;
import io.penstock.message.AskHealth;
import io.penstock.message.AskNode;
import io.penstock.message.AskPool;
import io.penstock.message.AskPrefixes;
import io.penstock.message.Batch;
import io.penstock.message.Beacon;
import io.penstock.message.BookDigest;
import io.penstock.message.Bytes;
import io.penstock.message.CacheReport;
import io.penstock.message.Census;
import io.penstock.message.CensusAnswer;
import io.penstock.message.Company;
import io.penstock.message.Decision;
import io.penstock.message.Decisions;
import io.penstock.message.Doubt;
import io.penstock.message.DrainKind;
import io.penstock.message.DrainMark;
import io.penstock.message.DrainMarks;
import io.penstock.message.FirstToken;
import io.penstock.message.Grant;
import io.penstock.message.HealthReport;
import io.penstock.message.KvCacheState;
import io.penstock.message.KvReport;
import io.penstock.message.LaneAnswer;
import io.penstock.message.LaneCredit;
import io.penstock.message.LaneEnd;
import io.penstock.message.LaneLeave;
import io.penstock.message.LaneOpen;
import io.penstock.message.LaneSent;
import io.penstock.message.Lease;
import io.penstock.message.LimitAnswer;
import io.penstock.message.LimitAsk;
import io.penstock.message.LimitGrant;
import io.penstock.message.LimitKind;
import io.penstock.message.LimitLine;
import io.penstock.message.LimitSeat;
import io.penstock.message.ListModels;
import io.penstock.message.Message;
import io.penstock.message.ModelCard;
import io.penstock.message.Models;
import io.penstock.message.NodeOrder;
import io.penstock.message.NodeReport;
import io.penstock.message.NotOwner;
import io.penstock.message.Plan;
import io.penstock.message.PoolReport;
import io.penstock.message.PrefixMark;
import io.penstock.message.PrefixMarks;
import io.penstock.message.PrefixUse;
import io.penstock.message.PrefixUses;
import io.penstock.message.QueueDepth;
import io.penstock.message.Refusal;
import io.penstock.message.Release;
import io.penstock.message.Remark;
import io.penstock.message.Renew;
import io.penstock.message.RenewAnswer;
import io.penstock.message.ReplicaReport;
import io.penstock.message.ReplicaStatus;
import io.penstock.message.RequestPlace;
import io.penstock.message.Room;
import io.penstock.message.Route;
import io.penstock.message.Seat;
import io.penstock.message.Signals;
import io.penstock.message.Stage;
import io.penstock.message.Station;
import io.penstock.message.TenancyMark;
import io.penstock.message.TenancyMarks;
import io.penstock.message.TenantDepth;
import io.penstock.message.Term;
import io.penstock.message.Withdraw;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One message of each kind, with every field different from its default. Sets hold one element, so
 * that their bytes are the same in every JVM.
 */
final class MessageSamples {
  private static final Bytes BYTES = new Bytes(new byte[] {0, -1, 34, 92, 10});
  private static final RequestId REQUEST = new RequestId("req-7f3a");
  private static final PoolName POOL = new PoolName("llama-70b");
  private static final ReplicaId REPLICA = new ReplicaId("llama-70b-1");
  private static final NodeId NODE = new NodeId("4f1c0d8e-6a55-4c0e-9a59-0e6f7a1b2c3d");
  private static final Station INGRESS = new Station(NODE, Room.INGRESS, 2);
  private static final TierName TIER = new TierName("standard");
  private static final TenantId TENANT = new TenantId("acme");
  private static final KvCacheState KV_CACHE =
      new KvCacheState(
          true,
          true,
          31_250,
          500_000,
          410_000,
          900_000,
          400_000,
          1,
          1_795_382_801_000L,
          812,
          1_700,
          2,
          3,
          4,
          5,
          6,
          7,
          40);

  static final List<Message> ALL =
      List.of(
          new Route(
              REQUEST,
              INGRESS,
              TENANT,
              new ModelName("gpt-large"),
              Operation.CHAT,
              Set.of(Capability.TOOLS),
              812,
              256,
              Set.of(new ModelName("gpt-large")),
              Optional.of(new TierWish(Optional.of(TIER), 0.25, 800, 0.01, 0.7))),
          new Plan(
              REQUEST,
              new ModelName("llama-3.1-70b"),
              List.of(POOL, new PoolName("llama-70b-spot")),
              Optional.of(TIER),
              List.of(
                  new Stage(
                      new TierName("quality"),
                      new ModelName("llama-3.1-405b"),
                      List.of(new PoolName("llama-405b"))))),
          new Refusal(
              REQUEST,
              Optional.of(POOL),
              Fault.QUEUE_FULL,
              "pool 'llama-70b' is full: “5,000”",
              "model",
              1500),
          new Admit(
              REQUEST,
              "caller-1",
              INGRESS,
              POOL,
              TENANT,
              2.5,
              Priority.INTERACTIVE,
              2,
              812,
              256,
              4096,
              -6_148_914_691_236_517_206L,
              Set.of(Capability.VISION),
              Set.of(REPLICA),
              30_000,
              17,
              Optional.of(new Company("k", 3)),
              true,
              PromptBlocks.of(new long[] {-1, 7}, 64),
              Optional.of(new Appraisal(0.25, Appraisal.SURFACE, "timeout"))),
          new Grant(
              REQUEST, POOL, 17, REPLICA, "http://10.0.0.7:8000", 42, Optional.of(true), true),
          new Batch(
              new Grant(
                  REQUEST, POOL, 17, REPLICA, "http://10.0.0.7:8000", 42, Optional.empty(), false),
              List.of(new Batch.Lane(REQUEST, INGRESS))),
          new Seat(REQUEST, POOL, 17, new RequestId("req-1-b1"), INGRESS, REPLICA, 42, true),
          new LaneOpen(
              new RequestId("req-1-b1"),
              REQUEST,
              INGRESS,
              Optional.of(Operation.COMPLETION),
              BYTES),
          new LaneSent(new RequestId("req-1-b1"), REQUEST),
          new LaneAnswer(
              new RequestId("req-1-b1"),
              REQUEST,
              3,
              200,
              "application/json",
              "1",
              BYTES,
              LaneEnd.DONE),
          new LaneCredit(new RequestId("req-1-b1"), REQUEST, INGRESS, 8),
          new LaneLeave(new RequestId("req-1-b1"), REQUEST),
          new NotOwner(REQUEST, POOL, NODE),
          new Withdraw(REQUEST, POOL),
          new FirstToken(REQUEST, POOL, 17, REPLICA, 310),
          new Release(
              REQUEST, POOL, 17, REPLICA, Outcome.OK, new TokenUsage(812, 200, 512), 310, 4_200, 0),
          new AskHealth(new NodeId("node-a")),
          new Doubt(POOL, REPLICA, "3 requests failed"),
          new Renew(
              POOL,
              INGRESS,
              17,
              List.of(new Lease(REQUEST, REPLICA)),
              List.of(new RequestId("req-8b21"))),
          new RenewAnswer(POOL, 17, List.of(new RequestId("req-8b21"))),
          new Census(POOL, 18, new Station(NODE, Room.BATCHER, 0)),
          new CensusAnswer(POOL, 18, INGRESS, 17, List.of(new Lease(REQUEST, REPLICA))),
          new HealthReport(
              NODE,
              99,
              List.of(
                  new ReplicaStatus(
                      POOL,
                      new ReplicaSpec(
                          REPLICA,
                          "http://10.0.0.7:8000",
                          1.5,
                          100,
                          Set.of(Capability.TOOLS),
                          "eu-1a"),
                      ReplicaState.HEALTHY,
                      Optional.of(new Signals(3, 64, 0.75, Double.NaN, 120)),
                      "connection refused",
                      Optional.of(true),
                      61,
                      Optional.of(KV_CACHE)),
                  new ReplicaStatus(
                      POOL,
                      new ReplicaSpec(
                          new ReplicaId("llama-70b-2"),
                          "http://10.0.0.8:8000",
                          1,
                          100,
                          Set.of(),
                          ""),
                      ReplicaState.UNHEALTHY,
                      Optional.empty(),
                      "",
                      Optional.empty(),
                      0,
                      Optional.empty())),
              false),
          new ListModels(REQUEST, INGRESS),
          new Models(
              REQUEST,
              List.of(
                  new ModelCard(
                      new ModelName("llama-3.1-70b"),
                      List.of(new ModelName("gpt-large")),
                      Optional.of(TIER),
                      List.of(new ModelName("llama-3.1-8b")),
                      Set.of(Capability.TOOLS),
                      131_072,
                      true))),
          new Beacon(
              NODE,
              "node-1",
              "eu-1a",
              Set.of(Role.BATCHER),
              4,
              "9c1f",
              true,
              true,
              "10.0.0.1:5701",
              List.of(new Absent(new NodeId("n2"), "node-2", "10.0.0.2:5701")),
              List.of(new NodeId("n3")),
              List.of(new LimitSeat(NODE, LimitSeat.State.HELD, NODE))),
          new DrainMarks(
              NODE,
              List.of(new DrainMark(DrainKind.POOL, "llama-70b", true, 1_795_383_481_524L, NODE))),
          new TenancyMarks(
              NODE,
              List.of(
                  new TenancyMark(
                      "key:key-9f86d081884c7d65",
                      Optional.of(
                          new ApiKey(
                              "key-9f86d081884c7d65",
                              TENANT,
                              "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                              "ci",
                              1_795_383_481_524L,
                              1_795_469_881_524L,
                              true,
                              new RateLimits(60, 10_000, 4),
                              1_795_383_000_000L)),
                      Optional.empty(),
                      1_795_383_481_525L,
                      NODE),
                  new TenancyMark(
                      "tenant:acme",
                      Optional.empty(),
                      Optional.of(
                          new Tenant(
                              TENANT,
                              "Acme, Inc.",
                              Set.of(new ModelName("llama-70b")),
                              Priority.DEFAULT,
                              2.5,
                              new RateLimits(600, 100_000, 32),
                              List.of(
                                  new ModelLimits(
                                      new ModelName("llama-70b"), new RateLimits(10, 1_000, 2))),
                              Set.of("eu"),
                              CachePolicy.SHARED)),
                      1_795_383_481_526L,
                      NODE))),
          new PrefixMarks(
              NODE,
              List.of(
                  new PrefixMark(
                      "terse",
                      Optional.of(
                          new PromptPrefix(
                              "terse",
                              Optional.of(TENANT),
                              Optional.of(new ModelName("llama-70b")),
                              "You are “terse”.\n",
                              1_795_383_481_524L)),
                      1_795_383_481_525L,
                      NODE))),
          new AskPrefixes(9, new Station(NODE, Room.ADMIN, 0)),
          new PrefixUses(9, NODE, List.of(new PrefixUse("terse", 7, 5, 1_280))),
          new BookDigest(NODE, List.of(-6_148_914_691_236_517_206L, 0L, 17L)),
          new LimitAsk(
              TENANT,
              INGRESS,
              77,
              5,
              List.of(
                  new LimitLine(
                      "tenant",
                      LimitKind.TOKENS,
                      100_000,
                      812,
                      300,
                      60,
                      200,
                      8_333,
                      List.of(12L, 800L)))),
          new LimitAnswer(
              TENANT,
              99,
              5,
              true,
              List.of(new LimitGrant("tenant", LimitKind.TOKENS, 200, 98_000, 75, 1_000, 60_000))),
          new AskPool(7, new Station(NODE, Room.ADMIN, 0), POOL, true, Optional.of(REQUEST)),
          new AskDecisions(5, INGRESS, POOL, Optional.of(REQUEST), 3),
          new Decisions(
              5,
              POOL,
              NODE,
              true,
              List.of(
                  new Decision(
                      REQUEST,
                      812,
                      30,
                      "predicted_latency",
                      REPLICA,
                      "the least",
                      2,
                      List.of(new Term("mean_load", 1.5)),
                      List.of(new Decision.Row(REPLICA, 12.25, List.of(new Term("load", 3)))),
                      Optional.of(Appraisal.by(Appraisal.EMBEDDING, 0.75)),
                      Optional.of("a remark")))),
          new Remark(REQUEST, POOL, "a remark"),
          new PoolReport(
              7,
              POOL,
              NODE,
              true,
              true,
              1,
              2,
              true,
              96,
              4_711,
              List.of(new QueueDepth(Priority.BULK, 3, 12_288, 1_500, 2_500)),
              List.of(
                  new ReplicaReport(
                      REPLICA,
                      "eu-1a",
                      Optional.of(ReplicaState.UNHEALTHY),
                      true,
                      "unhealthy",
                      12,
                      64,
                      100,
                      75,
                      0.5,
                      true,
                      "half-open",
                      true,
                      Optional.of(new CacheReport(9, 8_000, 5_000, 5_100, 120, 6_144, 98_304)),
                      Optional.of(new KvReport(Optional.of(KV_CACHE), true, 400_000, true)))),
              List.of(new TenantDepth(TENANT, Priority.BULK, 2.5, 3, 7, 2_500)),
              1,
              2,
              3,
              Optional.of(
                  new RequestPlace(
                      REQUEST,
                      TENANT,
                      Priority.BULK,
                      Optional.of(REPLICA),
                      3,
                      1_500,
                      1_000,
                      298_500))),
          new AskNode(8, new Station(NODE, Room.ADMIN, 0), NodeOrder.DRAIN),
          new NodeReport(8, NODE, true, 5, Set.of(Role.BATCHER)));

  private MessageSamples() {}
}
