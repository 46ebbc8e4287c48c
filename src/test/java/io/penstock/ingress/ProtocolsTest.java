package io.penstock.ingress;

import static io.penstock.ingress.ScriptedEngine.DONE;
import static io.penstock.ingress.ScriptedEngine.FINISH;
import static io.penstock.ingress.ScriptedEngine.STREAM_HEAD;
import static io.penstock.ingress.ScriptedEngine.chunk;
import static io.penstock.ingress.ScriptedEngine.frame;
import static io.penstock.ingress.ScriptedEngine.lastChunk;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.SelfSignedCertificate;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** HTTP/2 with and without TLS, certificates that change, and browsers. */
class ProtocolsTest {
  private static final String STREAM =
      "{\"model\":\"river\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";

  @TempDir Path folder;

  private final Vertx vertx = Vertx.vertx();
  private final ScriptedEngine engine = new ScriptedEngine(vertx);
  private final Gateway.Setup setup = new Gateway.Setup();

  @SuppressWarnings("NullAway.Init") // by each test
  private Gateway gateway;

  @AfterEach
  void stop() {
    gateway.close();
    vertx.close().await();
  }

  private record Answer(HttpVersion version, String body, Optional<X509Certificate> certificate) {}

  private void engineStreams() {
    engine.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          socket.write(chunk(frame("a"), FINISH, DONE));
          socket.write(lastChunk());
        });
  }

  private Answer stream(HttpClientOptions options) throws Exception {
    HttpClientAgent client = vertx.createHttpClient(options);
    try {
      return client
          .request(HttpMethod.POST, gateway.port, "127.0.0.1", "/v1/chat/completions")
          .compose(
              request ->
                  request
                      .send(STREAM)
                      .compose(
                          response ->
                              response
                                  .body()
                                  .map(
                                      body ->
                                          new Answer(
                                              response.version(),
                                              body.toString(),
                                              certificate(request.connection())))))
          .await(60, TimeUnit.SECONDS);
    } finally {
      client.close().await();
    }
  }

  private static Optional<X509Certificate> certificate(HttpConnection connection) {
    try {
      return connection.isSsl()
          ? Optional.of((X509Certificate) connection.peerCertificates().get(0))
          : Optional.empty();
    } catch (SSLPeerUnverifiedException e) {
      throw new AssertionError(e);
    }
  }

  private void certify(SelfSignedCertificate certificate) throws Exception {
    Files.copy(
        Path.of(certificate.certificatePath()),
        folder.resolve("tls.crt"),
        StandardCopyOption.REPLACE_EXISTING);
    Files.copy(
        Path.of(certificate.privateKeyPath()),
        folder.resolve("tls.key"),
        StandardCopyOption.REPLACE_EXISTING);
  }

  private static HttpClientOptions tls() {
    return new HttpClientOptions()
        .setSsl(true)
        .setTrustAll(true)
        .setVerifyHost(false)
        .setUseAlpn(true)
        .setProtocolVersion(HttpVersion.HTTP_2)
        .setAlpnVersions(List.of(HttpVersion.HTTP_2, HttpVersion.HTTP_1_1));
  }

  /** There is no other sign of the end where there are no chunks, whatever the client asks for. */
  @Test
  void aStreamOverHttp10EndsWithItsConnection() throws Exception {
    gateway = new Gateway(engine.url(), setup);
    engineStreams();
    try (Socket client = new Socket("127.0.0.1", gateway.port)) {
      client.setSoTimeout(60_000);
      String head =
          "POST /v1/chat/completions HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: "
              + STREAM.length()
              + "\r\n\r\n";
      client.getOutputStream().write((head + STREAM).getBytes(US_ASCII));
      String answer = new String(client.getInputStream().readAllBytes(), US_ASCII);
      assertThat(answer).containsIgnoringCase("\r\nconnection: close\r\n").endsWith(DONE);
      assertThat(answer).doesNotContainIgnoringCase("keep-alive");
    }
  }

  @Test
  void speaksHttp2WithoutTls() throws Exception {
    gateway = new Gateway(engine.url(), setup);
    engineStreams();
    Answer answer =
        stream(
            new HttpClientOptions()
                .setProtocolVersion(HttpVersion.HTTP_2)
                .setHttp2ClearTextUpgrade(false));
    assertThat(answer.version()).isEqualTo(HttpVersion.HTTP_2);
    assertThat(answer.body()).isEqualTo(frame("a") + FINISH + DONE);
  }

  @Test
  void leavingAnHttp2StreamResetsTheEngineAndNothingElse() throws Exception {
    gateway = new Gateway(engine.url(), setup);
    engine.answer(
        (socket, request) -> {
          socket.write(STREAM_HEAD);
          socket.write(chunk(frame("a")));
        });
    HttpClientAgent client =
        vertx.createHttpClient(
            new HttpClientOptions()
                .setProtocolVersion(HttpVersion.HTTP_2)
                .setHttp2ClearTextUpgrade(false));
    HttpClientRequest leaving =
        client.request(HttpMethod.POST, gateway.port, "127.0.0.1", "/v1/chat/completions").await();
    HttpClientRequest staying =
        client.request(HttpMethod.POST, gateway.port, "127.0.0.1", "/v1/chat/completions").await();
    leaving.send(STREAM).await();
    StringBuffer read = new StringBuffer();
    staying.response().onSuccess(response -> response.handler(piece -> read.append(piece)));
    staying.send(STREAM).await();
    assertThat(leaving.connection()).isSameAs(staying.connection());

    leaving.reset(8);
    await(() -> engine.closed.get() == 1);
    await(() -> read.length() > 0);
    assertThat(engine.closed.get()).isEqualTo(1);
    client.close().await();
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("in time").isLessThan(end);
      LockSupport.parkNanos(5_000_000);
    }
  }

  @Test
  void speaksHttp2AndHttp1OverTlsAndReadsANewCertificate() throws Exception {
    SelfSignedCertificate first = SelfSignedCertificate.create("first.example");
    SelfSignedCertificate second = SelfSignedCertificate.create("second.example");
    certify(first);
    setup.tls =
        Optional.of(new IngressConfig.Tls(folder.resolve("tls.crt"), folder.resolve("tls.key")));
    gateway = new Gateway(engine.url(), setup);
    engineStreams();

    Answer http2 = stream(tls());
    assertThat(http2.version()).isEqualTo(HttpVersion.HTTP_2);
    assertThat(http2.body()).endsWith(DONE);
    assertThat(subject(http2)).contains("first.example");
    Answer http1 =
        stream(
            tls()
                .setProtocolVersion(HttpVersion.HTTP_1_1)
                .setAlpnVersions(List.of(HttpVersion.HTTP_1_1)));
    assertThat(http1.version()).isEqualTo(HttpVersion.HTTP_1_1);

    certify(second);
    await(
        () -> {
          try {
            return subject(stream(tls())).contains("second.example");
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });

    SelfSignedCertificate third = SelfSignedCertificate.create("third.example");
    setup.tls =
        Optional.of(
            new IngressConfig.Tls(
                Path.of(third.certificatePath()), Path.of(third.privateKeyPath())));
    gateway.config.become(gateway.config(setup)).get(60, TimeUnit.SECONDS);
    await(
        () -> {
          try {
            return subject(stream(tls())).contains("third.example");
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
  }

  private static String subject(Answer answer) {
    return answer.certificate().orElseThrow().getSubjectX500Principal().getName();
  }

  @Test
  void browsersOfOtherOriginsAreRefusedUnlessConfigured() throws Exception {
    gateway = new Gateway(engine.url(), setup);
    assertThat(preflight("https://app.example").headers().contains("access-control-allow-origin"))
        .isFalse();
  }

  @Test
  void browsersOfConfiguredOriginsMayCall() throws Exception {
    setup.cors = Optional.of(new IngressConfig.Cors(List.of("https://app.example"), false));
    gateway = new Gateway(engine.url(), setup);
    engineStreams();
    HttpClientResponse allowed = preflight("https://app.example");
    assertThat(allowed.statusCode()).isEqualTo(204);
    assertThat(allowed.getHeader("access-control-allow-origin")).isEqualTo("https://app.example");
    assertThat(allowed.getHeader("access-control-allow-methods")).contains("POST");
    HttpClientResponse refused = preflight("https://evil.example");
    assertThat(refused.statusCode()).isEqualTo(403);
    assertThat(refused.getHeader("access-control-allow-origin")).isNull();
    assertThat(stream(new HttpClientOptions()).body()).endsWith(DONE);
  }

  private HttpClientResponse preflight(String origin) throws Exception {
    HttpClientAgent client = vertx.createHttpClient();
    try {
      return client
          .request(HttpMethod.OPTIONS, gateway.port, "127.0.0.1", "/v1/chat/completions")
          .compose(
              request ->
                  request
                      .putHeader("origin", origin)
                      .putHeader("access-control-request-method", "POST")
                      .putHeader("access-control-request-headers", "authorization,content-type")
                      .send())
          .await();
    } finally {
      client.close().await(); // and not before: the collector closes what nobody holds
    }
  }
}
