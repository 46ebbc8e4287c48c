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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Tenants that share a cluster of three JVMs. */
@Timeout(900)
class FairnessIT {
  private static final int REPLICAS = 2;
  private static final int SLOTS = 4;
  private static final int OUTSTANDING = 500;
  private static final int QUIET_REQUESTS = 15;

  /** Of these so many are as they should be, at the least: a machine may stand still meanwhile. */
  private static final int QUIET_IN_TIME = 12;

  @TempDir private Path folder;

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private volatile boolean stopped;

  @AfterEach
  void stop() {
    stopped = true;
  }

  private record Timed(int status, long queueMillis, long totalMillis) {}

  /**
   * One tenant keeps 500 requests outstanding at all three nodes, the other sends one a second to
   * each node in turn.
   */
  @Test
  void aNoisyNeighbourCostsTwoServiceTimesAtMost() {
    JsonObject tenants =
        new JsonObject()
            .put("auth", "keys")
            .put("list", new JsonArray().add(tenant("noisy")).add(tenant("quiet")));
    try (Cluster cluster =
        new Cluster(folder, 3, REPLICAS, SLOTS, "h100-llama-3.1-8b", tenants, new JsonObject())) {
      List<CompletableFuture<Void>> noise =
          IntStream.range(0, OUTSTANDING)
              .mapToObj(i -> CompletableFuture.completedFuture((Void) null))
              .map(start -> start.thenCompose(x -> again(cluster, 0)))
              .toList();
      Node any = cluster.node(0);
      any.process.await(
          "a long queue",
          Cluster.SOON,
          () -> Cluster.metric(cluster.owner(), "llm_request_queue_depth") > OUTSTANDING / 2.0);

      List<Timed> quiet = new ArrayList<>();
      for (int i = 0; i < QUIET_REQUESTS; i++) {
        LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
        quiet.add(chat(cluster.node(i % 3), "quiet", 100).join());
      }
      stopped = true;

      assertThat(quiet).allMatch(each -> each.status() == 200);
      long[] services =
          quiet.stream()
              .mapToLong(each -> each.totalMillis() - each.queueMillis())
              .sorted()
              .toArray();
      long[] waits = quiet.stream().mapToLong(Timed::queueMillis).sorted().toArray();
      long service = services[QUIET_REQUESTS / 2];
      System.out.printf(
          "noisy neighbour: waits of %d ms, %d ms at worst; service time %d ms%n",
          waits[QUIET_IN_TIME - 1], waits[QUIET_REQUESTS - 1], service);
      assertThat(waits[QUIET_IN_TIME - 1]).isLessThanOrEqualTo(2 * service);
      long inTurn = service * OUTSTANDING / (REPLICAS * SLOTS); // that of one queue for all
      assertThat(waits[QUIET_REQUESTS - 1]).isLessThan(inTurn / 2);
      assertThat(noise).hasSize(OUTSTANDING);
    }
  }

  private CompletableFuture<Void> again(Cluster cluster, int number) {
    if (stopped) {
      return CompletableFuture.completedFuture(null);
    }
    return chat(cluster.node(number % 3), "noisy", 100)
        .thenComposeAsync(answer -> again(cluster, number + 1));
  }

  private CompletableFuture<Timed> chat(Node node, String tenant, int tokens) {
    HttpRequest request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + node.httpPort + "/v1/chat/completions"))
            .header("authorization", "Bearer " + secret(tenant))
            .header("content-type", "application/json")
            .timeout(Duration.ofMinutes(5))
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    new JsonObject()
                        .put("model", Cluster.MODEL)
                        .put("max_tokens", tokens)
                        .put("ignore_eos", true)
                        .put(
                            "messages",
                            new JsonArray()
                                .add(new JsonObject().put("role", "user").put("content", tenant)))
                        .encode()))
            .build();
    long sent = System.nanoTime();
    return http.sendAsync(request, HttpResponse.BodyHandlers.ofString())
        .handle(
            (answer, error) ->
                error != null
                    ? new Timed(0, 0, 0)
                    : new Timed(
                        answer.statusCode(),
                        answer.headers().firstValueAsLong("x-penstock-queue-ms").orElse(0),
                        (System.nanoTime() - sent) / 1_000_000));
  }

  private static JsonObject tenant(String id) {
    return new JsonObject()
        .put("id", id)
        .put(
            "keys",
            new JsonArray().add(new JsonObject().put("name", "it").put("secret", secret(id))));
  }

  private static String secret(String tenant) {
    return "ps-" + tenant + "-key-of-the-test-with-more-than-32-characters";
  }
}
