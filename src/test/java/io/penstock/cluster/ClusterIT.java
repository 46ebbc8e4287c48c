package io.penstock.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.cluster.Cluster.Answer;
import io.penstock.cluster.Cluster.Node;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three JVMs, four simulated replicas: one admission for the whole cluster, and no request lost
 * with a node.
 */
class ClusterIT {
  private static final int REPLICAS = 4;

  /** Some 25 s at the least. */
  private static final int HOLDING_TOKENS = 3_000;

  @TempDir Path folder;
  private Cluster cluster;

  @AfterEach
  void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  private static List<Answer> all(List<CompletableFuture<Answer>> asked) {
    List<Answer> answers = new ArrayList<>();
    for (CompletableFuture<Answer> each : asked) {
      answers.add(each.orTimeout(5, TimeUnit.MINUTES).join());
    }
    return answers;
  }

  /** Streams that are still there when all slots have been seen taken, however slow that is. */
  private List<CompletableFuture<Answer>> fill(int slots, List<Node> entries) {
    List<CompletableFuture<Answer>> holders = new ArrayList<>();
    for (int i = 0; i < slots; i++) {
      Node entry = entries.get(i % entries.size());
      holders.add(cluster.stream(entry, HOLDING_TOKENS, "holder " + i));
    }
    cluster
        .node(0)
        .process
        .await("all slots taken", Cluster.SOON, () -> cluster.engines("running") == slots);
    return holders;
  }

  private void expectPeaks(int limit) {
    for (int i = 0; i < REPLICAS; i++) {
      assertThat(cluster.engine(i, "peak_running"))
          .as("requests at once on replica %d", i)
          .isEqualTo(limit);
    }
  }

  @Test
  void aReplicasLimitHoldsExactlyOverAllNodes() {
    cluster = new Cluster(folder, 3, REPLICAS, 10, "h100-llama-3.1-8b");
    List<Node> all = List.of(cluster.node(0), cluster.node(1), cluster.node(2));
    List<CompletableFuture<Answer>> asked = new ArrayList<>(fill(40, all));
    expectPeaks(10);
    for (int i = 0; i < 500; i++) {
      asked.add(cluster.stream(cluster.node(i % 3), 20, "request " + i));
    }
    List<Answer> answers = all(asked);

    assertThat(answers)
        .allSatisfy(answer -> assertThat(answer.isWhole()).as("%s", answer).isTrue());
    assertThat(cluster.engines("received")).isEqualTo(540);
    assertThat(cluster.engines("finished")).isEqualTo(540);
    expectPeaks(10);
  }

  @Test
  void everyWaitingRequestIsServedOnceWhenThePoolsOwnerIsKilled() {
    cluster = new Cluster(folder, 3, REPLICAS, 5, "h100-llama-3.1-8b");
    Node owner = cluster.owner();
    List<Node> entries = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      if (cluster.node(i) != owner) {
        entries.add(cluster.node(i));
      }
    }
    // All slots are held while the owner changes: the next one must count what it did not grant.
    List<CompletableFuture<Answer>> asked = new ArrayList<>(fill(20, entries));
    for (int i = 0; i < 200; i++) {
      asked.add(cluster.stream(entries.get(i % 2), 20, "queued " + i));
    }
    owner.process.await(
        "a full queue",
        Cluster.SOON,
        () -> Cluster.metric(owner, "llm_request_queue_depth") >= 150);
    owner.process.kill();
    List<Answer> answers = all(asked);

    assertThat(answers)
        .allSatisfy(answer -> assertThat(answer.isWhole()).as("%s", answer).isTrue());
    assertThat(cluster.engines("received")).as("each request once").isEqualTo(220);
    expectPeaks(5);
  }

  @Test
  void nodesJoinAndLeaveUnderLoadWithoutAFailedRequest() {
    cluster = new Cluster(folder, 3, REPLICAS, 50, "h100-llama-3.1-8b");
    Node steady = cluster.node(0);
    Node moving = cluster.node(2);
    List<CompletableFuture<Answer>> asked = new ArrayList<>();
    Runnable load =
        () -> {
          for (int i = 0; i < 100; i++) {
            asked.add(cluster.stream(i % 2 == 0 ? steady : cluster.node(1), 20, "steady " + i));
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
          }
        };
    load.run();
    moving.process.terminate();
    load.run();
    assertThat(moving.process.exitCode(Cluster.SOON)).isZero();
    cluster.awaitNodes(2);
    load.run();
    cluster.launch(moving);
    load.run();
    moving.process.awaitReady(moving.httpPort);
    cluster.awaitNodes(3);
    load.run();
    for (int i = 0; i < 20; i++) {
      asked.add(cluster.stream(moving, 20, "back " + i));
    }

    assertThat(all(asked))
        .allSatisfy(answer -> assertThat(answer.isWhole()).as("%s", answer).isTrue());
  }
}
