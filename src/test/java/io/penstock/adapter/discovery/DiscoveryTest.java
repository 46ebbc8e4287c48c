package io.penstock.adapter.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSource.RecordType;
import io.penstock.inference.ReplicaSpec;
import io.penstock.prober.Fleets;
import io.penstock.prober.ReplicaLists;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Over real files and a real name server. */
@Timeout(60)
class DiscoveryTest {
  private static final Duration REFRESH = Duration.ofMillis(20);

  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final Discovery discovery = new Discovery(vertx, REFRESH);
  private final ListRecorder lists = new ListRecorder();
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();

  private final List<ReplicaLists.Subscription> followed = new ArrayList<>();

  @TempDir Path folder;

  @BeforeEach
  void listen() {
    log.start();
    ((Logger) LoggerFactory.getLogger("io.penstock.adapter.discovery")).addAppender(log);
  }

  @AfterEach
  void close() {
    ((Logger) LoggerFactory.getLogger("io.penstock.adapter.discovery")).detachAppender(log);
    vertx.runOnContext(go -> followed.forEach(ReplicaLists.Subscription::cancel));
    await(vertx.close());
  }

  private static <T> T await(Future<T> future) {
    try {
      return future.await(20, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("not within 20 s", e);
    }
  }

  private List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    for (ILoggingEvent event : List.copyOf(log.list)) {
      if (event.getLevel().equals(Level.WARN)) {
        warnings.add(event.getFormattedMessage());
      }
    }
    return warnings;
  }

  private ReplicaLists.Subscription follow(ReplicaSource source) {
    Pool pool = Fleets.pool("chat", source);
    Promise<ReplicaLists.Subscription> promise = Promise.promise();
    vertx.runOnContext(go -> promise.complete(discovery.follow(pool, lists)));
    ReplicaLists.Subscription subscription = await(promise.future());
    followed.add(subscription);
    return subscription;
  }

  private ReplicaSource dns(String name, RecordType type, String scheme, TinyDnsServer server) {
    return new ReplicaSource.Dns(name, type, scheme, 8000, REFRESH, Optional.of(server.address()));
  }

  // --- static ---

  @Test
  void handsAStaticListOverAtOnce() {
    ReplicaSpec replica = Fleets.replica("r");
    Pool pool = Fleets.pool("chat", new ReplicaSource.Listed(List.of(replica)));
    await(discovery.follow(pool, lists).cancel());
    assertThat(lists.next()).containsExactly(replica);
  }

  @Test
  void refusesToFollowSimulatedEngines() {
    Pool pool = Fleets.pool("chat", new ReplicaSource.Simulated(2, "h100-8b"));
    assertThatThrownBy(() -> discovery.follow(pool, lists))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("pool chat")
        .hasMessageEndingWith("(expected: a list, a DNS name or a file)");
  }

  // --- DNS ---

