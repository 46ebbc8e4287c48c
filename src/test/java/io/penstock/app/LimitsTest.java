package io.penstock.app;

import static io.penstock.app.Town.MODEL;
import static io.penstock.app.Town.OTHER;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Limits of whole nodes over real sockets: on one and on three, with and without Redis. */
@Timeout(900)
class LimitsTest {
  private static final String KEY = "sk-of-the-limited-tenant";
  private static final String WARM = "sk-of-another-tenant-1";
  private static final String UNLIMITED = "sk-of-one-that-nothing-limits";
  private static final String WARM_TENANT =
      ", {'id': 'warm', 'limits': {'max_concurrent': 100}, 'keys': [{'secret': '"
          + WARM
          + "'}]}, {'id': 'unlimited', 'keys': [{'secret': '"
          + UNLIMITED
          + "'}]}";

  @TempDir private Path folder;
  private @Nullable Town town;
  private @Nullable RealRedis redis;

  @AfterEach
  void close() throws Exception {
    if (town != null) {
      town.close();
    }
    if (redis != null) {
      redis.close();
    }
  }

  private Town start(int nodes, boolean withRedis, String limits) throws Exception {
    String store = "";
    if (withRedis) {
      redis = new RealRedis(folder);
      redis.start();
      store = "'limits': {'redis_url': '" + redis.url() + "'}, ";
    }
    Town started =
        new Town(
            folder,
            nodes,
            "instant",
            "{"
                + store
                + "'list': [{'id': 'acme', "
                + limits
                + ", 'keys': [{'secret': '"
                + KEY
                + "'}]}"
                + WARM_TENANT
                + "]}");
    town = started;
    warmUp(started, nodes);
    return started;
  }

