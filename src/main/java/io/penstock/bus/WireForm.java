package io.penstock.bus;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.cfg.MutableConfigOverride;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdScalarSerializer;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import io.penstock.bus.UnreadableMessageException.Reason;
import io.penstock.inference.ModelName;
import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import io.penstock.inference.TierName;
import io.penstock.message.Bytes;
import io.penstock.message.Message;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Messages as bytes between nodes: <code>{"v":1,"type":"Admit","message":{…}}</code> in UTF-8, ids
 * as plain text, enums by the name of their constant.
 *
 * <p>Nodes of two releases talk to each other while a cluster is upgraded, so reading is tolerant:
 *
 * <ul>
 *   <li>a field that this node does not know is ignored;
 *   <li>an absent field becomes 0, false, the empty text, list, set or Optional, or no {@link
 *       PromptBlocks}; an absent id, record or enum makes the message {@link Reason#INVALID};
 *   <li>an unknown constant in a list or set is left out; anywhere else the message is {@link
 *       Reason#INVALID}.
 * </ul>
 *
 * Hence a new field whose default is right needs no new version. When a known field changes its
 * meaning, {@link #VERSION} rises, and older nodes drop what they would misread.
 *
 * <p>JSON rather than something denser: a request takes half a dozen messages of some 300 bytes,
 * and what is on the wire can be read with tcpdump. Thread-safe.
 */
final class WireForm {
  static final int VERSION = 1;

  private static final String VERSION_FIELD = "v";
  private static final String TYPE_FIELD = "type";
  private static final String MESSAGE_FIELD = "message";

  private static final ObjectMapper MAPPER =
      byReflection().addModule(RequestForms.module()).build();

  private static final Map<String, ObjectReader> READERS =
      Arrays.stream(Message.class.getPermittedSubclasses())
          .collect(Collectors.toUnmodifiableMap(Class::getSimpleName, MAPPER::readerFor));

  private static final Map<Class<?>, ObjectWriter> WRITERS =
      Arrays.stream(Message.class.getPermittedSubclasses())
          .collect(Collectors.toUnmodifiableMap(type -> type, MAPPER::writerFor));

  private WireForm() {}

  /** All records alike; {@link RequestForms} knows a faster way for some. */
  static JsonMapper.Builder byReflection() {
    return JsonMapper.builder()
        .addModule(new Jdk8Module())
        .addModule(ids())
        .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
        .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
        .enable(DeserializationFeature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
        .withConfigOverride(String.class, WireForm::emptyWhenAbsent)
        .withConfigOverride(List.class, WireForm::emptyWhenAbsent)
        .withConfigOverride(Set.class, WireForm::emptyWhenAbsent)
        .withConfigOverride(PromptBlocks.class, WireForm::emptyWhenAbsent);
  }

  /**
   * Makes the readers and writers of all messages, some hundred milliseconds of work that would
   * otherwise be done by the first message on an event loop. Beside what else a start has to do.
   */
  static void load() {
    if (READERS.size() != WRITERS.size()) {
      throw new IllegalStateException(READERS.keySet() + " (expected: one per message)");
    }
  }

  /** Writes one message; closes {@code out}. */
  static void write(Message message, OutputStream out) {
    try (JsonGenerator json = MAPPER.createGenerator(out)) {
      json.writeStartObject();
      json.writeNumberField(VERSION_FIELD, VERSION);
      json.writeStringField(TYPE_FIELD, message.getClass().getSimpleName());
      json.writeFieldName(MESSAGE_FIELD);
      writerOf(message).writeValue(json, message);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("can not encode " + message, e);
    }
  }

  private static ObjectWriter writerOf(Message message) {
    ObjectWriter writer = WRITERS.get(message.getClass());
    if (writer == null) {
      throw new IllegalArgumentException(message + " (expected: a message of its own type)");
    }
    return writer;
  }

  /**
   * Reads one message.
   *
   * @throws UnreadableMessageException when it is none that this node knows
   */
  static Message read(byte[] bytes, int offset, int length) throws UnreadableMessageException {
    try (JsonParser json = MAPPER.createParser(bytes, offset, length)) {
      Message message = readEnvelope(json);
      while (json.nextToken() == JsonToken.FIELD_NAME) { // of a newer version
        json.nextToken();
        json.skipChildren();
      }
      if (json.nextToken() != null) {
        throw new UnreadableMessageException(Reason.MALFORMED, "something after the message");
      }
      return message;
    } catch (JsonProcessingException e) {
      throw new UnreadableMessageException(Reason.MALFORMED, e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new UnreadableMessageException(Reason.MALFORMED, String.valueOf(e.getMessage()), e);
    }
  }

  private static Message readEnvelope(JsonParser json)
      throws IOException, UnreadableMessageException {
    if (json.nextToken() != JsonToken.START_OBJECT) {
      throw new UnreadableMessageException(Reason.MALFORMED, "not a JSON object");
    }
    int version = 0;
    String type = "";
    for (@Nullable String field = json.nextFieldName();
        field != null;
        field = json.nextFieldName()) {
      json.nextToken();
      switch (field) {
        case VERSION_FIELD -> version = json.getValueAsInt();
        case TYPE_FIELD -> type = json.getValueAsString("");
        case MESSAGE_FIELD -> {
          return readMessage(json, version, type);
        }
        default -> json.skipChildren();
      }
    }
    throw new UnreadableMessageException(Reason.MALFORMED, "no field 'message'");
  }

  private static Message readMessage(JsonParser json, int version, String type)
      throws IOException, UnreadableMessageException {
    if (version < 1) {
      throw new UnreadableMessageException(
          Reason.MALFORMED, "v: " + version + " (expected: 1.." + VERSION + ", before 'message')");
    }
    if (version > VERSION) {
      throw new UnreadableMessageException(
          Reason.NEWER_VERSION, "v: " + version + " (expected: <= " + VERSION + ")");
    }
    ObjectReader reader = READERS.get(type);
    if (reader == null) {
      throw new UnreadableMessageException(Reason.UNKNOWN_TYPE, "type: '" + type + "'");
    }
    try {
      return reader.readValue(json);
    } catch (JsonProcessingException e) {
      throw new UnreadableMessageException(Reason.INVALID, type + ": " + e.getOriginalMessage(), e);
    }
  }

  /** Nulls within are left out: they are constants that this node does not know. */
  private static void emptyWhenAbsent(MutableConfigOverride type) {
    type.setSetterInfo(JsonSetter.Value.construct(Nulls.AS_EMPTY, Nulls.SKIP));
  }

  private static SimpleModule ids() {
    SimpleModule module = new SimpleModule("ids");
    add(module, Bytes.class, Bytes::ofBase64, Bytes::base64);
    add(module, ModelName.class, ModelName::new, ModelName::value);
    add(module, NodeId.class, NodeId::new, NodeId::value);
    add(module, PoolName.class, PoolName::new, PoolName::value);
    add(module, PromptBlocks.class, PromptBlocks::ofText, PromptBlocks::text);
    add(module, ReplicaId.class, ReplicaId::new, ReplicaId::value);
    add(module, RequestId.class, RequestId::new, RequestId::value);
    add(module, TenantId.class, TenantId::new, TenantId::value);
    add(module, TierName.class, TierName::new, TierName::value);
    return module;
  }

  private static <T> void add(
      SimpleModule module, Class<T> type, Function<String, T> read, Function<T, String> write) {
    module.addSerializer(type, new IdWriter<>(type, write));
    module.addDeserializer(type, new IdReader<>(type, read));
  }

  private static final class IdWriter<T> extends StdScalarSerializer<T> {
    private final transient Function<T, String> write;

    IdWriter(Class<T> type, Function<T, String> write) {
      super(type);
      this.write = write;
    }

    @Override
    public void serialize(T id, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      json.writeString(write.apply(id));
    }
  }

  private static final class IdReader<T> extends StdScalarDeserializer<T> {
    private final transient Function<String, T> read;

    IdReader(Class<T> type, Function<String, T> read) {
      super(type);
      this.read = read;
    }

    @Override
    @SuppressWarnings("unchecked") // handledType() is the class that the constructor was given
    public T deserialize(JsonParser json, DeserializationContext context) throws IOException {
      if (json.currentToken().isStructStart()) { // or the rest of it would be the message's
        return (T) context.handleUnexpectedToken(handledType(), json);
      }
      String text = json.getValueAsString("");
      try {
        return read.apply(text);
      } catch (IllegalArgumentException e) {
        return (T) context.handleWeirdStringValue(handledType(), text, "%s", e.getMessage());
      }
    }

    /** Only asked for where an absent value is told to be empty. */
    @Override
    public Object getEmptyValue(DeserializationContext context) {
      return read.apply("");
    }
  }
}
