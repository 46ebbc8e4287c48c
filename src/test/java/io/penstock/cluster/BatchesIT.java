package io.penstock.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.cluster.Cluster.Node;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three JVMs, one simulated replica: calls that requests of several nodes share. */
class BatchesIT {
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @TempDir Path folder;
  private Cluster cluster;

  private void start(int maxBatchSize) {
    cluster =
        new Cluster(
            folder,
            3,
            1,
            50,
            "l4-bge-m3",
            new JsonObject().put("auth", "none"),
            new JsonObject().put("max_batch_size", maxBatchSize).put("batch_timeout_ms", 30_000));
  }

  @AfterEach
  void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  private static JsonObject body(int dimensions, List<String> inputs) {
    return new JsonObject()
        .put("model", Cluster.MODEL)
        .put("dimensions", dimensions)
        .put("input", new JsonArray(inputs));
  }

  private CompletableFuture<HttpResponse<String>> ask(String address, JsonObject body) {
    return http.sendAsync(
        HttpRequest.newBuilder(URI.create(address + "/v1/embeddings"))
            .timeout(Cluster.SOON)
            .POST(HttpRequest.BodyPublishers.ofString(body.encode()))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private CompletableFuture<HttpResponse<String>> ask(Node node, JsonObject body) {
    return ask("http://127.0.0.1:" + node.httpPort, body);
  }

  private JsonArray direct(JsonObject body) {
    return vectors(ask(cluster.engineUrl(0), body).join());
  }

  private static JsonArray vectors(HttpResponse<String> response) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return new JsonObject(response.body()).getJsonArray("data");
  }

  /** Keeps the replica at work until the node is ended. */
  private void occupy(Node node) {
    ask(node, body(8, List.of("busy")).put("sim_fault", "silent"));
    received(1);
  }

  private void received(int calls) {
    cluster
        .node(0)
        .process
        .await(calls + " calls", Cluster.SOON, () -> cluster.engines("received") == calls);
  }

  @Test
  void lanesOfThreeNodesGetTheirAnswersInPieces() {
    start(60);
    occupy(cluster.node(0));
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    List<JsonObject> bodies = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      List<String> inputs = new ArrayList<>();
      for (int j = 0; j < 20; j++) {
        inputs.add("text " + i + "." + j);
      }
      bodies.add(body(4_096, inputs));
      asked.add(ask(cluster.node(i), bodies.get(i)));
    }
    for (int i = 0; i < 3; i++) {
      HttpResponse<String> response = asked.get(i).orTimeout(2, TimeUnit.MINUTES).join();
      assertThat(response.body().length())
          .as("bytes, more than may be under way")
          .isGreaterThan(512 << 10);
      assertThat(vectors(response)).isEqualTo(direct(bodies.get(i)));
    }
    assertThat(cluster.engines("received")).as("one call for three").isEqualTo(1 + 1 + 3);
  }

  private void killTheNodeOfTheCall(boolean owns) {
    start(25);
    occupy(cluster.node(0));
    Node owner = cluster.owner();
    Node host = owner;
    for (int i = 0; host == owner != owns || host == cluster.node(0) && !owns; i++) {
      host = cluster.node(i);
    }
    JsonObject slow = body(8, List.of("first")).put("sim_fault", "stall;ms=6000");
    CompletableFuture<HttpResponse<String>> first = ask(host, slow);
    Node at = host;
    at.process.await(
        "the first one waits",
        Cluster.SOON,
        () -> Cluster.metric(owner, "llm_request_queue_depth") == 1);
    List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
    List<JsonObject> bodies = new ArrayList<>();
    for (int i = 0; bodies.size() < 24; i++) {
      Node node = cluster.node(i % 3);
      if (node != host) {
        bodies.add(slow.copy().put("input", "text " + i));
        asked.add(ask(node, bodies.get(bodies.size() - 1)));
      }
    }
    received(2);
    host.process.kill();
    for (int i = 0; i < asked.size(); i++) {
      HttpResponse<String> response = asked.get(i).orTimeout(2, TimeUnit.MINUTES).join();
      JsonObject plain = bodies.get(i).copy();
      plain.remove("sim_fault");
      assertThat(vectors(response)).isEqualTo(direct(plain));
    }
    assertThat(first.handle((answer, broken) -> broken).join()).isNotNull();
  }

  @Test
  void allButItsOwnAreAnsweredWhenTheNodeThatMakesTheCallIsKilled() {
    killTheNodeOfTheCall(false);
  }

  @Test
  void allButItsOwnAreAnsweredWhenTheKilledNodeOwnsThePoolToo() {
    killTheNodeOfTheCall(true);
  }
}
