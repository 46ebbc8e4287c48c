package io.penstock.ingress;

import java.net.URI;

/** A replica's base URL in parts. */
record Endpoint(String host, int port, boolean ssl) {
  /** Of a URL of scheme, host and port, as the configuration and the prober have checked it. */
  static Endpoint of(String url) {
    URI uri = URI.create(url);
    boolean ssl = "https".equals(uri.getScheme());
    int port = uri.getPort() >= 0 ? uri.getPort() : ssl ? 443 : 80;
    return new Endpoint(uri.getHost(), port, ssl);
  }
}
