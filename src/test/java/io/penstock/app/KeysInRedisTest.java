package io.penstock.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.adapter.redis.RedisMarks;
import io.penstock.bus.UnreadableBookException;
import io.penstock.inference.NodeId;
import io.penstock.inference.PromptPrefix;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.message.PrefixMark;
import io.penstock.message.TenancyMark;
import io.penstock.prefix.PrefixVerticle;
import io.penstock.tenancy.TenancyVerticle;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Request;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys of the admin API in a real Redis instead of files. */
class KeysInRedisTest {
  private static final String BOOK = "penstock:{keys}:book";

  private final Vertx vertx = Vertx.vertx();
  @TempDir private Path folder;
  private RealRedis redis = new RealRedis(Path.of("."));
  private @Nullable Town town;

  @BeforeEach
  void startRedis() throws Exception {
    redis = new RealRedis(folder);
    redis.start();
  }

  @AfterEach
  void close() throws Exception {
    if (town != null) {
      town.close();
    }
    redis.close();
    await(vertx.close());
  }

  private Town start(int nodes) throws Exception {
    Town started =
        new Town(
            folder,
            nodes,
            "instant",
            "{'auth': 'keys', 'key_redis_url': '" + redis.url() + "', 'list': [{'id': 'acme'}]}");
    town = started;
    return started;
  }

  @Test
  void theyOutliveTheWholeClusterAndNoFileIsWritten() throws Exception {
    Town town = start(2);
    town.admin(0, "PUT", "/tenants/guest", "{}", 200);
    JsonObject key = town.admin(1, "POST", "/keys", "{'tenant': 'guest'}", 201);
    JsonObject gone = town.admin(0, "POST", "/keys", "{'tenant': 'acme'}", 201);
    town.admin(1, "DELETE", "/keys/" + gone.getString("id"), null, 200);
    town.stop(0);
    town.stop(1);

    town.start(1);
    assertThat(status(1, key)).isEqualTo(200);
    assertThat(status(1, gone)).isEqualTo(401);
    assertThat(Files.exists(town.keyFile(1))).isFalse();
  }

  @Test
  void aRedisThatIsGoneCostsNoRequestAndANodeThatStartsWithoutItSaysSo() throws Exception {
    Town town = start(1);
    JsonObject key = town.admin(0, "POST", "/keys", "{'tenant': 'acme'}", 201);
    redis.kill();
    assertThat(status(0, key)).isEqualTo(200);
    JsonObject unsafe = town.admin(0, "POST", "/keys", "{'tenant': 'acme'}", 201);
    assertThat(unsafe.getString("warning"))
        .startsWith("all nodes go by it now, but it could not be written to Redis at 127.0.0.1:")
        .endsWith("; while that is so, it is lost when all nodes are down at once");
    assertThat(status(0, unsafe)).isEqualTo(200);
    assertThat(alarms(town)).contains("keys_unwritten", "Redis at 127.0.0.1:");

    town.stop(0);
    town.start(0);
    HttpResponse<String> unknown = town.chat(0, key.getString("secret"), Town.MODEL, 2);
    assertThat(unknown.statusCode()).isEqualTo(503);
    assertThat(unknown.body()).contains("keys_unavailable", "not known here yet");

    redis.start(); // with nothing in it
    awaitStatus(key, 401);
  }

  private static String alarms(Town town) throws Exception {
    return town.get(0, null, "/health/ready").body();
  }

  /** What could not be written is tried again, and is there when the whole cluster was down. */
  @Test
  void whatCouldNotBeWrittenIsWhenRedisIsBack() throws Exception {
    Town town = start(1);
    redis.kill();
    JsonObject unsafe = town.admin(0, "POST", "/keys", "{'tenant': 'acme'}", 201);
    assertThat(unsafe.getString("warning")).contains("could not be written");
    assertThat(alarms(town)).contains("keys_unwritten");
    redis.start();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (alarms(town).contains("keys_unwritten")) {
      assertThat(System.nanoTime()).isLessThan(end);
    }
    town.stop(0);
    town.start(0);
    assertThat(status(0, unsafe)).isEqualTo(200);
    assertThat(town.admin(0, "POST", "/keys", "{'tenant': 'acme'}", 201).containsKey("warning"))
        .isFalse();
  }

