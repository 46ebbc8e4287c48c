package io.penstock.tenancy;

import io.penstock.bus.Setting;
import io.penstock.fault.Fault;
import io.penstock.inference.Tenant;
import io.penstock.time.Clock;
import io.vertx.core.Vertx;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Says who a caller is, by what he shows. Belongs to one event loop. */
public final class Door {
  private static final String BEARER = "Bearer ";
  private static final String EXPECTED =
      " (expected: 'authorization: Bearer KEY' or 'x-api-key: KEY')";

  private final String region;
  private final Clock clock;
  private final TokenReader tokens;
  private Register register;

  Door(
      Vertx vertx,
      Setting<Register> register,
      Setting<Jwks> jwks,
      Runnable strangerShown,
      String region,
      Clock clock) {
    this.region = region;
    this.clock = clock;
    this.tokens = new TokenReader(vertx, strangerShown);
    this.register = register.now();
    tokens.become(jwks.now());
    register.onChange(next -> this.register = next);
    jwks.onChange(tokens::become);
  }

  /**
   * Who he is.
   *
   * @param authorization header; null when it is not there
   * @param apiKey {@code x-api-key}; null when it is not there
   * @param then called once: at once, but for a token perhaps later on this loop
   */
  public void identify(
      @Nullable String authorization, @Nullable String apiKey, Consumer<Verdict> then) {
    TenancyConfig.Auth auth = register.auth();
    if (auth == TenancyConfig.Auth.NONE) {
      then.accept(here(register.anonymous()));
      return;
    }
    String shown = shown(authorization, apiKey);
    if (shown == null || shown.isEmpty()) {
      then.accept(
          Verdict.invalid(
              (authorization == null ? "no API key was sent" : "authorization: not a bearer's")
                  + EXPECTED));
    } else if (auth.jwt() && isToken(shown)) {
      tokens.read(
          shown,
          register,
          clock.epochMillis(),
          verdict -> verdict.tell(known -> then.accept(here(known.identity())), then::accept));
    } else if (auth.keys()) {
      register
          .find(shown, clock.epochMillis())
          .tell(known -> then.accept(here(known.identity())), then::accept);
    } else {
      then.accept(
          Verdict.invalid(
              "what was sent is no token (expected: 'authorization: Bearer' with a JWT)"));
    }
  }

  private static @Nullable String shown(@Nullable String authorization, @Nullable String apiKey) {
    if (authorization != null && authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      return authorization.substring(BEARER.length()).strip();
    }
    return apiKey == null ? null : apiKey.strip();
  }

  /** Three parts of base64url, of which the first begins a JSON object. */
  private static boolean isToken(String shown) {
    int first = shown.indexOf('.');
    int last = shown.lastIndexOf('.');
    return shown.startsWith("ey")
        && first > 0
        && last > first
        && shown.indexOf('.', first + 1) == last;
  }

  private Verdict here(Identity identity) {
    Tenant tenant = identity.tenant();
    if (tenant.residency().isEmpty() || tenant.residency().contains(region)) {
      return new Verdict.Known(identity);
    }
    return new Verdict.Denied(
        Fault.RESIDENCY_VIOLATION,
        "requests of tenant '"
            + tenant.id()
            + "' may not be served in the region '"
            + region
            + "' (expected: one of "
            + String.join(", ", tenant.residency().stream().sorted().toList())
            + ")",
        0);
  }
}
