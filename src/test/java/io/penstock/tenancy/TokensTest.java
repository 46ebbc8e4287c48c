package io.penstock.tenancy;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.adapter.jwks.HttpJwks;
import io.penstock.fake.FakeBus;
import io.penstock.fake.FakeDirectory;
import io.penstock.fake.FakeSetting;
import io.penstock.fault.Fault;
import io.penstock.inference.NodeId;
import io.penstock.inference.Role;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.time.Clock;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tokens against an issuer on a real HTTP server. */
class TokensTest {
  private static final TenantId ACME = new TenantId("acme");

  private final Vertx vertx = Vertx.vertx();
  private final Context loop = vertx.getOrCreateContext();
  private final AtomicLong aheadMillis = new AtomicLong();
  private final Clock clock =
      new Clock() {
        @Override
        public long epochMillis() {
          return Clock.system().epochMillis() + aheadMillis.get();
        }

        @Override
        public long nanos() {
          return Clock.system().nanos() + TimeUnit.MILLISECONDS.toNanos(aheadMillis.get());
        }
      };
  private Issuer issuer;

  @SuppressWarnings("NullAway.Init") // start() opens it
  private Door door;

  @BeforeEach
  void open() throws Exception {
    issuer = new Issuer(vertx);
  }

  private void start() throws Exception {
    TenancyConfig config =
        new TenancyConfig(
            TenancyConfig.Auth.KEYS_OR_JWT,
            List.of(Tenant.of(ACME)),
            List.of(),
            Optional.of(
                new TenancyConfig.Jwt(
                    Issuer.NAME,
                    issuer.url(),
                    Optional.of("penstock"),
                    "tenant",
                    Duration.ofHours(1))),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());
    TenancyVerticle tenancy =
        new TenancyVerticle(
            vertx,
            new FakeBus(new NodeId("a")),
            new FakeDirectory(FakeDirectory.of(FakeDirectory.node("a", Role.INGRESS))),
            new FakeSetting<>(config),
            "here",
            new HttpJwks(vertx, new SimpleMeterRegistry()),
            Optional.empty(),
            Optional.empty(),
            clock,
            new SimpleMeterRegistry(),
            why -> {});
    vertx
        .deployVerticle(tenancy)
        .toCompletionStage()
        .toCompletableFuture()
        .get(60, TimeUnit.SECONDS);
    CompletableFuture<Door> opened = new CompletableFuture<>();
    loop.runOnContext(x -> opened.complete(tenancy.open(vertx)));
    door = opened.get(60, TimeUnit.SECONDS);
  }

  @AfterEach
  void close() throws Exception {
    vertx.close().toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private Verdict show(String token) throws Exception {
    CompletableFuture<Verdict> verdict = new CompletableFuture<>();
    loop.runOnContext(x -> door.identify("Bearer " + token, null, verdict::complete));
    return verdict.get(60, TimeUnit.SECONDS);
  }

  private Verdict showUntil(String token, Class<?> wanted) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    Verdict last = show(token);
    while (!wanted.isInstance(last)) {
      assertThat(System.nanoTime()).as("%s", last).isLessThan(end);
      last = show(token);
    }
    return last;
  }

  private static void refused(Verdict verdict, String why) {
    assertThat(verdict)
        .isInstanceOfSatisfying(
            Verdict.Denied.class,
            no -> {
              assertThat(no.fault()).isEqualTo(Fault.INVALID_API_KEY);
              assertThat(no.message()).contains(why);
            });
  }

  @Test
  void theTenantIsTheOneOfTheClaim() throws Exception {
    start();
    String token = issuer.token("k1", Issuer.claims("acme"));

    Verdict verdict = showUntil(token, Verdict.Known.class);
    assertThat(((Verdict.Known) verdict).identity().tenant().id()).isEqualTo(ACME);
    assertThat(show(token)).as("remembered").isEqualTo(verdict);
    refused(show(issuer.token("k1", Issuer.claims("nobody"))), "a tenant that is not known here");
    JsonObject unnamed = Issuer.claims("acme");
    unnamed.remove("tenant");
    refused(show(issuer.token("k1", unnamed)), "it has no claim 'tenant'");
  }

  @Test
  void whatIsNotRightInATokenIsRefused() throws Exception {
    start();
    showUntil(issuer.token("k1", Issuer.claims("acme")), Verdict.Known.class);
    long now = System.currentTimeMillis() / 1_000;

    refused(show(issuer.token("k1", Issuer.claims("acme").put("exp", now - 60))), "it has expired");
    refused(
        show(issuer.token("k1", Issuer.claims("acme").put("nbf", now + 600))),
        "it has expired, or is not valid yet");
    refused(
        show(issuer.token("k1", Issuer.claims("acme").put("exp", Long.toString(now + 600)))),
        "a claim is of another type than it must be");
    JsonObject endless = Issuer.claims("acme");
    endless.remove("exp");
    refused(show(issuer.token("k1", endless)), "it does not say when it expires");
    refused(show(issuer.token("k1", Issuer.claims("acme").put("aud", "x"))), "another audience");
    refused(show(issuer.token("k1", Issuer.claims("acme").put("iss", "x"))), "another issuer");
    for (String forged : issuer.forged(Issuer.claims("acme")).toList()) {
      assertThat(show(forged)).as(forged).isInstanceOf(Verdict.Denied.class);
    }
  }

  @Test
  void aNewKeyOfTheIssuerIsFetchedWhenItIsShown() throws Exception {
    start();
    showUntil(issuer.token("k1", Issuer.claims("acme")), Verdict.Known.class);
    issuer.sign("k2");
    issuer.publish("k1", "k2");
    int before = issuer.fetched.get();
    String token = issuer.token("k2", Issuer.claims("acme"));
    refused(show(token), "signed with a key that its issuer does not publish");
    assertThat(issuer.fetched.get()).as("fetched a moment ago").isEqualTo(before);

    aheadMillis.set(JwksWatch.ASKED_MILLIS + 1_000);
    showUntil(token, Verdict.Known.class);
    assertThat(issuer.fetched.get()).isEqualTo(before + 1);
  }

  @Test
  void withoutTheIssuersKeysTokensAreNotForgotButNotCheckable() throws Exception {
    issuer.answerWith(500);
    start();

    Verdict verdict = showUntil(issuer.token("k1", Issuer.claims("acme")), Verdict.Denied.class);
    assertThat(((Verdict.Denied) verdict).fault()).isEqualTo(Fault.KEYS_UNAVAILABLE);
    for (String forged : issuer.forged(Issuer.claims("acme")).toList()) {
      assertThat(show(forged)).as(forged).isInstanceOf(Verdict.Denied.class);
    }
    issuer.answerWith(200);
    showUntil(issuer.token("k1", Issuer.claims("acme")), Verdict.Known.class);
  }
}
