package io.penstock.ingress;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.penstock.openai.Slice;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetSocket;
import io.vertx.core.net.SelfSignedCertificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The two ends of a stream past Vert.x's queues, over real sockets: {@link ChunkWire} writes what
 * {@link BodyTap} reads, or what a plain client does.
 */
class StreamWiresTest {
  private static final int CHUNKS = 400;

  private final Vertx vertx = Vertx.vertx();
  private final ChunkRoom room = new ChunkRoom();
  private final AtomicInteger connections = new AtomicInteger();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final AtomicInteger wired = new AtomicInteger();
  private final Queue<ReadEnd> readEnds = new ConcurrentLinkedQueue<>(); // one per connection
  private final List<HttpClient> held =
      new ArrayList<>(); // the collector closes those that are not
  private HttpServer server;

  @BeforeEach
  void start() throws Exception {
    server = listen(new HttpServerOptions(), this::answer);
  }

  private HttpServer listen(HttpServerOptions options, Handler<HttpServerRequest> handler)
      throws Exception {
    return vertx
        .createHttpServer(options.setStrictThreadMode(true))
        .requestHandler(handler)
        .listen(0, "127.0.0.1")
        .toCompletionStage()
        .toCompletableFuture()
        .get(20, TimeUnit.SECONDS);
  }

  private void answer(HttpServerRequest request) {
    List<byte[]> chunks = chunks(Long.parseLong(request.path().substring(1)));
    request.response().setChunked(request.version() != HttpVersion.HTTP_2);
    request.response().write(Buffer.buffer(chunks.get(0)));
    ChunkWire wire = ChunkWire.of(request, room);
    if (wire == null) {
      chunks.stream().skip(1).map(Buffer::buffer).forEach(request.response()::write);
    } else {
      wired.incrementAndGet();
      chunks.stream().skip(1).forEach(chunk -> write(wire, chunk));
    }
    request.response().end();
  }

  @AfterEach
  void stop() throws Exception {
    vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
  }

  private static void write(ChunkWire wire, byte[] chunk) {
    int cut = chunk.length / 3;
    wire.send(
        wire.chunk(
            List.of(new Slice(chunk, 0, cut), new Slice(chunk, cut, chunk.length - cut)),
            chunk.length));
  }

  /** Of lengths around each further hexadecimal digit, some larger than what a room keeps. */
  private static List<byte[]> chunks(long seed) {
    Random random = new Random(seed);
    int[] edges = {1, 15, 16, 255, 256, 4_095, 4_096, 65_535, 65_536, 100_000};
    List<byte[]> chunks = new ArrayList<>();
    for (int i = 0; i < CHUNKS; i++) {
      boolean edge = random.nextInt(20) == 0;
      byte[] chunk = new byte[edge ? edges[random.nextInt(edges.length)] : 1 + random.nextInt(300)];
      random.nextBytes(chunk);
      chunks.add(chunk);
    }
    return chunks;
  }

  private static byte[] whole(long seed) {
    Buffer all = Buffer.buffer();
    chunks(seed).forEach(all::appendBytes);
    return all.getBytes();
  }

  private HttpClient client(HttpVersion version) {
    return client(
        new HttpClientOptions().setProtocolVersion(version).setHttp2ClearTextUpgrade(false));
  }

  private HttpClient client(HttpClientOptions options) {
    HttpClient client =
        vertx
            .httpClientBuilder()
            .with(options)
            .with(new PoolOptions().setHttp1MaxSize(1))
            .withConnectHandler(
                opened -> {
                  connections.incrementAndGet();
                  ReadEnd readEnd = readEnd();
                  readEnds.add(readEnd);
                  BodyTap.install(opened, readEnd);
                  opened.closeHandler(gone -> closed.countDown());
                })
            .build();
    held.add(client);
    return client;
  }

  private ReadEnd readEnd() {
    return new ReadEnd((ContextInternal) vertx.getOrCreateContext());
  }

