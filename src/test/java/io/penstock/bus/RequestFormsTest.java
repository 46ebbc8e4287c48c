package io.penstock.bus;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import io.penstock.message.Message;
import io.penstock.message.Release;
import io.penstock.message.Room;
import io.penstock.message.Station;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/**
 * The messages that have a form of their own are written and read as reflection does it, whatever a
 * node of another release sends.
 */
class RequestFormsTest {
  private static final ObjectMapper REFLECTION = WireForm.byReflection().build();
  private static final ObjectMapper JSON = new ObjectMapper();

  /** What may stand where something else is expected. */
  private static final List<String> VALUES =
      List.of(
          "null",
          "true",
          "false",
          "0",
          "-7",
          "2147483648",
          "9223372036854775808",
          "0.5",
          "1e3",
          "\"\"",
          "\" \"",
          "\"OK\"",
          "\"BULK\"",
          "\"NOVEL\"",
          "\"12\"",
          "\"true\"",
          "\"8:AAAA\"",
          "[]",
          "[null]",
          "[\"TOOLS\",\"SMELL\",null]",
          "[\"a\",\"a\"]",
          "[3]",
          "{}",
          "{\"node\":\"n\",\"room\":\"ATTIC\"}",
          "{\"key\":\"k\",\"inputs\":0}",
          "{\"promptTokens\":-1}",
          "{\"a\":{\"b\":[{}]}}");

  private record Chance(Random random) {
    String text() {
      int length = 1 + random.nextInt(40);
      StringBuilder text = new StringBuilder("x");
      for (int i = 0; i < length; i++) {
        text.appendCodePoint(
            switch (random.nextInt(8)) {
              case 0 -> '"';
              case 1 -> '\\';
              case 2 -> random.nextInt(32);
              case 3 -> 0x1F600 + random.nextInt(50);
              case 4 -> 0xE0 + random.nextInt(0x500);
              default -> 'a' + random.nextInt(26);
            });
      }
      return text.toString();
    }

    int amount() {
      return random.nextInt() >>> (1 + random.nextInt(31));
    }

    long number() {
      return random.nextLong() >> random.nextInt(64);
    }

    <T> Optional<T> perhaps(T value) {
      return random.nextBoolean() ? Optional.of(value) : Optional.empty();
    }

    <T> T one(T[] of) {
      return of[random.nextInt(of.length)];
    }

    Set<Capability> needs() {
      return random.nextBoolean() ? Set.of() : Set.of(one(Capability.values()));
    }

    Set<ReplicaId> excluded() {
      return random.nextBoolean() ? Set.of() : Set.of(new ReplicaId(text()));
    }

    PromptBlocks blocks() {
      return random.nextBoolean()
          ? PromptBlocks.NONE
          : PromptBlocks.ofText("64://////////8HAAAAAAAAAA==");
    }

    Message message() {
      RequestId id = new RequestId(text());
      PoolName pool = new PoolName(text());
      ReplicaId replica = new ReplicaId(text());
      return switch (random.nextInt(4)) {
        case 0 ->
            new Admit(
                id,
                text(),
                new Station(new NodeId(text()), one(Room.values()), amount()),
                pool,
                new TenantId("t-" + amount()),
                Math.max(1e-9, random.nextDouble() * amount()),
                one(Priority.values()),
                amount(),
                amount(),
                amount(),
                amount(),
                number(),
                needs(),
                excluded(),
                number(),
                number(),
                perhaps(new Company(text(), 1 + random.nextInt(99))),
                random.nextBoolean(),
                blocks(),
                perhaps(new Appraisal(random.nextDouble(), text(), text())));
        case 1 ->
            new Grant(
                id,
                pool,
                number(),
                replica,
                text(),
                number(),
                perhaps(random.nextBoolean()),
                random.nextBoolean());
        case 2 ->
            new Release(
                id,
                pool,
                number(),
                replica,
                one(Outcome.values()),
                new TokenUsage(amount(), amount(), amount()),
                number(),
                number(),
                number());
        default -> new FirstToken(id, pool, number(), replica, number());
      };
    }
  }

  @Property(tries = 2_000)
  void areWrittenByteForByteAlikeAndReadBack(@ForAll long seed) throws Exception {
    Message message = new Chance(new Random(seed)).message();

    byte[] wire = write(message);

    String type = message.getClass().getSimpleName();
    assertThat(new String(wire, UTF_8))
        .isEqualTo(
            "{\"v\":1,\"type\":\""
                + type
                + "\",\"message\":"
                + new String(REFLECTION.writeValueAsBytes(message), UTF_8)
                + "}");
    assertThat(WireForm.read(wire, 0, wire.length)).isEqualTo(message);
  }

  @Property(tries = 5_000)
  void areReadAlikeWhateverAFieldIs(@ForAll long seed) throws Exception {
    Random random = new Random(seed);
    Message message = new Chance(random).message();
    ObjectNode tree = (ObjectNode) JSON.readTree(REFLECTION.writeValueAsBytes(message));
    for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
      change(tree, random);
    }

    assertThat(byForms(message.getClass(), tree))
        .as("%s", tree)
        .isEqualTo(byReflection(message.getClass(), tree));
  }

  private static void change(ObjectNode tree, Random random) throws IOException {
    ObjectNode of = tree;
    List<String> names = new ArrayList<>();
    of.fieldNames().forEachRemaining(names::add);
    if (names.isEmpty()) {
      return;
    }
    String name = names.get(random.nextInt(names.size()));
    if (of.get(name) instanceof ObjectNode inner && random.nextBoolean()) {
      change(inner, random);
      return;
    }
    JsonNode value = JSON.readTree(VALUES.get(random.nextInt(VALUES.size())));
    switch (random.nextInt(3)) {
      case 0 -> of.remove(name);
      case 1 -> of.set("novel", value);
      default -> of.set(name, value);
    }
  }

  /** The message, or empty where it can't be read. */
  private static Optional<Message> byForms(Class<?> type, ObjectNode tree) throws IOException {
    byte[] wire =
        ("{\"v\":1,\"type\":\"" + type.getSimpleName() + "\",\"message\":" + tree + "}")
            .getBytes(UTF_8);
    try {
      return Optional.of(WireForm.read(wire, 0, wire.length));
    } catch (UnreadableMessageException e) {
      assertThat(e.reason()).isEqualTo(UnreadableMessageException.Reason.INVALID);
      return Optional.empty();
    }
  }

  private static Optional<Message> byReflection(Class<?> type, ObjectNode tree) throws IOException {
    try {
      return Optional.of((Message) REFLECTION.readValue(tree.toString(), type));
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  private static byte[] write(Message message) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    WireForm.write(message, out);
    return out.toByteArray();
  }
}
