package io.penstock.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.inference.ModelName;
import io.penstock.inference.Outcome;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import io.penstock.inference.TokenUsage;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.NotBlank;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

class AccessLogTest {
  private final MeterRegistry registry = new SimpleMeterRegistry();

  @Test
  void writesEveryFieldOfALine() throws IOException {
    JsonObject json = json(full("chat-model", "req-1"));

    assertThat(json)
        .isEqualTo(
            new JsonObject()
                .put("ts", "2026-11-22T10:15:30.250Z")
                .put("level", "INFO")
                .put("logger", "penstock.access")
                .put("request_id", "req-1")
                .put("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736")
                .put("tenant", "acme")
                .put("operation", "chat")
                .put("model", "chat-model")
                .put("pool", "chat")
                .put("replica", "r1")
                .put("node", "n1")
                .put("status", 200)
                .put("outcome", "timeout")
                .put("code", "idle_timeout")
                .put("stream", true)
                .put("attempts", 2)
                .put("resumes", 1)
                .put("queue_ms", 1.5)
                .put("ttft_ms", 52.001)
                .put("total_ms", 1203.0)
                .put("prompt_tokens", 12)
                .put("completion_tokens", 100)
                .put("cached_tokens", 8)
                .put("bytes_out", 4096)
                .put("client", "10.0.0.1"));
  }

  @Test
  void leavesOutWhatThereIsNot() throws IOException {
    JsonObject json = json(bare("req-2"));

    assertThat(json.fieldNames())
        .containsExactly(
            "ts",
            "level",
            "logger",
            "request_id",
            "operation",
            "node",
            "status",
            "outcome",
            "stream",
            "attempts",
            "total_ms",
            "bytes_out");
  }

  @Property
  void aClientsWordsNeverBreakTheLine(@ForAll @NotBlank String model) throws IOException {
    for (LogFormat format : LogFormat.values()) {
      String text = text(format, full(model, "r"));
      assertThat(text).endsWith("\n");
      assertThat(text.indexOf('\n')).isEqualTo(text.length() - 1);
      assertThat(text.indexOf('\r')).isNegative();
    }
    assertThat(json(full(model, "r")).getString("model")).isNotEmpty();
  }

  @Test
  void halfASurrogatePairAndAnEndlessNameAreCutDown() throws IOException {
    assertThat(json(full("a\ud83d", "r")).getString("model")).isEqualTo("a?");
    assertThat(json(full("m".repeat(100_000), "r")).getString("model"))
        .isEqualTo("m".repeat(256) + "…");
  }

  @Test
  void textIsOneRowForPeople() throws IOException {
    assertThat(text(LogFormat.TEXT, full("chat-model", "req-1")))
        .matches(
            "\\d\\d:15:30.250 INFO  access chat stream 200 timeout code=idle_timeout"
                + " model=chat-model replica=r1 queue=2ms ttft=52ms total=1203ms tokens=12\\+100"
                + " attempts=2 resumes=1 request_id=req-1\n");
  }

  @Test
  void writesInOrderAndAllBeforeItCloses() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (AccessLog log = new AccessLog(LogFormat.JSON, out, registry)) {
      for (int i = 0; i < 2_000; i++) {
        log.write(bare("r" + i));
      }
    }

    List<String> ids =
        out.toString(StandardCharsets.UTF_8)
            .lines()
            .map(line -> new JsonObject(line).getString("request_id"))
            .collect(Collectors.toList());
    assertThat(ids).hasSize(2_000).startsWith("r0", "r1").endsWith("r1998", "r1999");
    assertThat(dropped()).isZero();
  }

  @Test
  @Timeout(120)
  void aStuckReaderCostsLinesAndNeverTime() throws InterruptedException {
    StuckOutput out = new StuckOutput();
    try (AccessLog log = new AccessLog(LogFormat.JSON, out, registry)) {
      log.write(bare("first"));
      assertThat(out.reached.await(60, TimeUnit.SECONDS)).isTrue();
      // The writer hangs in its first line now, and the buffer is empty.
      for (int i = 0; i < 8_192; i++) {
        log.write(bare("r" + i));
      }
      assertThat(dropped()).isZero();
      for (int i = 0; i < 1_000; i++) {
        log.write(bare("late"));
      }
      assertThat(dropped()).isEqualTo(1_000);
      out.release.countDown();
    }

    assertThat(out.lines.get()).isEqualTo(8_193);
  }

  @Test
  void aClosedOutputIsCountedAndSurvived() {
    AtomicInteger calls = new AtomicInteger();
    OutputStream broken =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            calls.incrementAndGet();
            throw new IOException("Broken pipe");
          }
        };
    try (AccessLog log = new AccessLog(LogFormat.JSON, broken, registry)) {
      log.write(bare("a"));
      log.write(bare("b"));
    }

    assertThat(calls.get()).isPositive();
    assertThat(dropped()).isEqualTo(2);
  }

  @Test
  void theLoggersLevelTurnsLinesOff() {
    ch.qos.logback.classic.Logger logger =
        (ch.qos.logback.classic.Logger) LoggerFactory.getLogger(AccessLog.LOGGER);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    logger.setLevel(ch.qos.logback.classic.Level.WARN);
    try (AccessLog log = new AccessLog(LogFormat.JSON, out, registry)) {
      log.write(bare("a"));
    } finally {
      logger.setLevel(null);
    }

    assertThat(out.size()).isZero();
  }

  private double dropped() {
    return registry.get(Names.ACCESS_LINES_DROPPED).counter().count();
  }

  private static JsonObject json(AccessLine line) throws IOException {
    return new JsonObject(text(LogFormat.JSON, line));
  }

  private static String text(LogFormat format, AccessLine line) throws IOException {
    return new String(format.format(List.of(line)), StandardCharsets.UTF_8);
  }

  private static AccessLine full(String model, String id) {
    return new AccessLine(
        Instant.parse("2026-11-22T10:15:30.250Z").toEpochMilli(),
        new RequestId(id),
        "4bf92f3577b34da6a3ce929d0e0e4736",
        new TenantId("acme"),
        "chat",
        new ModelName(model),
        new PoolName("chat"),
        new ReplicaId("r1"),
        "n1",
        200,
        Outcome.TIMEOUT,
        "idle_timeout",
        true,
        2,
        1,
        1_500_000,
        52_000_900,
        1_203_000_000,
        new TokenUsage(12, 100, 8),
        List.of(),
        null,
        null,
        null,
        4_096,
        "10.0.0.1");
  }

  private static AccessLine bare(String id) {
    @Nullable String none = null;
    return new AccessLine(
        0,
        new RequestId(id),
        none,
        null,
        "other",
        null,
        null,
        null,
        "n1",
        404,
        Outcome.CLIENT_ERROR,
        none,
        false,
        0,
        0,
        -1,
        -1,
        1_000,
        null,
        List.of(),
        null,
        none,
        null,
        0,
        none);
  }

  /** Nobody reads it until it is released. */
  private static final class StuckOutput extends OutputStream {
    final CountDownLatch reached = new CountDownLatch(1);
    final CountDownLatch release = new CountDownLatch(1);
    final AtomicInteger lines = new AtomicInteger();

    @Override
    public void write(int b) {
      throw new AssertionError("lines are written in one call");
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      reached.countDown();
      try {
        release.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      for (int i = offset; i < offset + length; i++) {
        lines.addAndGet(bytes[i] == '\n' ? 1 : 0);
      }
    }
  }
}