  @Test
  void listsOneReplicaPerAddressUnderAnIdThatIsNotTheAddress() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    server.a("engines.test", "10.0.0.2");
    server.a("engines.test", "10.0.0.1");
    follow(dns("engines.test", RecordType.A, "http", server));
    List<ReplicaSpec> list = lists.next();
    assertThat(list)
        .extracting(ReplicaSpec::url)
        .containsExactlyInAnyOrder("http://10.0.0.1:8000", "http://10.0.0.2:8000");
    assertThat(list)
        .allSatisfy(
            r -> {
              assertThat(r.id().value()).matches("chat-[0-9a-f]{10}");
              assertThat(r.maxConcurrent()).isEqualTo(16);
            });
  }

  @Test
  void followsARecordThatComesAndOneThatGoes() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    server.a("engines.test", "10.0.0.1");
    follow(dns("engines.test", RecordType.A, "http", server));
    assertThat(lists.nextUrls()).containsExactly("http://10.0.0.1:8000");
    server.a("engines.test", "10.0.0.2");
    assertThat(lists.nextUrls()).containsExactly("http://10.0.0.1:8000", "http://10.0.0.2:8000");
    server.a("other.test", "10.0.0.3");
    int asked = server.questions.get();
    ListRecorder.until(() -> server.questions.get() >= asked + 3);
    assertThat(lists.isEmpty()).isTrue();
  }

  @Test
  void followsAnAlias() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    server.cname("engines.test", "real.test");
    server.a("real.test", "10.0.0.9");
    follow(dns("engines.test", RecordType.A, "http", server));
    assertThat(lists.nextUrls()).containsExactly("http://10.0.0.9:8000");
  }

  @Test
  void doesNotGoRoundInAliases() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    server.cname("engines.test", "engines.test");
    follow(dns("engines.test", RecordType.A, "http", server));
    ListRecorder.until(() -> !warnings().isEmpty());
    assertThat(warnings()).allSatisfy(w -> assertThat(w).endsWith(": no records"));
  }

  @Test
  void keepsTheLastListWhenTheServerFailsAndSaysSoOnce() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    server.a("engines.test", "10.0.0.1");
    follow(dns("engines.test", RecordType.A, "http", server));
    assertThat(lists.nextUrls()).hasSize(1);
    server.isBroken = true;
    ListRecorder.until(() -> !warnings().isEmpty());
    int asked = server.questions.get();
    ListRecorder.until(() -> server.questions.get() >= asked + 3);
    assertThat(lists.isEmpty()).isTrue();
    assertThat(warnings())
        .hasSize(1)
        .first()
        .asString()
        .startsWith(
            "pool chat: A records of DNS name engines.test can not be had,"
                + " the last 1 replicas stay:");
    server.isBroken = false;
    server.a("engines.test", "10.0.0.2");
    assertThat(lists.nextUrls()).hasSize(2);
  }

  @Test
  void takesANameThatHasGoneForAFailure() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    server.a("engines.test", "10.0.0.1");
    follow(dns("engines.test", RecordType.A, "http", server));
    assertThat(lists.nextUrls()).hasSize(1);
    server.forget("engines.test");
    ListRecorder.until(() -> !warnings().isEmpty());
    assertThat(lists.isEmpty()).isTrue();
  }

  @Test
  void asksLessOftenOnceTheServerHasFailedThreeTimes() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    server.isBroken = true;
    follow(
        new ReplicaSource.Dns(
            "engines.test",
            RecordType.A,
            "http",
            1,
            Duration.ofMillis(200),
            Optional.of(server.address())));
    ListRecorder.until(() -> server.questions.get() >= 3);
    int asked = server.questions.get();
    long start = System.nanoTime();
    ListRecorder.until(() -> server.questions.get() > asked);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(300));
  }

  @Test
  void listsOneReplicaPerServiceRecordOfTheBestPriority() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    String name = "_http._tcp.engines.test";
    server.srv(name, 1, 30, 8001, "a.test");
    server.srv(name, 1, 0, 8002, "b.test");
    server.srv(name, 2, 10, 8003, "c.test");
    server.a("a.test", "10.0.0.1");
    server.a("b.test", "10.0.0.2");
    follow(dns(name, RecordType.SRV, "http", server));
    List<ReplicaSpec> list = lists.next();
    assertThat(list)
        .extracting(r -> r.url() + " " + r.weight())
        .containsExactlyInAnyOrder("http://10.0.0.1:8001 30.0", "http://10.0.0.2:8002 1.0");
  }

  @Test
  void keepsTheIdOfATargetThatMovesAndItsNameForTls() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    String name = "_http._tcp.engines.test";
    server.srv(name, 1, 1, 8001, "a.test");
    server.a("a.test", "10.0.0.1");
    follow(dns(name, RecordType.SRV, "http", server));
    ReplicaSpec before = lists.next().get(0);
    server.forget("a.test");
    server.a("a.test", "10.0.0.7");
    ReplicaSpec after = lists.next().get(0);
    assertThat(after.url()).isEqualTo("http://10.0.0.7:8001");
    assertThat(after.id()).isEqualTo(before.id());

    follow(dns(name, RecordType.SRV, "https", server));
    assertThat(lists.nextUrls()).containsExactly("https://a.test:8001");
  }

  @Test
  void asksTheSystemWhereNoNameServerIsGiven() {
    follow(
        new ReplicaSource.Dns("localhost", RecordType.A, "http", 8000, REFRESH, Optional.empty()));
    assertThat(lists.nextUrls()).containsExactly("http://127.0.0.1:8000");
  }

  @Test
  void asksNoMoreOnceCancelled() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    server.a("engines.test", "10.0.0.1");
    ReplicaLists.Subscription subscription =
        follow(dns("engines.test", RecordType.A, "http", server));
    lists.next();
    await(subscription.cancel());
    server.a("engines.test", "10.0.0.2");
    int asked = server.questions.get();
    await(vertx.timer(10L * REFRESH.toMillis(), TimeUnit.MILLISECONDS));
    assertThat(server.questions.get()).isLessThanOrEqualTo(asked + 1);
    assertThat(lists.isEmpty()).isTrue();
  }

  // --- files ---

  private void write(Path file, String text) throws IOException {
    Path draft = folder.resolve("draft");
    Files.writeString(draft, text);
    Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  @Test
  void readsAFileAgainWhenItChanges() throws IOException {
    Path file = folder.resolve("replicas.json");
    write(file, "[{\"url\":\"http://a:1\"}]");
    follow(new ReplicaSource.Watched(file));
    assertThat(lists.nextUrls()).containsExactly("http://a:1");
    write(file, "[{\"url\":\"http://a:1\"},{\"url\":\"http://b:1\"}]");
    assertThat(lists.nextUrls()).containsExactly("http://a:1", "http://b:1");
    write(file, "[]");
    assertThat(lists.nextUrls()).isEmpty();
  }

  @Test
  void keepsTheLastListWhenTheFileIsBrokenAndSaysOnceWhatIsWrong() throws IOException {
    Path file = folder.resolve("replicas.json");
    write(file, "[{\"url\":\"http://a:1\"}]");
    follow(new ReplicaSource.Watched(file));
    lists.next();
    write(file, "[{\"url\":\"http://b:1\",\"weight\":-1}]");
    ListRecorder.until(() -> !warnings().isEmpty());
    Files.delete(file);
    ListRecorder.until(() -> warnings().size() == 2);
    assertThat(warnings())
        .containsExactly(
            "pool chat: "
                + file
                + " can not be used, the last 1 replicas stay:"
                + " [0].weight: -1 (expected: a number > 0)",
            "pool chat: "
                + file
                + " can not be used, the last 1 replicas stay: there is no such file");
    assertThat(lists.isEmpty()).isTrue();
    write(file, "[{\"url\":\"http://c:1\"}]");
    assertThat(lists.nextUrls()).containsExactly("http://c:1");
  }

  @Test
  void waitsForAFileThatIsNotThereYet() throws IOException {
    Path file = folder.resolve("late.json");
    follow(new ReplicaSource.Watched(file));
    ListRecorder.until(() -> !warnings().isEmpty());
    write(file, "[]");
    assertThat(lists.next()).isEmpty();
  }

  @Test
  void refusesAFileThatIsTooLarge() throws IOException {
    Path file = folder.resolve("large.json");
    write(file, "[" + " ".repeat(FileList.BYTES_MAX) + "]");
    follow(new ReplicaSource.Watched(file));
    ListRecorder.until(() -> !warnings().isEmpty());
    assertThat(warnings().get(0)).endsWith("larger than 1048576 bytes");
  }
}