  /**
   * Until keepers have learned, and answer in time, on a machine that does all of this at once; on
   * one that is too slow for that they do not, and loops decide more themselves.
   */
  private static void warmUp(Town town, int nodes) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(8);
    long least = System.nanoTime() + TimeUnit.SECONDS.toNanos(1);
    double before = -1;
    while (System.nanoTime() < least || (local(town, nodes) > before && System.nanoTime() < end)) {
      before = local(town, nodes);
      List<CompletableFuture<HttpResponse<String>>> sent = new ArrayList<>();
      for (int i = 0; i < 48; i++) {
        sent.add(town.chatAsync(i % nodes, WARM, MODEL, 2, i % 2 == 0));
      }
      for (CompletableFuture<HttpResponse<String>> each : sent) {
        each.get(120, TimeUnit.SECONDS);
      }
    }
  }

  private List<HttpResponse<String>> together(int count, int nodes, int maxTokens)
      throws Exception {
    Town town = Objects.requireNonNull(this.town);
    List<CompletableFuture<HttpResponse<String>>> sent = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      sent.add(town.chatAsync(i % nodes, KEY, MODEL, maxTokens, i % 2 == 0));
    }
    List<HttpResponse<String>> answers = new ArrayList<>();
    for (CompletableFuture<HttpResponse<String>> each : sent) {
      answers.add(each.get(120, TimeUnit.SECONDS));
    }
    return answers;
  }

  private static long ok(List<HttpResponse<String>> answers) {
    return answers.stream().filter(answer -> answer.statusCode() == 200).count();
  }

  private static double metric(Town town, int node, String name) throws Exception {
    Matcher row =
        Pattern.compile("(?m)^" + name + "(?:\\{[^}]*})? ([0-9.eE+-]+)$")
            .matcher(town.get(node, null, "/metrics").body());
    double sum = 0;
    while (row.find()) {
      sum += Double.parseDouble(row.group(1));
    }
    return sum;
  }

  private static double local(Town town, int nodes) throws Exception {
    double sum = 0;
    for (int i = 0; i < nodes; i++) {
      sum += metric(town, i, "penstock_limit_local_decisions_total");
    }
    return sum;
  }

  /** Requests that loops have let in by their own shares. */
  private static long localAdmitted(Town town, int nodes) throws Exception {
    long sum = 0;
    for (int i = 0; i < nodes; i++) {
      Matcher row =
          Pattern.compile(
                  "(?m)^penstock_limit_local_decisions_total\\{outcome=\"admitted\"[^}]*} (\\S+)$")
              .matcher(town.get(i, null, "/metrics").body());
      sum += row.find() ? (long) Double.parseDouble(row.group(1)) : 0;
    }
    return sum;
  }

  /** Minutes into which what began then falls: in each the limit may be used once. */
  private static long minutesSince(long beganNanos) {
    return 1 + TimeUnit.NANOSECONDS.toMinutes(System.nanoTime() - beganNanos);
  }

  @ParameterizedTest(name = "{0} nodes, Redis: {1}")
  @CsvSource({"1, false", "3, false", "1, true", "3, true"})
  void twoHundredAtOnceThroughALimitOfAHundred(int nodes, boolean withRedis) throws Exception {
    Town town = start(nodes, withRedis, "'limits': {'requests_per_minute': 100}");
    double before = local(town, nodes);
    long admittedBefore = localAdmitted(town, nodes);
    long began = System.nanoTime();
    List<HttpResponse<String>> answers = together(200, nodes, 3);

    double local = local(town, nodes) - before;
    long admitted = localAdmitted(town, nodes) - admittedBefore;
    long minutes = minutesSince(began);
    System.out.printf(
        "%d nodes, redis %s: %d of 200 passed in %d min, %.0f decided locally, %d of them passed%n",
        nodes, withRedis, ok(answers), minutes, local, admitted);
    if (nodes == 1 && !withRedis) {
      assertThat(local).as("the keeper is in the same process").isZero();
    }
    assertThat(admitted).as("by the loops' shares").isLessThanOrEqualTo(100 * minutes);
    assertThat(ok(answers))
        .as("what the keeper grants, and what the loops do")
        .isLessThanOrEqualTo(100 * minutes + admitted)
        .isGreaterThanOrEqualTo(local == 0 ? 100 : 2L * nodes);
    for (HttpResponse<String> answer : answers) {
      assertThat(answer.headers().firstValue("x-ratelimit-limit-requests")).contains("100");
      if (answer.statusCode() != 200) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(429);
        JsonObject error = new JsonObject(answer.body()).getJsonObject("error");
        assertThat(error.getString("type")).isEqualTo("rate_limit_error");
        assertThat(error.getString("code")).isEqualTo("requests");
        assertThat(Long.parseLong(answer.headers().firstValue("retry-after").orElseThrow()))
            .isBetween(1L, 75L);
        assertThat(answer.headers().firstValue("retry-after-ms")).isPresent();
      }
    }
  }

  /** Five callers at once, each as fast as it can: what they use, by the engine's own count. */
  @ParameterizedTest(name = "{0} nodes, Redis: {1}")
  @CsvSource({"1, false", "3, false", "3, true"})
  void aHundredTokensAMinuteAreAHundred(int nodes, boolean withRedis) throws Exception {
    Town town = start(nodes, withRedis, "'limits': {'tokens_per_minute': 100}");
    long admittedBefore = localAdmitted(town, nodes);
    long began = System.nanoTime();
    int used = -tokens(town, nodes);
    int passed = 0;
    for (int round = 0; round < 8; round++) {
      for (HttpResponse<String> answer : together(5, nodes, 10)) {
        if (answer.statusCode() == 200) {
          passed++;
        } else {
          JsonObject error = new JsonObject(answer.body()).getJsonObject("error");
          assertThat(error.getString("code")).as(answer.body()).isEqualTo("tokens");
        }
      }
    }
    used += tokens(town, nodes);
    long admitted = localAdmitted(town, nodes) - admittedBefore;
    long minutes = minutesSince(began);
    System.out.printf(
        "%d nodes, redis %s: %d requests passed in %d min, %d of them locally, %d tokens of 100%n",
        nodes, withRedis, passed, minutes, admitted, used);
    assertThat(passed).isPositive();
    int each = used / passed;
    assertThat((long) used)
        .as("the limit and one request's error, and what loops allowed themselves: the limit again")
        .isBetween((long) each, 100 * minutes + each + Math.min(100 * minutes, admitted * each));
  }

  private static int tokens(Town town, int nodes) throws Exception {
    double sum = 0;
    for (int i = 0; i < nodes; i++) {
      sum += metric(town, i, "penstock_tokens_total");
    }
    return (int) sum;
  }

  @Test
  void asManyAtOnceAsItMayAndTheNextWhenOneIsOver() throws Exception {
    town =
        new Town(
            folder,
            2,
            "h100-llama-3.1-8b",
            "{'list': [{'id': 'acme', 'limits': {'max_concurrent': 2}, 'keys': [{'secret': '"
                + KEY
                + "'}]}"
                + WARM_TENANT
                + "]}");
    Town town = Objects.requireNonNull(this.town);
    warmUp(town, 2);
    List<CompletableFuture<HttpResponse<String>>> running = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      running.add(town.chatAsync(i, KEY, MODEL, 1_500, true));
    }
    awaitLive(town, 2);
    HttpResponse<String> third = town.chat(0, KEY, MODEL, 3);
    assertThat(third.statusCode()).isEqualTo(429);
    assertThat(new JsonObject(third.body()).getJsonObject("error").getString("message"))
        .isEqualTo("tenant 'acme' has 2 requests at once, as many as it may");
    assertThat(new JsonObject(third.body()).getJsonObject("error").getString("code"))
        .isEqualTo("concurrency");
    for (CompletableFuture<HttpResponse<String>> each : running) {
      assertThat(each.get(120, TimeUnit.SECONDS).body()).endsWith("data: [DONE]\n\n");
    }
    for (int i = 0; i < 10; i++) {
      HttpResponse<String> next = awaitOk(town, i % 2);
      assertThat(next.statusCode()).isEqualTo(200);
    }
  }

  /**
   * A client that leaves in the middle is charged with what came, and not with what was reserved.
   */
  @Test
  void whoLeavesIsChargedWithWhatCame() throws Exception {
    town =
        new Town(
            folder,
            1,
            "h100-llama-3.1-8b",
            "{'list': [{'id': 'acme', 'limits': {'tokens_per_minute': 6000}, 'keys': [{'secret': '"
                + KEY
                + "'}]}]}");
    Town town = Objects.requireNonNull(this.town);
    HttpResponse<java.io.InputStream> live =
        town.http()
            .send(
                town.request(0, KEY, "/v1/chat/completions")
                    .POST(
                        java.net.http.HttpRequest.BodyPublishers.ofString(
                            "{\"model\":\""
                                + MODEL
                                + "\",\"stream\":true,\"ignore_eos\":true,\"max_tokens\":5000,\"messages\":"
                                + "[{\"role\":\"user\",\"content\":\"Hello\"}]}"))
                    .build(),
                HttpResponse.BodyHandlers.ofInputStream());
    assertThat(live.body().read()).isPositive();
    HttpResponse<String> meanwhile = town.chat(0, KEY, MODEL, 1500);
    assertThat(meanwhile.statusCode()).as("5000 are reserved").isEqualTo(429);
    assertThat(meanwhile.body()).contains("tokens per minute left, and the request may come to");
    live.body().close();

    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    HttpResponse<String> after = town.chat(0, KEY, MODEL, 2);
    while (Long.parseLong(after.headers().firstValue("x-ratelimit-remaining-tokens").orElseThrow())
        < 2_000) {
      assertThat(System.nanoTime()).as("%s", after.headers().map()).isLessThan(end);
      after = town.chat(0, KEY, MODEL, 2);
    }
    assertThat(metric(town, 0, "penstock_cancelled_total")).isEqualTo(1);
    assertThat(
            Long.parseLong(
                after.headers().firstValue("x-ratelimit-remaining-tokens").orElseThrow()))
        .as("what came is charged")
        .isLessThan(6_000);
  }

  /**
   * Of an answer in one piece nothing has come when its client leaves. If that were free, whoever
   * always leaves a little too early would have no limit.
   */
  @Test
  void whoLeavesBeforeAnAnswerInOnePieceIsChargedWithWhatWasReserved() throws Exception {
    town =
        new Town(
            folder,
            1,
            "h100-llama-3.1-8b",
            "{'list': [{'id': 'acme', 'limits': {'tokens_per_minute': 6000}, 'keys': [{'secret': '"
                + KEY
                + "'}]}]}");
    Town town = Objects.requireNonNull(this.town);
    CompletableFuture<HttpResponse<String>> leaving = town.chatAsync(0, KEY, MODEL, 5_000, false);
    awaitGranted(town);
    leaving.cancel(true);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (metric(town, 0, "penstock_cancelled_total") < 1) {
      assertThat(System.nanoTime()).isLessThan(end);
    }

    assertThat(town.chat(0, KEY, MODEL, 1_500).statusCode()).isEqualTo(429);
    assertThat(town.chat(0, KEY, MODEL, 100).statusCode()).isEqualTo(200);
  }

  private static void awaitGranted(Town town) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (metric(town, 0, "penstock_requests_in_flight") < 1) {
      assertThat(System.nanoTime()).isLessThan(end);
    }
  }

  private static HttpResponse<String> awaitOk(Town town, int node) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    HttpResponse<String> last = town.chat(node, KEY, MODEL, 2);
    while (last.statusCode() != 200 && System.nanoTime() < end) {
      last = town.chat(node, KEY, MODEL, 2);
    }
    return last;
  }

  private static void awaitLive(Town town, int count) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (metric(town, 0, "penstock_requests_in_flight")
            + metric(town, 1, "penstock_requests_in_flight")
        < count) {
      assertThat(System.nanoTime()).isLessThan(end);
    }
  }

  @Test
  void keysAndModelsHaveLimitsOfTheirOwn() throws Exception {
    Town town =
        start(
            1,
            false,
            "'limits': {'requests_per_minute': 1000}, 'model_limits': [{'model': '"
                + OTHER
                + "', 'requests_per_minute': 1}]");
    JsonObject made =
        town.admin(
            0, "POST", "/keys", "{'tenant': 'acme', 'limits': {'requests_per_minute': 2}}", 201);
    String small = made.getString("secret");
    long began = System.nanoTime();
    assertThat(town.chat(0, small, MODEL, 2).headers().firstValue("x-ratelimit-remaining-requests"))
        .contains("1");
    assertThat(town.chat(0, small, MODEL, 2).statusCode()).isEqualTo(200);
    HttpResponse<String> no = town.chat(0, small, MODEL, 2);
    assertThat(no.statusCode()).isEqualTo(429);
    assertThat(no.body()).contains("key '" + made.getString("id") + "' has had its 2 requests");
    assertThat(no.headers().firstValue("x-ratelimit-remaining-requests")).contains("0");
    long elapsed = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began);
    assertThat(seconds(no.headers().firstValue("x-ratelimit-reset-requests").orElseThrow()))
        .isBetween(59 - elapsed, 61L);

    assertThat(town.chat(0, KEY, OTHER + "-latest", 2).statusCode()).isEqualTo(200);
    assertThat(town.chat(0, KEY, OTHER, 2).body())
        .contains("tenant 'acme' for the model 'lake-70b' has had its 1 requests");
    assertThat(town.chat(0, KEY, MODEL, 2).statusCode()).isEqualTo(200);
  }

  /** {@code 58s}, {@code 1m1s}. */
  private static long seconds(String duration) {
    return java.time.Duration.parse("PT" + duration).toSeconds();
  }

  /**
   * Redis killed under load, started again, hung, and let go: nobody fails for it, nobody waits.
   */
  @Test
  void redisGoneOrHungIsNobodysTrouble() throws Exception {
    Town town = start(1, true, "'limits': {'max_concurrent': 100}");
    for (int i = 0; i < 20; i++) {
      assertThat(town.chat(0, KEY, MODEL, 2).statusCode()).isEqualTo(200);
    }
    double before = local(town, 1);
    RealRedis server = Objects.requireNonNull(redis);
    server.kill();
    slowest(town, 60, "killed");
    assertThat(local(town, 1)).isGreaterThan(before);

    server.start();
    awaitAsked(town);
    Process again = server.process();
    signal(again, "-STOP");
    before = local(town, 1);
    slowest(town, 60, "hung");
    assertThat(local(town, 1)).isGreaterThan(before);
    signal(again, "-CONT");
    awaitAsked(town);
  }

  /** Beside requests that no limit applies to, which take as long as the machine is slow. */
  private static void slowest(Town town, int count, String what) throws Exception {
    List<Long> limited = new ArrayList<>();
    List<Long> others = new ArrayList<>();
    for (int i = 0; i < 2 * count; i++) {
      long began = System.nanoTime();
      HttpResponse<String> answer = town.chat(0, i % 2 == 0 ? KEY : UNLIMITED, MODEL, 2);
      (i % 2 == 0 ? limited : others).add((System.nanoTime() - began) / 1_000_000);
      assertThat(answer.statusCode()).as(what + ": " + answer.body()).isEqualTo(200);
    }
    limited.sort(null);
    others.sort(null);
    System.out.printf(
        "redis %s: median %d ms, slowest %d ms of %d; of others %d and %d ms%n",
        what,
        limited.get(count / 2),
        limited.get(count - 1),
        count,
        others.get(count / 2),
        others.get(count - 1));
    assertThat(limited.get(count / 2)).as("median").isLessThan(50 + 4 * others.get(count / 2));
  }

  private static void awaitAsked(Town town) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    double before;
    do {
      assertThat(System.nanoTime()).isLessThan(end);
      before = local(town, 1);
      for (int i = 0; i < 10; i++) {
        assertThat(town.chat(0, KEY, MODEL, 2).statusCode()).isEqualTo(200);
      }
    } while (local(town, 1) > before);
  }

  private static void signal(Process process, String signal) throws Exception {
    assertThat(new ProcessBuilder("kill", signal, Long.toString(process.pid())).start().waitFor())
        .isZero();
  }
}
