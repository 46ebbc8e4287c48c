package io.penstock.bus;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import io.penstock.inference.Appraisal;
import io.penstock.inference.Capability;
import io.penstock.inference.NodeId;
import io.penstock.inference.Outcome;
import io.penstock.inference.PoolName;
import io.penstock.inference.Priority;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.RequestId;
import io.penstock.inference.TenantId;
import io.penstock.inference.TokenUsage;
import io.penstock.message.Admit;
import io.penstock.message.Company;
import io.penstock.message.FirstToken;
import io.penstock.message.Grant;
import io.penstock.message.Release;
import io.penstock.message.Room;
import io.penstock.message.Station;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How the messages of {@link RequestForms} are read. What is not as this node writes it, a number
 * as text and the like, is left to the reader by reflection, field by field, so that both take the
 * same.
 */
final class RequestDrafts {
  private static final Map<String, Capability> CAPABILITIES = named(Capability.values());
  private static final Map<String, Outcome> OUTCOMES = named(Outcome.values());
  private static final Map<String, Priority> PRIORITIES = named(Priority.values());
  private static final Map<String, Room> ROOMS = named(Room.values());

  private RequestDrafts() {}

  private static <E extends Enum<E>> Map<String, E> named(E[] constants) {
    return Arrays.stream(constants)
        .collect(Collectors.toUnmodifiableMap(Enum::name, Function.identity()));
  }

  static void addTo(SimpleModule module) {
    add(module, Admit.class, AdmitDraft::new);
    add(module, Grant.class, GrantDraft::new);
    add(module, Release.class, ReleaseDraft::new);
    add(module, FirstToken.class, FirstTokenDraft::new);
  }

  private static <T> void add(SimpleModule module, Class<T> type, Supplier<Draft<T>> begin) {
    module.addDeserializer(type, new Reader<>(type, begin));
  }

  /** What has been read of one record. */
  private interface Draft<T> {
    /** Reads the value of a field, or skips it. */
    void take(String field, In in) throws IOException;

    T done(In in) throws IOException;
  }

  private static final class Reader<T> extends StdDeserializer<T> {
    private final transient Supplier<Draft<T>> begin;

    Reader(Class<T> type, Supplier<Draft<T>> begin) {
      super(type);
      this.begin = begin;
    }

    @Override
    public T deserialize(JsonParser json, DeserializationContext context) throws IOException {
      return new In(json, context).object(handledType(), begin.get());
    }
  }

  /** A parser at a value. */
  private record In(JsonParser json, DeserializationContext context) {
    /** Leaves the parser at the object's end. */
    @SuppressWarnings("unchecked") // a Draft<T> makes what its type says
    <T> T object(Class<?> type, Draft<T> draft) throws IOException {
      if (!json.hasToken(JsonToken.START_OBJECT)) {
        return (T) context.handleUnexpectedToken(type, json);
      }
      for (String field = json.nextFieldName(); field != null; field = json.nextFieldName()) {
        json.nextToken();
        draft.take(field, this);
      }
      try {
        return draft.done(this);
      } catch (IllegalArgumentException e) {
        return (T) context.handleInstantiationProblem(type, null, e);
      }
    }

    void skip() throws IOException {
      json.skipChildren();
    }

    long integer() throws IOException {
      return json.hasToken(JsonToken.VALUE_NUMBER_INT)
          ? json.getLongValue()
          : context.readValue(json, Long.TYPE);
    }

    int smallInteger() throws IOException {
      return json.hasToken(JsonToken.VALUE_NUMBER_INT)
          ? json.getIntValue()
          : context.readValue(json, Integer.TYPE);
    }

    double number() throws IOException {
      return json.hasToken(JsonToken.VALUE_NUMBER_FLOAT)
          ? json.getDoubleValue()
          : context.readValue(json, Double.TYPE);
    }

    boolean truth() throws IOException {
      return switch (json.currentToken()) {
        case VALUE_TRUE -> true;
        case VALUE_FALSE, VALUE_NULL -> false;
        default -> context.readValue(json, Boolean.TYPE);
      };
    }

    Optional<Boolean> perhaps() throws IOException {
      return json.currentToken().isBoolean()
          ? Optional.of(json.getBooleanValue())
          : optional(Boolean.class);
    }

    /** Null where it is null, or one that this node does not know. */
    <V> @Nullable V constant(Class<V> type, Map<String, V> known) throws IOException {
      V constant = json.hasToken(JsonToken.VALUE_STRING) ? known.get(json.getText()) : null;
      return constant == null ? other(type) : constant;
    }

    /** Empty where it is null. */
    String text() throws IOException {
      if (json.hasToken(JsonToken.VALUE_STRING)) {
        return json.getText();
      }
      return json.hasToken(JsonToken.VALUE_NULL) ? "" : context.readValue(json, String.class);
    }

