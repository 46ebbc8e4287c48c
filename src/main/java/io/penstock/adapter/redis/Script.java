package io.penstock.adapter.redis;

import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** A script of this package's resources; sent by its hash, and whole where Redis has it not. */
record Script(String text, String sha1) {
  /** The script in a file of that name. */
  static Script of(String name) {
    try (InputStream in = Script.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(name + ": missing (expected: in the jar)");
      }
      byte[] text = in.readAllBytes();
      return new Script(
          new String(text, StandardCharsets.UTF_8),
          HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(text)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-1 is in every JDK", e);
    }
  }

  Future<Response> eval(RedisServer redis, List<String> keys, List<String> arguments) {
    return eval(redis, Command.EVALSHA, sha1, keys, arguments)
        .recover(
            e ->
                String.valueOf(e.getMessage()).startsWith("NOSCRIPT")
                    ? eval(redis, Command.EVAL, text, keys, arguments)
                    : Future.failedFuture(e));
  }

  private static Future<Response> eval(
      RedisServer redis,
      Command command,
      String script,
      List<String> keys,
      List<String> arguments) {
    Request request = Request.cmd(command).arg(script).arg(keys.size());
    keys.forEach(request::arg);
    arguments.forEach(request::arg);
    return redis.send(request);
  }
}
