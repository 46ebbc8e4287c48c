package io.penstock.adapter.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.adapter.guard.Guard;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSource.RecordType;
import io.penstock.inference.ReplicaSpec;
import io.penstock.prober.Fleets;
import io.penstock.prober.ReplicaLists;
import io.penstock.telemetry.Names;
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
@Timeout(300)
class DiscoveryTest {
  private static final Duration REFRESH = Duration.ofMillis(20);

  /** How long a name server that has failed is left alone. */
  private static final Duration REST = Duration.ofMillis(400);

  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final Discovery discovery = new Discovery(vertx, meters, REFRESH, REST);
  private final ListRecorder lists = new ListRecorder();
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();

  private final List<ReplicaLists.Subscription> followed = new ArrayList<>();

  @TempDir Path folder;

  @BeforeEach
  void listen() {
    log.start();
    ((Logger) LoggerFactory.getLogger("io.penstock.adapter")).addAppender(log);
  }

  @AfterEach
  void close() {
    ((Logger) LoggerFactory.getLogger("io.penstock.adapter")).detachAppender(log);
    vertx.runOnContext(go -> followed.forEach(ReplicaLists.Subscription::cancel));
    await(vertx.close());
  }

  private static <T> T await(Future<T> future) {
    try {
      return future.await(60, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("not within 60 s", e);
    }
  }

  /** What the lists have warned of. */
  private List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    for (ILoggingEvent event : List.copyOf(log.list)) {
      boolean isOfAList = !event.getLoggerName().equals(Guard.class.getName());
      if (isOfAList && event.getLevel().equals(Level.WARN)) {
        warnings.add(event.getFormattedMessage());
      }
    }
    return warnings;
  }

  private ReplicaLists.Subscription follow(ReplicaSource source) {
    return follow("chat", source);
  }

  private ReplicaLists.Subscription follow(String name, ReplicaSource source) {
    return follow(discovery, name, source);
  }

  private ReplicaLists.Subscription follow(Discovery with, String name, ReplicaSource source) {
    Pool pool = Fleets.pool(name, source);
    Promise<ReplicaLists.Subscription> promise = Promise.promise();
    vertx.runOnContext(go -> promise.complete(with.follow(pool, lists)));
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

  // --- name servers that fail ---

  private ReplicaLists.Subscription follow(String pool, String name, TinyDnsServer server) {
    return follow(pool, dns(name, RecordType.A, "http", server));
  }

  private List<String> guardLines() {
    return List.copyOf(log.list).stream()
        .filter(event -> event.getLoggerName().equals(Guard.class.getName()))
        .map(ILoggingEvent::getFormattedMessage)
        .toList();
  }

  private double state(TinyDnsServer server) {
    return meters.get(Names.GUARD_STATE).tag("target", server.address()).gauge().value();
  }

  private double calls(TinyDnsServer server, String outcome) {
    return meters
        .get(Names.GUARD_CALLS)
        .tag("target", server.address())
        .tag("outcome", outcome)
        .counter()
        .count();
  }

  @Test
  void aServerThatFailsIsLeftAloneByAllPoolsAndTriedUntilItAnswers() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    server.a("one.test", "10.0.0.1");
    server.a("two.test", "10.0.0.2");
    follow("one", "one.test", server);
    assertThat(lists.nextUrls()).containsExactly("http://10.0.0.1:8000");
    follow("two", "two.test", server);
    assertThat(lists.nextUrls()).containsExactly("http://10.0.0.2:8000");
    assertThat(state(server)).isZero();

    server.isBroken = true;
    ListRecorder.until(() -> state(server) == 2);
    long began = System.nanoTime();
    int asked = server.questions.get();
    double refused = calls(server, "refused");
    ListRecorder.until(() -> calls(server, "refused") >= refused + 20);
    int tried = server.questions.get() - asked;
    assertThat((long) tried)
        .as("one for each time of rest")
        .isLessThanOrEqualTo(2 + (System.nanoTime() - began) / REST.toNanos());
    ListRecorder.until(() -> server.questions.get() > asked + 2);
    assertThat(guardLines())
        .as("once, however often it is tried")
        .singleElement()
        .asString()
        .startsWith("dns " + server.address() + ": 3 calls in a row failed, the last one with: ")
        .endsWith("; it is tried once every 0.4 s until it answers");
    assertThat(lists.isEmpty()).as("the last lists stay").isTrue();

    server.a("one.test", "10.0.0.3");
    server.isBroken = false;
    assertThat(lists.nextUrls()).containsExactly("http://10.0.0.1:8000", "http://10.0.0.3:8000");
    ListRecorder.until(() -> state(server) == 0);
    assertThat(guardLines())
        .hasSize(2)
        .last()
        .isEqualTo("dns " + server.address() + ": answers again");
    assertThat(calls(server, "ok")).isPositive();
    assertThat(calls(server, "failed")).isGreaterThanOrEqualTo(4);
  }

