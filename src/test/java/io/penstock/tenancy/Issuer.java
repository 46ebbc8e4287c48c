package io.penstock.tenancy;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Signs tokens, and publishes its keys on a real HTTP server. */
final class Issuer implements AutoCloseable {
  static final String NAME = "https://login.example";

  private final HttpServer server;
  private final Map<String, KeyPair> keys = new LinkedHashMap<>();
  private volatile Map<String, KeyPair> published = Map.of();
  private volatile int status = 200;
  final AtomicInteger fetched = new AtomicInteger();

  Issuer(Vertx vertx) throws Exception {
    server =
        vertx
            .createHttpServer()
            .requestHandler(
                request -> {
                  fetched.incrementAndGet();
                  request.response().setStatusCode(status).end(set().encode());
                })
            .listen(0, "127.0.0.1")
            .toCompletionStage()
            .toCompletableFuture()
            .get(60, TimeUnit.SECONDS);
    sign("k1");
    publish("k1");
  }

  String url() {
    return "http://127.0.0.1:" + server.actualPort() + "/jwks.json";
  }

  /** Makes a key, of which nobody knows yet. */
  void sign(String kid) throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2_048);
    keys.put(kid, generator.generateKeyPair());
  }

  void publish(String... kids) {
    published = Arrays.stream(kids).collect(Collectors.toMap(kid -> kid, keys::get));
  }

  void answerWith(int next) {
    status = next;
  }

  private JsonObject set() {
    JsonArray array = new JsonArray();
    published.forEach(
        (kid, pair) -> {
          RSAPublicKey key = (RSAPublicKey) pair.getPublic();
          array.add(
              new JsonObject()
                  .put("kty", "RSA")
                  .put("use", "sig")
                  .put("alg", "RS256")
                  .put("kid", kid)
                  .put("n", number(key.getModulus()))
                  .put("e", number(key.getPublicExponent())));
        });
    array.add(
        new JsonObject()
            .put("kty", "oct")
            .put("kid", "shared")
            .put("alg", "HS256")
            .put("k", text("a shared secret that everybody can read")));
    return new JsonObject().put("keys", array);
  }

  private static String number(BigInteger number) {
    byte[] bytes = number.toByteArray();
    return encoded(bytes[0] == 0 ? Arrays.copyOfRange(bytes, 1, bytes.length) : bytes);
  }

  private static String text(String text) {
    return encoded(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String encoded(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** Claims of a token that is right. */
  static JsonObject claims(String tenant) {
    long now = System.currentTimeMillis() / 1_000;
    return new JsonObject()
        .put("iss", NAME)
        .put("aud", "penstock")
        .put("tenant", tenant)
        .put("iat", now)
        .put("exp", now + 600);
  }

  String token(String kid, JsonObject claims) throws GeneralSecurityException {
    String head =
        text(new JsonObject().put("alg", "RS256").put("typ", "JWT").put("kid", kid).encode());
    String signed = head + "." + text(claims.encode());
    Signature signature = Signature.getInstance("SHA256withRSA");
    signature.initSign(java.util.Objects.requireNonNull(keys.get(kid)).getPrivate());
    signature.update(signed.getBytes(StandardCharsets.US_ASCII));
    return signed + "." + encoded(signature.sign());
  }

  /** What attackers try: nobody's signature, and one with what is published as a shared secret. */
  Stream<String> forged(JsonObject claims) throws GeneralSecurityException {
    String none = text("{\"alg\":\"none\",\"typ\":\"JWT\"}") + "." + text(claims.encode());
    String head = text("{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"shared\"}");
    String anonymousHead = text("{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
    String whole = token("k1", claims);
    return Stream.of(
        none + ".",
        none + ".x",
        hmac(head + "." + text(claims.encode())),
        hmac(anonymousHead + "." + text(claims.encode())),
        whole.substring(0, whole.length() - 8) + "AAAAAAAA",
        whole.replace(
            "." + text(claims.encode()) + ".", "." + text(claims.put("x", 1).encode()) + "."));
  }

  private static String hmac(String signed) throws GeneralSecurityException {
    javax.crypto.Mac mac = javax.crypto.Mac.getInstance("HmacSHA256");
    mac.init(
        new javax.crypto.spec.SecretKeySpec(
            "a shared secret that everybody can read".getBytes(StandardCharsets.UTF_8),
            "HmacSHA256"));
    return signed + "." + encoded(mac.doFinal(signed.getBytes(StandardCharsets.US_ASCII)));
  }

  @Override
  public void close() throws Exception {
    server.close().toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }
}
