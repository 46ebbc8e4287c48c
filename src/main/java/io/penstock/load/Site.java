package io.penstock.load;

import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.net.URI;

/**
 * One target address, ready to be asked.
 *
 * @param name as the user gave it
 * @param completion the request for an answer; reused, never changed
 * @param models the request for the list of models
 */
record Site(String name, RequestOptions completion, RequestOptions models) {
  static Site of(URI address, LoadConfig.Target target) {
    RequestOptions completion =
        request(address, target, target.endpoint().path())
            .setMethod(HttpMethod.POST)
            .putHeader("content-type", "application/json");
    return new Site(address.toString(), completion, request(address, target, "/v1/models"));
  }

  /** What {@link #models} asks, for messages. */
  String modelsAddress() {
    String scheme = Boolean.TRUE.equals(models.isSsl()) ? "https" : "http";
    return scheme + "://" + models.getHost() + ":" + models.getPort() + models.getURI();
  }

  private static RequestOptions request(URI address, LoadConfig.Target target, String path) {
    boolean tls = address.getScheme().equals("https");
    int port = address.getPort() > 0 ? address.getPort() : tls ? 443 : 80;
    String host = address.getHost().replaceAll("^\\[|]$", "");
    String base = address.getRawPath().replaceAll("/+$", "").replaceAll("/v1$", "");
    RequestOptions options =
        new RequestOptions().setHost(host).setPort(port).setSsl(tls).setURI(base + path);
    target.apiKey().ifPresent(key -> options.putHeader("authorization", "Bearer " + key));
    target.headers().forEach(options::putHeader);
    return options;
  }
}
