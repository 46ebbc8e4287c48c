package io.penstock.ingress;

import io.netty.util.AsciiString;
import io.penstock.fake.Pools;
import io.penstock.inference.Cost;
import io.penstock.inference.Pool;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.message.Grant;
import io.penstock.openai.Checked;
import io.penstock.stream.RequestLife;
import io.penstock.stream.StreamDeadlines;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What it costs to read, pass on and write the headers of one request. They are of the types that
 * Netty makes of what has come in, and end in the map that Vert.x encodes.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class HeadersBench {
  /** As the OpenAI library for Python sends them behind a tracing proxy. */
  private final MultiMap client =
      arrived(
          "Host", "gateway.example:8080",
          "Accept-Encoding", "gzip, deflate",
          "Connection", "keep-alive",
          "Accept", "application/json",
          "Content-Type", "application/json",
          "User-Agent", "OpenAI/Python 1.109.1",
          "X-Stainless-Lang", "python",
          "X-Stainless-Package-Version", "1.109.1",
          "X-Stainless-OS", "Linux",
          "X-Stainless-Arch", "x64",
          "X-Stainless-Runtime", "CPython",
          "X-Stainless-Runtime-Version", "3.11.9",
          "Authorization", "Bearer sk-3b1f0c9a7d5e4f2860a1b2c3d4e5f607",
          "X-Stainless-Async", "false",
          "x-stainless-retry-count", "0",
          "x-stainless-read-timeout", "600",
          "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
          "Content-Length", "152");

  /** The same with what the gateway understands. */
  private final MultiMap asking =
      HttpHeaders.headers()
          .addAll(client)
          .add(new AsciiString("x-penstock-priority"), "interactive")
          .add(new AsciiString("x-penstock-timeout-ms"), "30000")
          .add(new AsciiString("x-penstock-session"), "s-4711");

  /** As vLLM answers. */
  private final MultiMap engine =
      arrived(
          "date", "Sun, 29 Nov 2026 13:30:00 GMT",
          "server", "uvicorn",
          "content-length", "412",
          "content-type", "application/json");

  private final RequestId id = new RequestId("req-anwgj5pc6-1-0");
  private final Pool pool = Pools.of("llama", "llama-3.1-8b").make();
  private final Caller caller = caller();
  private final Attempts attempts = new Attempts();
  private final RequestLife life =
      new RequestLife(0, false, new StreamDeadlines(10, 10, 10, 10, 10, 10));

  public HeadersBench() {
    attempts.begin(
        new Grant(
            id, pool.name(), 1, new ReplicaId("llama-a"), "http://r", 4, Optional.empty(), false));
    life.queue(1, 10);
    life.connect(5);
  }

  private static MultiMap arrived(String... namesAndValues) {
    MultiMap headers = HttpHeaders.headers();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      headers.add(new AsciiString(namesAndValues[i]), namesAndValues[i + 1]);
    }
    return headers;
  }

  /** Who sent it. */
  @Benchmark
  public Caller caller() {
    return Caller.of(
        client.get(Headers.REQUEST_ID), client.get(Headers.TRACEPARENT), "10.0.0.1", id);
  }

  /** What it asks for: nothing. */
  @Benchmark
  public Object readNone() {
    return AskHeaders.read(client);
  }

  /** What it asks for: three things. */
  @Benchmark
  public Object readThree() {
    Checked<AskHeaders> read = AskHeaders.read(asking);
    return read;
  }

  /** To the engine. */
  @Benchmark
  public MultiMap toEngine() {
    MultiMap request = HttpHeaders.headers();
    request.setAll(EngineRequest.headers(client, caller, pool));
    return request.set(HttpHeaders.CONTENT_LENGTH, "152");
  }

  /** The engine's to the client, with the gateway's own. */
  @Benchmark
  public MultiMap toClient() {
    MultiMap response = HttpHeaders.headers();
    Headers.toClient(engine, response);
    return own(response);
  }

  /** The gateway's own on a stream. */
  @Benchmark
  public MultiMap ownOnly() {
    return own(HttpHeaders.headers());
  }

  private MultiMap own(MultiMap response) {
    AnswerHeaders.course(response, caller, attempts, life, 57);
    AnswerHeaders.who(response, pool.model(), pool.name(), attempts);
    AnswerHeaders.tier(response, List.of(), Optional.empty(), true, Optional.<Cost>empty());
    return response;
  }
}
