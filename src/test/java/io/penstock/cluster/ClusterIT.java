package io.penstock.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.cluster.Cluster.Answer;
import io.penstock.cluster.Cluster.Node;
import java.nio.file.Path;
import java.time.Duration;
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
      answers.add(each.orTimeout(120, TimeUnit.SECONDS).join());
    }
    return answers;
  }

  @Test
  void aReplicasLimitHoldsExactlyOverAllNodes() {
    cluster = new Cluster(folder, 3, REPLICAS, 10, "h100-llama-3.1-8b");
    List<CompletableFuture<Answer>> asked = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      asked.add(cluster.stream(cluster.node(i % 3), 20, "request " + i));
    }
    List<Answer> answers = all(asked);

    assertThat(answers)
        .allSatisfy(answer -> assertThat(answer.isWhole()).as("%s", answer).isTrue());
    assertThat(cluster.engines("received")).isEqualTo(500);
    assertThat(cluster.engines("finished")).isEqualTo(500);
    for (int i = 0; i < REPLICAS; i++) {
      assertThat(cluster.engine(i, "peak_running"))
          .as("requests at once on replica %d", i)
          .isEqualTo(10);
    }
  }

  @Test
  void everyWaitingRequestIsServedOnceWhenThePoolsOwnerIsKilled() {
    cluster = new Cluster(folder, 3, REPLICAS, 5, "h100-llama-3.1-8b");
    Node probe = cluster.node(0);
    List<CompletableFuture<Answer>> warm = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      warm.add(cluster.stream(probe, 200, "warm " + i));
    }
    probe.process.await(
        "grants", Duration.ofSeconds(10), () -> cluster.engines("running") == REPLICAS * 5);
    Node owner = cluster.owner();
    if (owner == probe) {
      probe = cluster.node(1);
    }
    all(warm);

    List<Node> entries = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      if (cluster.node(i) != owner) {
        entries.add(cluster.node(i));
      }
    }
    long before = cluster.engines("received");
    List<CompletableFuture<Answer>> asked = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      asked.add(cluster.stream(entries.get(i % 2), 150, "queued " + i));
    }
    probe.process.await(
        "a full queue",
        Duration.ofSeconds(10),
        () -> Cluster.metric(owner, "llm_request_queue_depth") >= 150);
    owner.process.kill();
    List<Answer> answers = all(asked);

    assertThat(answers)
        .allSatisfy(answer -> assertThat(answer.isWhole()).as("%s", answer).isTrue());
    assertThat(cluster.engines("received") - before).as("each request once").isEqualTo(200);
    for (int i = 0; i < REPLICAS; i++) {
      assertThat(cluster.engine(i, "peak_running")).isLessThanOrEqualTo(5);
    }
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
    assertThat(moving.process.exitCode(Duration.ofSeconds(40))).isZero();
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