    <V> @Nullable V id(Class<V> type, Function<String, V> made) throws IOException {
      if (!json.hasToken(JsonToken.VALUE_STRING)) {
        return other(type);
      }
      String text = json.getText();
      try {
        return made.apply(text);
      } catch (IllegalArgumentException e) {
        return type.cast(context.handleWeirdStringValue(type, text, "%s", e.getMessage()));
      }
    }

    /** Null where it is null. */
    <V> @Nullable V other(Class<V> type) throws IOException {
      return json.hasToken(JsonToken.VALUE_NULL) ? null : context.readValue(json, type);
    }

    <V> Optional<V> optional(Class<V> type) throws IOException {
      return Optional.ofNullable(other(type));
    }

    private interface Element<V> {
      @Nullable V read(In in) throws IOException;
    }

    /** Without what this node does not know. */
    @SuppressWarnings("unchecked") // what the context makes of what is no array is a set or thrown
    <V> Set<V> set(Element<V> element) throws IOException {
      if (json.hasToken(JsonToken.VALUE_NULL)) {
        return Set.of();
      }
      if (!json.hasToken(JsonToken.START_ARRAY)) {
        return (Set<V>) context.handleUnexpectedToken(Set.class, json);
      }
      Set<V> all = Set.of();
      while (json.nextToken() != JsonToken.END_ARRAY) {
        V each = element.read(this);
        if (each != null) {
          all = all.isEmpty() ? new HashSet<>() : all;
          all.add(each);
        }
      }
      return all;
    }

    <V> V there(Class<?> type, String field, @Nullable V value) throws IOException {
      return value == null
          ? context.reportInputMismatch(type, "Missing creator property '%s'", field)
          : value;
    }
  }

  private static final class AdmitDraft implements Draft<Admit> {
    private @Nullable RequestId id;
    private String callerId = "";
    private @Nullable Station replyTo;
    private @Nullable PoolName pool;
    private @Nullable TenantId tenant;
    private double weight;
    private @Nullable Priority priority;
    private int attempt;
    private int promptTokens;
    private int maxTokens;
    private int bodyBytes;
    private long affinity;
    private Set<Capability> needs = Set.of();
    private Set<ReplicaId> excluded = Set.of();
    private long waitMillis;
    private long knownEpoch;
    private Optional<Company> company = Optional.empty();
    private boolean streams;
    private PromptBlocks blocks = PromptBlocks.NONE;
    private Optional<Appraisal> appraisal = Optional.empty();

    @Override
    public void take(String field, In in) throws IOException {
      switch (field) {
        case "id" -> id = in.id(RequestId.class, RequestId::new);
        case "callerId" -> callerId = in.text();
        case "replyTo" -> replyTo = in.object(Station.class, new StationDraft());
        case "pool" -> pool = in.id(PoolName.class, PoolName::new);
        case "tenant" -> tenant = in.id(TenantId.class, TenantId::new);
        case "weight" -> weight = in.number();
        case "priority" -> priority = in.constant(Priority.class, PRIORITIES);
        case "attempt" -> attempt = in.smallInteger();
        case "promptTokens" -> promptTokens = in.smallInteger();
        case "maxTokens" -> maxTokens = in.smallInteger();
        case "bodyBytes" -> bodyBytes = in.smallInteger();
        case "affinity" -> affinity = in.integer();
        case "needs" -> needs = in.set(each -> each.constant(Capability.class, CAPABILITIES));
        case "excluded" -> excluded = in.set(each -> each.id(ReplicaId.class, ReplicaId::new));
        case "waitMillis" -> waitMillis = in.integer();
        case "knownEpoch" -> knownEpoch = in.integer();
        case "company" -> company = in.optional(Company.class);
        case "streams" -> streams = in.truth();
        case "blocks" -> {
          PromptBlocks read = in.id(PromptBlocks.class, PromptBlocks::ofText);
          blocks = read == null ? PromptBlocks.NONE : read;
        }
        case "appraisal" -> appraisal = in.optional(Appraisal.class);
        default -> in.skip();
      }
    }

    @Override
    public Admit done(In in) throws IOException {
      return new Admit(
          in.there(Admit.class, "id", id),
          callerId,
          in.there(Admit.class, "replyTo", replyTo),
          in.there(Admit.class, "pool", pool),
          in.there(Admit.class, "tenant", tenant),
          weight,
          in.there(Admit.class, "priority", priority),
          attempt,
          promptTokens,
          maxTokens,
          bodyBytes,
          affinity,
          needs,
          excluded,
          waitMillis,
          knownEpoch,
          company,
          streams,
          blocks,
          appraisal);
    }
  }

