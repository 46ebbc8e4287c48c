package io.penstock.telemetry;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import io.penstock.inference.Cost;
import io.penstock.inference.TierName;
import io.penstock.inference.TokenUsage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How log and access lines look. What log events look like stands in {@code logback-json.xml} and
 * {@code logback-text.xml}; access lines are rendered here, alike.
 */
public enum LogFormat {
  /** One JSON object per line, times in milliseconds. */
  JSON {
    @Override
    void append(List<AccessLine> lines, ByteArrayBuilder out) throws IOException {
      try (JsonGenerator json = JSON_FACTORY.createGenerator(out)) {
        long epochMillis = Long.MIN_VALUE;
        String ts = "";
        for (AccessLine line : lines) {
          if (line.epochMillis() != epochMillis) {
            epochMillis = line.epochMillis();
            ts = ISO_MILLIS.format(Instant.ofEpochMilli(epochMillis));
          }
          append(line, ts, json);
        }
        json.writeRaw('\n');
      }
    }

    private void append(AccessLine line, String ts, JsonGenerator json) throws IOException {
      json.writeStartObject();
      json.writeStringField("ts", ts);
      json.writeStringField("level", "INFO");
      json.writeStringField("logger", AccessLog.LOGGER);
      json.writeStringField("request_id", line.requestId().value());
      text(json, "trace_id", line.traceId());
      text(json, "tenant", line.tenant());
      json.writeStringField("operation", line.operation());
      text(json, "model", line.model());
      text(json, "pool", line.pool());
      text(json, "replica", line.replica());
      json.writeStringField("node", line.node());
      json.writeNumberField("status", line.status());
      json.writeStringField("outcome", line.outcome().label());
      text(json, "code", line.code());
      json.writeBooleanField("stream", line.stream());
      json.writeNumberField("attempts", line.attempts());
      if (line.resumes() > 0) {
        json.writeNumberField("resumes", line.resumes());
      }
      millis(json, "queue_ms", line.queueNanos());
      millis(json, "ttft_ms", line.firstTokenNanos());
      millis(json, "total_ms", line.totalNanos());
      TokenUsage usage = line.usage();
      if (usage != null) {
        json.writeNumberField("prompt_tokens", usage.promptTokens());
        json.writeNumberField("completion_tokens", usage.completionTokens());
        json.writeNumberField("cached_tokens", usage.cachedTokens());
      }
      text(json, "tier", line.tier());
      if (line.tiers().size() > 1) {
        text(json, "cascade", joined(line.tiers()));
      }
      text(json, "escalation_failed", line.escalationFailed());
      Cost cost = line.cost();
      if (cost != null) {
        json.writeFieldName("cost");
        json.writeNumber(cost.text());
      }
      json.writeNumberField("bytes_out", line.bytesOut());
      text(json, "client", line.client());
      json.writeEndObject();
    }
  },

  /** For people: what matters, in one row. */
  TEXT {
    @Override
    void append(List<AccessLine> lines, ByteArrayBuilder out) {
      for (AccessLine line : lines) {
        append(line, out);
      }
    }

    private void append(AccessLine line, ByteArrayBuilder out) {
      StringBuilder row = new StringBuilder(160);
      LOCAL_MILLIS.formatTo(Instant.ofEpochMilli(line.epochMillis()), row);
      row.append(" INFO  access ")
          .append(line.operation())
          .append(line.stream() ? " stream " : " ");
      row.append(line.status()).append(' ').append(line.outcome().label());
      word(row, "code", line.code());
      word(row, "model", line.model());
      word(row, "replica", line.replica());
      word(row, "queue", line.queueNanos() < 0 ? null : shortMillis(line.queueNanos()));
      word(row, "ttft", line.firstTokenNanos() < 0 ? null : shortMillis(line.firstTokenNanos()));
      word(row, "total", shortMillis(line.totalNanos()));
      TokenUsage usage = line.usage();
      if (usage != null) {
        word(row, "tokens", usage.promptTokens() + "+" + usage.completionTokens());
      }
      word(row, "tier", line.tiers().isEmpty() ? null : joined(line.tiers()));
      if (line.escalationFailed() != null) {
        word(row, "draft", line.tier());
        word(row, "escalation_failed", line.escalationFailed());
      }
      word(row, "cost", line.cost());
      word(row, "attempts", line.attempts() > 1 ? line.attempts() : null);
      word(row, "resumes", line.resumes() > 0 ? line.resumes() : null);
      word(row, "request_id", line.requestId());
      row.append('\n');
      byte[] bytes = row.toString().getBytes(StandardCharsets.UTF_8);
      out.write(bytes, 0, bytes.length);
    }
  };

  private static final JsonFactory JSON_FACTORY =
      new JsonFactoryBuilder()
          .rootValueSeparator("\n")
          .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
          .build();
  private static final DateTimeFormatter ISO_MILLIS =
      new DateTimeFormatterBuilder().appendInstant(3).toFormatter(Locale.ROOT);
  private static final DateTimeFormatter LOCAL_MILLIS =
      DateTimeFormatter.ofPattern("HH:mm:ss.SSS", Locale.ROOT).withZone(ZoneId.systemDefault());
  private static final int EXPECTED_LINE_BYTES = 512;
  private static final int VALUE_CHARS_MAX = 256;
  private static final double NANOS_PER_MILLI = 1e6;

  /** The name in {@code PENSTOCK_LOG_FORMAT}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The constant with this {@link #label()}. */
  public static Optional<LogFormat> of(String label) {
    return Arrays.stream(values()).filter(f -> f.label().equals(label)).findFirst();
  }

  /** Each line is ended by a line feed; there is one at least. */
  abstract void append(List<AccessLine> lines, ByteArrayBuilder out) throws IOException;

  /** All lines, of which there is one at least, each ended by a line feed. */
  byte[] format(List<AccessLine> lines) throws IOException {
    try (ByteArrayBuilder out = new ByteArrayBuilder(lines.size() * EXPECTED_LINE_BYTES)) {
      append(lines, out);
      return out.toByteArray();
    }
  }

  private static void text(JsonGenerator json, String name, @Nullable Object value)
      throws IOException {
    if (value != null) {
      json.writeStringField(name, bounded(value.toString()));
    }
  }

  private static String joined(List<TierName> tiers) {
    return tiers.stream().map(TierName::value).collect(Collectors.joining(","));
  }

  /** A client names its model as it likes; half a surrogate pair is no text in UTF-8. */
  private static String bounded(String value) {
    String cut =
        value.length() <= VALUE_CHARS_MAX ? value : value.substring(0, VALUE_CHARS_MAX) + "…";
    for (int i = 0; i < cut.length(); i++) {
      if (Character.isSurrogate(cut.charAt(i))) {
        return new String(cut.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
      }
    }
    return cut;
  }

  private static void millis(JsonGenerator json, String name, long nanos) throws IOException {
    if (nanos >= 0) {
      json.writeNumberField(name, Math.round(nanos / 1e3) / 1e3); // to the microsecond
    }
  }

  private static String shortMillis(long nanos) {
    return Math.round(nanos / NANOS_PER_MILLI) + "ms";
  }

  private static void word(StringBuilder row, String name, @Nullable Object value) {
    if (value != null) {
      row.append(' ').append(name).append('=').append(printable(bounded(value.toString())));
    }
  }

  /** A client's own words must not break the row. */
  private static String printable(String value) {
    StringBuilder safe = new StringBuilder(value.length());
    value
        .codePoints()
        .forEach(c -> safe.appendCodePoint(Character.isISOControl(c) || c == ' ' ? '_' : c));
    return safe.toString();
  }
}
