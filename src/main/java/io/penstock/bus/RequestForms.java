package io.penstock.bus;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.io.SerializedString;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import io.penstock.inference.Capability;
import io.penstock.inference.PoolName;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.message.Admit;
import io.penstock.message.FirstToken;
import io.penstock.message.Grant;
import io.penstock.message.Release;
import java.io.IOException;

/**
 * The messages that every request takes, read and written field by field: the same JSON by the same
 * rules as all others have by reflection ({@code RequestFormsTest} compares the two), in a third of
 * the time. A field that is added to one of these records is to be added here, and to {@link
 * RequestDrafts}.
 */
final class RequestForms {
  private static final SerializableString AFFINITY = name("affinity");
  private static final SerializableString APPRAISAL = name("appraisal");
  private static final SerializableString ATTEMPT = name("attempt");
  private static final SerializableString BLOCKS = name("blocks");
  private static final SerializableString BODY_BYTES = name("bodyBytes");
  private static final SerializableString CACHED_TOKENS = name("cachedTokens");
  private static final SerializableString CALLER_ID = name("callerId");
  private static final SerializableString COMPANY = name("company");
  private static final SerializableString COMPLETION_TOKENS = name("completionTokens");
  private static final SerializableString CONTINUES = name("continuesMessages");
  private static final SerializableString EPOCH = name("epoch");
  private static final SerializableString EXCLUDED = name("excluded");
  private static final SerializableString FIRST_TOKEN_MILLIS = name("firstTokenMillis");
  private static final SerializableString ID = name("id");
  private static final SerializableString KNOWN_EPOCH = name("knownEpoch");
  private static final SerializableString LANE = name("lane");
  private static final SerializableString MAX_TOKENS = name("maxTokens");
  private static final SerializableString NEEDS = name("needs");
  private static final SerializableString NODE = name("node");
  private static final SerializableString OUTCOME = name("outcome");
  private static final SerializableString POOL = name("pool");
  private static final SerializableString PRIORITY = name("priority");
  private static final SerializableString PROMPT_TOKENS = name("promptTokens");
  private static final SerializableString QUEUED_MILLIS = name("queuedMillis");
  private static final SerializableString REPLICA = name("replica");
  private static final SerializableString REPLY_TO = name("replyTo");
  private static final SerializableString RETRY_AFTER_MILLIS = name("retryAfterMillis");
  private static final SerializableString ROOMY = name("roomy");
  private static final SerializableString ROOM = name("room");
  private static final SerializableString STREAMS = name("streams");
  private static final SerializableString TENANT = name("tenant");
  private static final SerializableString TOTAL_MILLIS = name("totalMillis");
  private static final SerializableString URL = name("url");
  private static final SerializableString USAGE = name("usage");
  private static final SerializableString WAIT_MILLIS = name("waitMillis");
  private static final SerializableString WEIGHT = name("weight");

  private RequestForms() {}

  private static SerializableString name(String name) {
    return new SerializedString(name);
  }

  /** Has a mapper use them. */
  static SimpleModule module() {
    SimpleModule module = new SimpleModule("requests");
    module.addSerializer(new Writer<>(Admit.class, RequestForms::write));
    module.addSerializer(new Writer<>(Grant.class, RequestForms::write));
    module.addSerializer(new Writer<>(Release.class, RequestForms::write));
    module.addSerializer(new Writer<>(FirstToken.class, RequestForms::write));
    RequestDrafts.addTo(module);
    return module;
  }

  private interface Fields<T> {
    void write(T message, JsonGenerator json, SerializerProvider others) throws IOException;
  }

  private static final class Writer<T> extends StdSerializer<T> {
    private final transient Fields<T> fields;

    Writer(Class<T> type, Fields<T> fields) {
      super(type);
      this.fields = fields;
    }

    @Override
    public void serialize(T message, JsonGenerator json, SerializerProvider others)
        throws IOException {
      json.writeStartObject();
      fields.write(message, json, others);
      json.writeEndObject();
    }
  }