  /**
   * What came of one answer.
   *
   * @param tapped pieces by the tap
   * @param whilePaused bytes
   */
  private record Got(Buffer body, AtomicInteger tapped, AtomicInteger whilePaused) {}

  private CompletableFuture<Got> ask(HttpClient client, long seed, boolean paused) {
    return ask(client, server.actualPort(), seed, paused);
  }

  private CompletableFuture<Got> ask(HttpClient client, int port, long seed, boolean paused) {
    CompletableFuture<Got> done = new CompletableFuture<>();
    vertx.runOnContext(
        go ->
            client
                .request(HttpMethod.POST, port, "127.0.0.1", "/" + seed)
                .compose(HttpClientRequest::send)
                .compose(answer -> read(answer, paused))
                .onComplete(
                    got -> {
                      if (got.succeeded()) {
                        done.complete(got.result());
                      } else {
                        done.completeExceptionally(got.cause());
                      }
                    }));
    return done;
  }

  private Future<Got> read(HttpClientResponse answer, boolean paused) {
    Got got = new Got(Buffer.buffer(), new AtomicInteger(), new AtomicInteger());
    answer.handler(got.body()::appendBuffer);
    BodyTap tap =
        BodyTap.open(
            answer,
            piece -> {
              got.tapped().incrementAndGet();
              got.body().appendBytes(piece.bytes(), piece.offset(), piece.length());
            });
    if (paused && tap != null) {
      tap.pause();
      int before = got.body().length();
      vertx.setTimer(
          200,
          later -> {
            got.whilePaused().set(got.body().length() - before);
            tap.resume();
          });
    }
    return answer.end().map(got);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void whatIsWrittenIsWhatIsRead(long seed) throws Exception {
    Got got = ask(client(HttpVersion.HTTP_1_1), seed, false).get(60, TimeUnit.SECONDS);
    assertThat(Arrays.equals(got.body().getBytes(), whole(seed))).isTrue();
    assertThat(got.tapped().get()).as("pieces by the tap").isPositive();
    assertThat(wired.get()).isEqualTo(1);
  }

  /** The cipher is between the two and the sockets; it takes the buffers and keeps some. */
  @ParameterizedTest
  @CsvSource({"1,false", "2,false", "3,true"})
  void soItIsOverTls(long seed, boolean paused) throws Exception {
    SelfSignedCertificate certificate = SelfSignedCertificate.create();
    server =
        listen(
            new HttpServerOptions().setSsl(true).setKeyCertOptions(certificate.keyCertOptions()),
            this::answer);
    HttpClient client =
        client(new HttpClientOptions().setSsl(true).setTrustAll(true).setVerifyHost(false));
    for (int i = 0; i < 2; i++) {
      Got got = ask(client, seed, paused).get(60, TimeUnit.SECONDS);
      assertThat(Arrays.equals(got.body().getBytes(), whole(seed))).isTrue();
      assertThat(got.tapped().get()).as("pieces by the tap").isPositive();
    }
    assertThat(connections.get()).isEqualTo(1);
    assertThat(wired.get()).isEqualTo(2);
  }

  /** A socket that takes a large chunk at once says within the write that it has room again. */
  @Test
  void whatComesWithinAWriteIsWrittenAfterIt() throws Exception {
    byte[] large = new byte[100_000];
    Arrays.fill(large, (byte) 'x');
    server =
        listen(
            new HttpServerOptions().setSendBufferSize(1 << 20),
            request -> {
              ClientAnswer answer =
                  new ClientAnswer(request, "", own -> {}, error -> {}, readEnd(), room);
              answer.frames(List.of(Slice.of("first".getBytes(UTF_8))));
              AtomicInteger drained = new AtomicInteger();
              answer.onDrain(
                  () -> {
                    if (drained.incrementAndGet() == 1) {
                      answer.frames(List.of(Slice.of("last".getBytes(UTF_8))));
                      vertx.runOnContext(then -> answer.end());
                    }
                  });
              vertx.setTimer(20, later -> answer.frames(List.of(Slice.of(large))));
            });
    Got got = ask(client(HttpVersion.HTTP_1_1), 0, false).get(60, TimeUnit.SECONDS);
    assertThat(got.body().toString()).isEqualTo("first" + new String(large, UTF_8) + "last");
  }

  /** What is paused reads no more than the sockets' buffers hold. */
  @Test
  void aPausedTapReadsNoMore() throws Exception {
    Got got = ask(client(HttpVersion.HTTP_1_1), 9, true).get(60, TimeUnit.SECONDS);
    assertThat(Arrays.equals(got.body().getBytes(), whole(9))).isTrue();
    assertThat(got.tapped().get()).isPositive();
    assertThat(got.whilePaused().get()).isLessThan(whole(9).length / 2);
  }

  /** Not in the next turn, nor after another socket. */
  @Test
  void whatAPiecePutsOffRunsWhenItsSocketHasBeenRead() throws Exception {
    List<String> told = new ArrayList<>(); // touched on the loop
    CompletableFuture<List<String>> all = new CompletableFuture<>();
    HttpClient client = client(HttpVersion.HTTP_1_1);
    vertx
        .getOrCreateContext()
        .runOnContext(
            go ->
                client
                    .request(HttpMethod.POST, server.actualPort(), "127.0.0.1", "/1")
                    .compose(HttpClientRequest::send)
                    .onSuccess(
                        answer ->
                            BodyTap.open(
                                answer,
                                piece -> {
                                  vertx.runOnContext(
                                      next -> {
                                        told.add("the next turn");
                                        all.complete(List.copyOf(told));
                                      });
                                  readEnds.element().then(() -> told.add("put off"));
                                })));
    assertThat(all.get(60, TimeUnit.SECONDS)).startsWith("put off").endsWith("the next turn");
  }

  /** The connection is as it was, whether the answer was paused or not. */
  @ParameterizedTest
  @CsvSource({"false,false", "true,false", "true,true"})
  void theNextAnswerComesOnTheSameConnection(boolean first, boolean second) throws Exception {
    HttpClient client = client(HttpVersion.HTTP_1_1);
    for (int i = 0; i < 4; i++) {
      Got got = ask(client, i, i % 2 == 0 ? first : second).get(60, TimeUnit.SECONDS);
      assertThat(Arrays.equals(got.body().getBytes(), whole(i))).isTrue();
    }
    assertThat(connections.get()).isEqualTo(1);
  }

  @Test
  void http2GoesTheUsualWay() throws Exception {
    Got got = ask(client(HttpVersion.HTTP_2), 1, false).get(60, TimeUnit.SECONDS);
    assertThat(Arrays.equals(got.body().getBytes(), whole(1))).isTrue();
    assertThat(got.tapped().get()).isZero();
    assertThat(wired.get()).isZero();
  }

  private static final String HEAD = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

  /**
   * What an engine writes for a request, each part a little later, what is to come of it, "lost"
   * for a failure, and whether that is by the tap for certain: two parts may arrive as one.
   */
  private static Stream<Arguments> engines() {
    return Stream.of(
        arguments(
            "all at once", List.of(HEAD + "3\r\none\r\n4\r\n two\r\n0\r\n\r\n"), "one two", true),
        arguments("the head alone", List.of(HEAD, "3\r\none\r\n0\r\n\r\n"), "one", true),
        arguments("trailers", List.of(HEAD + "3\r\none\r\n0\r\nx: ", "1\r\n\r\n"), "one", true),
        arguments("extensions", List.of(HEAD + "3;a=b\r\none\r\n0;c=d\r\n\r\n"), "one", true),
        arguments("no content", List.of(HEAD + "0\r\n\r\n"), "", false),
        arguments(
            "another head before",
            List.of("HTTP/1.1 100 Continue\r\n\r\n" + HEAD + "3\r\none\r\n0\r\n\r\n"),
            "one",
            true),
        arguments(
            "a head in two parts",
            List.of(HEAD.substring(0, 20), HEAD.substring(20) + "3\r\none\r\n", "0\r\n\r\n"),
            "one",
            false),
        arguments(
            "a head that ends between two parts",
            List.of(HEAD.substring(0, HEAD.length() - 1), "\n3\r\none\r\n0\r\n\r\n"),
            "one",
            false),
        arguments(
            "a head in the body",
            List.of("HTTP/1.1 200 OK\r\ncontent-length: " + HEAD.length() + "\r\n\r\n", HEAD),
            HEAD,
            false),
        arguments(
            "a head in a chunk",
            List.of(
                HEAD + Integer.toHexString(HEAD.length()) + "\r\n",
                HEAD.substring(0, 40),
                HEAD.substring(40) + "\r\n0\r\n\r\n"),
            HEAD,
            true),
        arguments(
            "a coding more",
            List.of(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n3\r\none\r\n0\r\n\r\n"),
            "one",
            false),
        arguments(
            "no body, though it is announced",
            List.of("HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n"),
            "",
            false),
        arguments("no chunks", List.of(HEAD + "3\r\none\r\nthree\r\n"), "lost", false),
        arguments("a chunk too long", List.of(HEAD + "3\r\none", "0\r\n0\r\n\r\n"), "lost", false),
        arguments("an end in a chunk", List.of(HEAD + "5\r\none", ""), "lost", false),
        arguments("an end after a chunk", List.of(HEAD + "3\r\none\r\n", ""), "lost", false));
  }

  /** Closes the connection instead of writing nothing. */
  private void writeParts(NetSocket socket, List<String> parts) {
    if (parts.isEmpty()) {
      return;
    }
    if (parts.get(0).isEmpty()) {
      socket.close();
    } else {
      socket.write(parts.get(0));
    }
    vertx.setTimer(20, later -> writeParts(socket, parts.subList(1, parts.size())));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("engines")
  void whateverAnEngineWrites(String name, List<String> parts, String expected, boolean tapped)
      throws Exception {
    NetServer engine = engine(parts);
    HttpClient client = client(HttpVersion.HTTP_1_1);
    for (int i = 0; i < 3; i++) {
      CompletableFuture<Got> answer = ask(client, engine.actualPort(), 0, false);
      if (expected.equals("lost")) {
        assertThatThrownBy(() -> answer.get(20, TimeUnit.SECONDS))
            .isInstanceOf(ExecutionException.class);
      } else {
        Got got = answer.get(20, TimeUnit.SECONDS);
        assertThat(got.body().toString()).isEqualTo(expected);
        assertThat(got.tapped().get()).isGreaterThanOrEqualTo(tapped ? 1 : 0);
      }
    }
    assertThat(connections.get()).isEqualTo(expected.equals("lost") ? 3 : 1);
  }

  private NetServer engine(List<String> parts) throws Exception {
    return vertx
        .createNetServer()
        .connectHandler(socket -> socket.handler(asked -> writeParts(socket, parts)))
        .listen(0, "127.0.0.1")
        .toCompletionStage()
        .toCompletableFuture()
        .get(20, TimeUnit.SECONDS);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aConnectionOnWhichMoreCameThanWasAskedForIsClosed(boolean later) throws Exception {
    String one = HEAD + "3\r\none\r\n0\r\n\r\n";
    NetServer engine = engine(later ? List.of(one, one) : List.of(one + one));
    Got got =
        ask(client(HttpVersion.HTTP_1_1), engine.actualPort(), 0, false).get(20, TimeUnit.SECONDS);
    assertThat(got.body().toString()).isEqualTo("one");
    assertThat(closed.await(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void whatIsWrongWithTheCodingIsSaid() throws Exception {
    NetServer engine = engine(List.of(HEAD + "3\r\none\r\ndata: two\r\n\r\n"));
    assertThatThrownBy(
            () ->
                ask(client(HttpVersion.HTTP_1_1), engine.actualPort(), 0, false)
                    .get(20, TimeUnit.SECONDS))
        .hasRootCauseInstanceOf(BadFramingException.class)
        .hasRootCauseMessage("something else than a chunk's length");
  }
}
