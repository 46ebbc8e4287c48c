package io.penstock.ingress;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.ServerSSLOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificate and key of the ingress, read again when one of the files has changed. New
 * connections use the new ones; a pair that can not be used is logged and the old one stays.
 */
final class TlsFiles {
  private static final Logger LOG = LoggerFactory.getLogger(TlsFiles.class);

  static final long CHECK_MILLIS = 2_000;

  private final Path certificate;
  private final Path key;
  private String stamp = "";
  private boolean unreadable;

  TlsFiles(IngressConfig.Tls tls) {
    this.certificate = tls.certificate();
    this.key = tls.key();
  }

  PemKeyCertOptions options() {
    return new PemKeyCertOptions().setCertPath(certificate.toString()).setKeyPath(key.toString());
  }

  /** Remembers the files as they are now, before the server reads them. */
  Future<Void> remember(Vertx vertx) {
    return vertx.executeBlocking(this::readStamp).onSuccess(now -> stamp = now).mapEmpty();
  }

  void reload(Vertx vertx, HttpServer server) {
    vertx
        .executeBlocking(this::readStamp)
        .onSuccess(
            now -> {
              unreadable = false;
              if (!stamp.equals(now)) {
                stamp = now;
                apply(server);
              }
            })
        .onFailure(
            gone -> {
              if (!unreadable) {
                LOG.error("certificate or key can not be read: {}", gone.toString());
              }
              unreadable = true;
            });
  }

  private void apply(HttpServer server) {
    ServerSSLOptions ssl = new ServerSSLOptions();
    ssl.setKeyCertOptions(options())
        .setUseAlpn(true)
        .setApplicationLayerProtocols(List.of("h2", "http/1.1"));
    server
        .updateSSLOptions(ssl, true)
        .onSuccess(done -> LOG.info("certificate {} read again", certificate))
        .onFailure(
            bad ->
                LOG.error(
                    "certificate {} and key {} can not be used, the old ones stay: {}",
                    certificate,
                    key,
                    bad.getMessage()));
  }

  private String readStamp() throws IOException {
    return stampOf(certificate) + stampOf(key);
  }

  private static String stampOf(Path file) throws IOException {
    return Files.getLastModifiedTime(file) + "/" + Files.size(file) + ";";
  }
}
