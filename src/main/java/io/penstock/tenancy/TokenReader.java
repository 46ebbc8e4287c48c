package io.penstock.tenancy;

import io.penstock.fault.Fault;
import io.penstock.inference.TenantId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.auth.JWTOptions;
import io.vertx.ext.auth.User;
import io.vertx.ext.auth.authentication.TokenCredentials;
import io.vertx.ext.auth.jwt.JWTAuth;
import io.vertx.ext.auth.jwt.JWTAuthOptions;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads tokens that an issuer has signed. Belongs to one event loop. Checking a signature takes
 * some fifty microseconds, so the tokens that were right are remembered until they expire.
 */
final class TokenReader {
  /** Clocks of issuer and node may differ by this much. */
  private static final int LEEWAY_SECONDS = 30;

  /** Most tokens remembered; the one used least recently is forgotten. */
  static final int REMEMBERED_MAX = 10_000;

  private static final int TOKEN_CHARS_MAX = 16_384;
  private static final long FETCHED_WITHIN_MILLIS = 1_000;

  private record Seen(String tenant, long untilEpochMillis) {}

  private final Vertx vertx;
  private final Runnable strangerShown;
  private final Map<String, Seen> remembered =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Seen> eldest) {
          return size() > REMEMBERED_MAX;
        }
      };

  private Jwks jwks = Jwks.NONE;
  private @Nullable JWTAuth checker;

  /**
   * @param strangerShown called for a token that none of the keys has signed
   */
  TokenReader(Vertx vertx, Runnable strangerShown) {
    this.vertx = vertx;
    this.strangerShown = strangerShown;
  }

  /** These are the keys of now. */
  void become(Jwks next) {
    jwks = next;
    remembered.clear();
    checker = null; // without a key it would believe what nobody has signed
    TenancyConfig.Jwt of = next.of().orElse(null);
    if (of != null && !next.keys().isEmpty()) {
      JWTOptions claims = new JWTOptions().setIssuer(of.issuer()).setLeeway(LEEWAY_SECONDS);
      of.audience().ifPresent(audience -> claims.setAudience(List.of(audience)));
      checker =
          JWTAuth.create(vertx, new JWTAuthOptions().setJwks(next.keys()).setJWTOptions(claims));
    }
  }

  /**
   * Whose token it is.
   *
   * @param then called once, at once or later
   */
  void read(String token, Register register, long epochMillis, Consumer<Verdict> then) {
    Seen seen = remembered.get(token);
    if (seen != null && epochMillis < seen.untilEpochMillis) {
      then.accept(tenant(seen.tenant, register));
      return;
    }
    Optional<Verdict.Denied> no = notWorthChecking(token);
    JWTAuth by = checker;
    if (no.isPresent() || by == null) {
      then.accept(no.orElseGet(this::noKeys));
      return;
    }
    authenticate(by, token)
        .onComplete(
            done -> {
              if (done.failed()) {
                then.accept(refused(done.cause()));
              } else {
                then.accept(
                    believed(
                        token, done.result().attributes().getJsonObject("accessToken"), register));
              }
            });
  }

  /** The library throws where a claim has another type than it expects. */
  private static Future<User> authenticate(JWTAuth by, String token) {
    try {
      return by.authenticate(new TokenCredentials(token));
    } catch (RuntimeException odd) {
      return Future.failedFuture(odd);
    }
  }

  private Verdict.Denied noKeys() {
    return new Verdict.Denied(
        Fault.KEYS_UNAVAILABLE,
        "tokens can not be checked now: the issuer's keys are not there: " + jwks.problem(),
        FETCHED_WITHIN_MILLIS);
  }

  private Optional<Verdict.Denied> notWorthChecking(String token) {
    if (token.length() > TOKEN_CHARS_MAX) {
      return Optional.of(
          Verdict.invalid(
              "the token has "
                  + token.length()
                  + " characters (expected: at most "
                  + TOKEN_CHARS_MAX
                  + ")"));
    }
    Optional<String> kid = kid(token);
    if (checker != null && kid.isPresent() && !jwks.knows(kid.get())) {
      strangerShown.run();
      return Optional.of(
          Verdict.invalid(
              "the token is signed with a key that its issuer does not publish, or did not a moment"
                  + " ago"));
    }
    return Optional.empty();
  }

  private static Optional<String> kid(String token) {
    int dot = token.indexOf('.');
    try {
      byte[] head = Base64.getUrlDecoder().decode(dot < 0 ? token : token.substring(0, dot));
      Object kid = new JsonObject(new String(head, StandardCharsets.UTF_8)).getValue("kid");
      return kid instanceof String name ? Optional.of(name) : Optional.empty();
    } catch (IllegalArgumentException | DecodeException noHead) {
      return Optional.empty();
    }
  }

  /** The library's words are for programmers; of what they say, the kind is enough. */
  private static Verdict refused(Throwable cause) {
    String words = String.valueOf(cause.getMessage()).toLowerCase(java.util.Locale.ROOT);
    String why =
        words.contains("expired")
            ? "it has expired, or is not valid yet"
            : words.contains("nbf")
                ? "it is not valid yet"
                : words.contains("audience")
                    ? "it is for another audience"
                    : words.contains("issuer")
                        ? "it is of another issuer"
                        : cause instanceof ClassCastException
                            ? "a claim is of another type than it must be"
                            : "it is none, or its signature is wrong";
    return Verdict.invalid("the token is not accepted: " + why);
  }

  private Verdict believed(String token, @Nullable JsonObject claims, Register register) {
    String claim = jwks.of().map(TenancyConfig.Jwt::tenantClaim).orElse("");
    if (claims == null || !(claims.getValue("exp") instanceof Number expires)) {
      return Verdict.invalid("the token is not accepted: it does not say when it expires (exp)");
    }
    if (!(claims.getValue(claim) instanceof String tenant)) {
      return Verdict.invalid("the token is not accepted: it has no claim '" + claim + "'");
    }
    remembered.put(token, new Seen(tenant, (expires.longValue() + LEEWAY_SECONDS) * 1_000));
    return tenant(tenant, register);
  }

  private static Verdict tenant(String name, Register register) {
    if (TenantId.isValid(name)) {
      var tenant = register.tenant(new TenantId(name));
      if (tenant.isPresent()) {
        return new Verdict.Known(new Identity(tenant.get(), Optional.empty()));
      }
    }
    return Verdict.invalid("the token is of a tenant that is not known here");
  }
}
