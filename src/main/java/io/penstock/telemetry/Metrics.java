package io.penstock.telemetry;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmInfoMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.buffer.Buffer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * The node's meters and their Prometheus text. The JVM and process meters among them are read at
 * scrape time and cost nothing in between; the one that listens, to garbage collections, is closed
 * with this. Thread-safe.
 */
public final class Metrics implements AutoCloseable {
  private static final String OPEN_METRICS = "application/openmetrics-text";
  private static final int EXPECTED_SCRAPE_BYTES = 64 * 1024;

  private final PrometheusMeterRegistry registry;
  private final JvmGcMetrics garbageCollections = new JvmGcMetrics();

  /**
   * A scrape.
   *
   * @param contentType for the response's header
   */
  public record Scrape(String contentType, Buffer body) {}

  /**
   * @param version of Penstock, for {@link Names#BUILD_INFO}
   */
  public Metrics(String version) {
    registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    registry.config().meterFilter(new Help());
    new JvmInfoMetrics().bindTo(registry);
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    garbageCollections.bindTo(registry);
    Gauge.builder(Names.BUILD_INFO, () -> 1).tags(Tags.of("version", version)).register(registry);
  }

  /** Where meters are registered. */
  public MeterRegistry registry() {
    return registry;
  }

  /**
   * All meters as text, in OpenMetrics 1.0 when {@code accept} asks for it and in Prometheus 0.0.4
   * otherwise. Takes milliseconds; not for an event loop.
   *
   * @param accept the request's header, or empty
   */
  public Scrape scrape(String accept) {
    String contentType =
        accept.contains(OPEN_METRICS)
            ? OPEN_METRICS + "; version=1.0.0; charset=utf-8"
            : "text/plain; version=0.0.4; charset=utf-8";
    ByteArrayOutputStream text = new ByteArrayOutputStream(EXPECTED_SCRAPE_BYTES);
    try {
      registry.scrape(text, contentType);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a byte array does not fail
    }
    return new Scrape(contentType, Buffer.buffer(text.toByteArray()));
  }

  @Override
  public void close() {
    garbageCollections.close();
    registry.close();
  }
}