  private static final class StationDraft implements Draft<Station> {
    private @Nullable NodeId node;
    private @Nullable Room room;
    private int lane;

    @Override
    public void take(String field, In in) throws IOException {
      switch (field) {
        case "node" -> node = in.id(NodeId.class, NodeId::new);
        case "room" -> room = in.constant(Room.class, ROOMS);
        case "lane" -> lane = in.smallInteger();
        default -> in.skip();
      }
    }

    @Override
    public Station done(In in) throws IOException {
      return new Station(
          in.there(Station.class, "node", node), in.there(Station.class, "room", room), lane);
    }
  }

  private static final class UsageDraft implements Draft<TokenUsage> {
    private int promptTokens;
    private int completionTokens;
    private int cachedTokens;

    @Override
    public void take(String field, In in) throws IOException {
      switch (field) {
        case "promptTokens" -> promptTokens = in.smallInteger();
        case "completionTokens" -> completionTokens = in.smallInteger();
        case "cachedTokens" -> cachedTokens = in.smallInteger();
        default -> in.skip();
      }
    }

    @Override
    public TokenUsage done(In in) {
      return new TokenUsage(promptTokens, completionTokens, cachedTokens);
    }
  }

  /** What the messages of a grant say of it. */
  private abstract static class OfGrant<T> implements Draft<T> {
    private final Class<T> type;
    private @Nullable RequestId id;
    private @Nullable PoolName pool;
    private @Nullable ReplicaId replica;
    long epoch;

    OfGrant(Class<T> type) {
      this.type = type;
    }

    @Override
    public void take(String field, In in) throws IOException {
      switch (field) {
        case "id" -> id = in.id(RequestId.class, RequestId::new);
        case "pool" -> pool = in.id(PoolName.class, PoolName::new);
        case "epoch" -> epoch = in.integer();
        case "replica" -> replica = in.id(ReplicaId.class, ReplicaId::new);
        default -> in.skip();
      }
    }

    RequestId id(In in) throws IOException {
      return in.there(type, "id", id);
    }

    PoolName pool(In in) throws IOException {
      return in.there(type, "pool", pool);
    }

    ReplicaId replica(In in) throws IOException {
      return in.there(type, "replica", replica);
    }
  }

  private static final class GrantDraft extends OfGrant<Grant> {
    private String url = "";
    private long queuedMillis;
    private Optional<Boolean> continuesMessages = Optional.empty();
    private boolean roomy;

    GrantDraft() {
      super(Grant.class);
    }

    @Override
    public void take(String field, In in) throws IOException {
      switch (field) {
        case "url" -> url = in.text();
        case "queuedMillis" -> queuedMillis = in.integer();
        case "continuesMessages" -> continuesMessages = in.perhaps();
        case "roomy" -> roomy = in.truth();
        default -> super.take(field, in);
      }
    }

    @Override
    public Grant done(In in) throws IOException {
      return new Grant(
          id(in), pool(in), epoch, replica(in), url, queuedMillis, continuesMessages, roomy);
    }
  }

  private static final class ReleaseDraft extends OfGrant<Release> {
    private @Nullable Outcome outcome;
    private @Nullable TokenUsage usage;
    private long firstTokenMillis;
    private long totalMillis;
    private long retryAfterMillis;

    ReleaseDraft() {
      super(Release.class);
    }

    @Override
    public void take(String field, In in) throws IOException {
      switch (field) {
        case "outcome" -> outcome = in.constant(Outcome.class, OUTCOMES);
        case "usage" -> usage = in.object(TokenUsage.class, new UsageDraft());
        case "firstTokenMillis" -> firstTokenMillis = in.integer();
        case "totalMillis" -> totalMillis = in.integer();
        case "retryAfterMillis" -> retryAfterMillis = in.integer();
        default -> super.take(field, in);
      }
    }

    @Override
    public Release done(In in) throws IOException {
      return new Release(
          id(in),
          pool(in),
          epoch,
          replica(in),
          in.there(Release.class, "outcome", outcome),
          in.there(Release.class, "usage", usage),
          firstTokenMillis,
          totalMillis,
          retryAfterMillis);
    }
  }

  private static final class FirstTokenDraft extends OfGrant<FirstToken> {
    private long firstTokenMillis;

    FirstTokenDraft() {
      super(FirstToken.class);
    }

    @Override
    public void take(String field, In in) throws IOException {
      if (field.equals("firstTokenMillis")) {
        firstTokenMillis = in.integer();
      } else {
        super.take(field, in);
      }
    }

    @Override
    public FirstToken done(In in) throws IOException {
      return new FirstToken(id(in), pool(in), epoch, replica(in), firstTokenMillis);
    }
  }
}