  @Test
  void aServerThatIsSilentIsLeftAloneToo() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    server.a("one.test", "10.0.0.1");
    server.isSilent = true;
    for (String pool : List.of("one", "two", "three")) {
      follow(pool, "one.test", server);
    }
    ListRecorder.until(() -> state(server) == 2);
    assertThat(server.questions.get()).as("one or two questions of each pool").isLessThan(7);
    server.isSilent = false;
    for (int pool = 0; pool < 3; pool++) {
      assertThat(lists.nextUrls()).containsExactly("http://10.0.0.1:8000");
    }
    assertThat(guardLines()).hasSize(2);
  }

  @Test
  void aNameThatDoesNotExistIsNoFaultOfItsServer() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    server.a("one.test", "10.0.0.1");
    follow("nobody", "nobody.test", server);
    follow("one", "one.test", server);
    assertThat(lists.nextUrls()).hasSize(1);
    ListRecorder.until(() -> calls(server, "failed") > 10);
    assertThat(state(server)).isZero();
    assertThat(calls(server, "refused")).isZero();
    assertThat(guardLines()).isEmpty();
  }

  @Test
  void anotherServerIsAskedAsBefore() {
    TinyDnsServer broken = await(TinyDnsServer.start(vertx));
    TinyDnsServer well = await(TinyDnsServer.start(vertx));
    broken.isBroken = true;
    well.a("one.test", "10.0.0.1");
    follow("broken", "one.test", broken);
    ListRecorder.until(() -> state(broken) == 2);
    follow("well", "one.test", well);
    assertThat(lists.nextUrls()).hasSize(1);
    well.a("one.test", "10.0.0.2");
    assertThat(lists.nextUrls()).hasSize(2);
    assertThat(state(well)).isZero();
  }

  @Test
  void aPoolThatComesWhileItsServerIsLeftAloneSaysSoOnce() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    server.isBroken = true;
    Discovery patient = new Discovery(vertx, meters, REFRESH, Duration.ofMinutes(10));
    ReplicaSource name = dns("one.test", RecordType.A, "http", server);
    follow(patient, "first", name);
    ListRecorder.until(() -> state(server) == 2);
    follow(patient, "second", name);
    double refused = calls(server, "refused");
    ListRecorder.until(() -> calls(server, "refused") > refused + 6);
    assertThat(warnings())
        .filteredOn(line -> line.startsWith("pool second"))
        .singleElement()
        .asString()
        .endsWith("the last 0 replicas stay: its name server does not answer");
  }

  @Test
  void theGuardGoesWithTheLastPoolThatNeedsIt() {
    TinyDnsServer server = await(TinyDnsServer.start(vertx));
    server.a("one.test", "10.0.0.1");
    ReplicaLists.Subscription one = follow("one", "one.test", server);
    ReplicaLists.Subscription two = follow("two", "one.test", server);
    await(here(one));
    assertThat(state(server)).isZero();
    await(here(two));
    assertThat(meters.find(Names.GUARD_STATE).gauges()).isEmpty();
    await(here(two)); // once more does no harm
    follow("three", "one.test", server);
    assertThat(state(server)).isZero();
  }

  /** Cancelled on the event loop that follows. */
  private Future<Void> here(ReplicaLists.Subscription subscription) {
    Promise<Void> cancelled = Promise.promise();
    vertx.runOnContext(go -> subscription.cancel().onComplete(cancelled));
    return cancelled.future();
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