  @Test
  void whatRedisHasLostIsWrittenAgain() throws Exception {
    RedisMarks<TenancyMark> marks =
        new RedisMarks<>(vertx, redis.url(), TenancyVerticle.FORM, new SimpleMeterRegistry());
    List<TenancyMark> many = new ArrayList<>();
    for (int i = 0; i < 1_234; i++) {
      many.add(mark("t" + i, 10));
    }
    assertThat(marks.takes(1)).as("before it was given all").isFalse();
    assertThat(await(marks.write(many, true))).isTrue();
    assertThat(await(marks.read())).containsExactlyInAnyOrderElementsOf(many);
    many.set(7, mark("t7", 11));
    assertThat(marks.takes(1)).isTrue();
    assertThat(await(marks.write(List.of(many.get(7)), false))).isTrue();
    assertThat(await(marks.read())).containsExactlyInAnyOrderElementsOf(many);

    await(client().send(Request.cmd(Command.FLUSHALL)));
    many.set(8, mark("t8", 12));
    assertThat(await(marks.write(List.of(many.get(8)), false))).as("it has all").isFalse();
    assertThat(marks.takes(1)).isFalse();
    assertThat(await(marks.write(many, true))).isTrue();
    assertThat(await(marks.read())).hasSize(1_234);

    many.remove(0);
    await(marks.write(many, true));
    assertThat(await(marks.read())).containsExactlyInAnyOrderElementsOf(many);
  }

  @Test
  void prefixesAreInABookOfTheirOwn() throws Exception {
    RedisMarks<PrefixMark> prefixes =
        new RedisMarks<>(vertx, redis.url(), PrefixVerticle.FORM, new SimpleMeterRegistry());
    RedisMarks<TenancyMark> keys =
        new RedisMarks<>(vertx, redis.url(), TenancyVerticle.FORM, new SimpleMeterRegistry());
    PromptPrefix long128 =
        new PromptPrefix("a", Optional.empty(), Optional.empty(), "\"é\n".repeat(32_000), 5);
    List<PrefixMark> marks =
        List.of(
            new PrefixMark("a", Optional.of(long128), 7, new NodeId("n")),
            new PrefixMark("b", Optional.empty(), 8, new NodeId("n")));
    await(prefixes.write(marks, true));
    await(keys.write(List.of(mark("t", 20)), true));

    assertThat(await(prefixes.read())).containsExactlyInAnyOrderElementsOf(marks);
    assertThat(await(keys.read())).containsExactly(mark("t", 20));
  }

  @Test
  void theLaterWordHoldsWhoeverWritesLast() throws Exception {
    RedisMarks<TenancyMark> one =
        new RedisMarks<>(vertx, redis.url(), TenancyVerticle.FORM, new SimpleMeterRegistry());
    RedisMarks<TenancyMark> two =
        new RedisMarks<>(vertx, redis.url(), TenancyVerticle.FORM, new SimpleMeterRegistry());
    await(one.write(List.of(mark("t", 20)), true));
    await(two.write(List.of(mark("t", 19), mark("u", 1)), true));
    assertThat(await(one.read())).containsExactlyInAnyOrder(mark("t", 20), mark("u", 1));
  }

  @Test
  void whatNobodyHereWroteStopsANodeAndIsNamed() throws Exception {
    await(client().send(Request.cmd(Command.HSET).arg(BOOK).arg("key:x").arg("5 a {}")));
    assertThatThrownBy(
            () ->
                await(
                    new RedisMarks<>(
                            vertx, redis.url(), TenancyVerticle.FORM, new SimpleMeterRegistry())
                        .read()))
        .cause()
        .isInstanceOf(UnreadableBookException.class)
        .hasMessageContaining("Redis at 127.0.0.1:")
        .hasMessageContaining("'key:x' of " + BOOK)
        .hasMessageContaining("HDEL");
  }

  private Redis client() {
    return Redis.createClient(vertx, redis.url());
  }

  private static TenancyMark mark(String tenant, long stamp) {
    TenantId id = new TenantId(tenant);
    return new TenancyMark(
        TenancyMark.ofTenant(id),
        Optional.empty(),
        Optional.of(Tenant.of(id)),
        stamp,
        new NodeId("a"));
  }

  private int status(int node, JsonObject key) throws Exception {
    return town().chat(node, key.getString("secret"), Town.MODEL, 2).statusCode();
  }

  private void awaitStatus(JsonObject key, int status) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (status(0, key) != status) {
      assertThat(System.nanoTime()).isLessThan(end);
    }
  }

  private Town town() {
    return Objects.requireNonNull(town);
  }

  private static <T> T await(Future<T> future) throws ExecutionException {
    try {
      return future.toCompletionStage().toCompletableFuture().get(120, TimeUnit.SECONDS);
    } catch (InterruptedException | TimeoutException e) {
      throw new IllegalStateException(e);
    }
  }
}
