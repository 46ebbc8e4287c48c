package io.penstock.tenancy;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.random.RandomGenerator;

/**
 * Keys: {@code ps-} and 256 random bits. Only their SHA-256 is kept: a secret of so many bits can
 * not be guessed from it, so it needs neither salt nor a slow hash.
 */
public final class Secrets {
  private static final String PREFIX = "ps-";
  private static final int SECRET_BYTES = 32;
  private static final int ID_HEX = 16;

  private Secrets() {}

  /** A new one. */
  static String fresh(RandomGenerator random) {
    byte[] bytes = new byte[SECRET_BYTES];
    random.nextBytes(bytes);
    return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** What is kept of one, in lower-case hexadecimal. */
  public static String sha256(String secret) {
    return HexFormat.of().formatHex(digest(secret));
  }

  static byte[] digest(String secret) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-256 is in every JDK", e);
    }
  }

  /** How the key with this hash is called. Not secret: says nothing of the key. */
  public static String id(String sha256) {
    return "key-" + sha256.substring(0, ID_HEX);
  }
}
