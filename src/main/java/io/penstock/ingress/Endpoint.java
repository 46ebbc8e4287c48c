package io.penstock.ingress;

import java.net.URI;

/**
 * A replica's base URL in parts.
 *
 * @param prefix path before {@code /v1}; empty for most engines
 */
record Endpoint(String host, int port, boolean ssl, String prefix) {
  /** Of a URL that the configuration or the prober has checked. */
  static Endpoint of(String url) {
    URI uri = URI.create(url);
    boolean ssl = "https".equals(uri.getScheme());
    int port = uri.getPort() >= 0 ? uri.getPort() : ssl ? 443 : 80;
    String path = uri.getRawPath() == null ? "" : uri.getRawPath();
    return new Endpoint(
        uri.getHost(), port, ssl, path.endsWith("/") ? path.substring(0, path.length() - 1) : path);
  }
}