  private static void write(Admit message, JsonGenerator json, SerializerProvider others)
      throws IOException {
    text(json, ID, message.id().value());
    text(json, CALLER_ID, message.callerId());
    json.writeFieldName(REPLY_TO);
    json.writeStartObject();
    text(json, NODE, message.replyTo().node().value());
    text(json, ROOM, message.replyTo().room().name());
    number(json, LANE, message.replyTo().lane());
    json.writeEndObject();
    text(json, POOL, message.pool().value());
    text(json, TENANT, message.tenant().value());
    json.writeFieldName(WEIGHT);
    json.writeNumber(message.weight());
    text(json, PRIORITY, message.priority().name());
    number(json, ATTEMPT, message.attempt());
    number(json, PROMPT_TOKENS, message.promptTokens());
    number(json, MAX_TOKENS, message.maxTokens());
    number(json, BODY_BYTES, message.bodyBytes());
    number(json, AFFINITY, message.affinity());
    json.writeFieldName(NEEDS);
    json.writeStartArray();
    for (Capability each : message.needs()) {
      json.writeString(each.name());
    }
    json.writeEndArray();
    json.writeFieldName(EXCLUDED);
    json.writeStartArray();
    for (ReplicaId each : message.excluded()) {
      json.writeString(each.value());
    }
    json.writeEndArray();
    number(json, WAIT_MILLIS, message.waitMillis());
    number(json, KNOWN_EPOCH, message.knownEpoch());
    json.writeFieldName(COMPANY);
    others.defaultSerializeValue(message.company().orElse(null), json);
    json.writeFieldName(STREAMS);
    json.writeBoolean(message.streams());
    text(json, BLOCKS, message.blocks().text());
    json.writeFieldName(APPRAISAL);
    others.defaultSerializeValue(message.appraisal().orElse(null), json);
  }

  private static void write(Grant message, JsonGenerator json, SerializerProvider others)
      throws IOException {
    grant(json, message.id(), message.pool(), message.epoch(), message.replica());
    text(json, URL, message.url());
    number(json, QUEUED_MILLIS, message.queuedMillis());
    json.writeFieldName(CONTINUES);
    if (message.continuesMessages().isPresent()) {
      json.writeBoolean(message.continuesMessages().get());
    } else {
      json.writeNull();
    }
    json.writeFieldName(ROOMY);
    json.writeBoolean(message.roomy());
  }

  private static void write(Release message, JsonGenerator json, SerializerProvider others)
      throws IOException {
    grant(json, message.id(), message.pool(), message.epoch(), message.replica());
    text(json, OUTCOME, message.outcome().name());
    json.writeFieldName(USAGE);
    json.writeStartObject();
    number(json, PROMPT_TOKENS, message.usage().promptTokens());
    number(json, COMPLETION_TOKENS, message.usage().completionTokens());
    number(json, CACHED_TOKENS, message.usage().cachedTokens());
    json.writeEndObject();
    number(json, FIRST_TOKEN_MILLIS, message.firstTokenMillis());
    number(json, TOTAL_MILLIS, message.totalMillis());
    number(json, RETRY_AFTER_MILLIS, message.retryAfterMillis());
  }

  private static void write(FirstToken message, JsonGenerator json, SerializerProvider others)
      throws IOException {
    grant(json, message.id(), message.pool(), message.epoch(), message.replica());
    number(json, FIRST_TOKEN_MILLIS, message.firstTokenMillis());
  }

  private static void grant(
      JsonGenerator json, RequestId id, PoolName pool, long epoch, ReplicaId replica)
      throws IOException {
    text(json, ID, id.value());
    text(json, POOL, pool.value());
    number(json, EPOCH, epoch);
    text(json, REPLICA, replica.value());
  }

  private static void text(JsonGenerator json, SerializableString name, String value)
      throws IOException {
    json.writeFieldName(name);
    json.writeString(value);
  }

  private static void number(JsonGenerator json, SerializableString name, long value)
      throws IOException {
    json.writeFieldName(name);
    json.writeNumber(value);
  }
}
