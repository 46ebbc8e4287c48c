package io.penstock.bus;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.penstock.bus.UnreadableMessageException.Reason;
import io.penstock.inference.Capability;
import io.penstock.inference.NodeId;
import io.penstock.inference.PoolName;
import io.penstock.inference.PromptBlocks;
import io.penstock.inference.RequestId;
import io.penstock.inference.Role;
import io.penstock.message.Admit;
import io.penstock.message.Beacon;
import io.penstock.message.Message;
import io.penstock.message.NotOwner;
import io.penstock.message.Plan;
import io.penstock.message.Route;
import io.penstock.telemetry.Names;
import io.vertx.core.buffer.Buffer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class WireFormTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  static Stream<Message> samples() {
    return MessageSamples.ALL.stream();
  }

  static Stream<Class<?>> kinds() {
    return Arrays.stream(Message.class.getPermittedSubclasses());
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyKindOfMessageHasASampleAndAGoldenFile(Class<?> kind) throws IOException {
    assertThat(samples().filter(kind::isInstance)).as("samples").hasSize(1);
    assertThat(golden(kind.getSimpleName())).isNotEmpty();
  }

  @ParameterizedTest
  @MethodSource("samples")
  void writesWhatItsGoldenFileSays(Message message) throws IOException {
    byte[] golden = golden(message.getClass().getSimpleName());
    assertThat(JSON.readTree(write(message))).isEqualTo(JSON.readTree(golden));
  }

  @ParameterizedTest
  @MethodSource("samples")
  void readsItsGoldenFile(Message message) throws Exception {
    assertThat(read(golden(message.getClass().getSimpleName()))).isEqualTo(message);
  }

  @Test
  void ignoresFieldsThatItDoesNotKnow() throws Exception {
    assertThat(
            read(
                """
                {"v":1,"trace":{"id":[1]},"type":"NotOwner",
                 "message":{"id":"r","because":{"of":["x"]},"pool":"p","by":"n"},"later":true}"""))
        .isEqualTo(new NotOwner(new RequestId("r"), new PoolName("p"), new NodeId("n")));
  }

  /** Of a damaged length, which takes in the next message of a parcel. */
  @Test
  void nothingFollowsTheMessage() {
    String message =
        "{\"v\":1,\"type\":\"NotOwner\",\"message\":{\"id\":\"r\",\"pool\":\"p\",\"by\":\"n\"}}";
    assertThatThrownBy(() -> read(message + message))
        .isInstanceOf(UnreadableMessageException.class)
        .hasMessage("something after the message");
  }

  @Test
  void absentFieldsAreEmpty() throws Exception {
    Beacon beacon = (Beacon) read("{\"v\":1,\"type\":\"Beacon\",\"message\":{\"node\":\"n\"}}");
    assertThat(beacon)
        .isEqualTo(
            new Beacon(
                new NodeId("n"),
                "",
                "",
                Set.of(),
                0,
                "",
                false,
                false,
                "",
                List.of(),
                List.of(),
                List.of()));
  }

  @Test
  void anAdmitOfAnOlderNodeSaysNothingOfItsPrompt() throws Exception {
    String wire = new String(golden("Admit"), UTF_8);
    String older = wire.substring(0, wire.indexOf(",\"streams\"")) + "}}";
    assertThat(((Admit) read(older)).blocks()).isEqualTo(PromptBlocks.NONE);
  }

  @Test
  void absentListsAreEmpty() throws Exception {
    Plan plan =
        (Plan) read("{\"v\":1,\"type\":\"Plan\",\"message\":{\"id\":\"r\",\"model\":\"m\"}}");
    assertThat(plan.pools()).isEqualTo(List.of());
  }

  @Test
  void leavesUnknownConstantsOutOfSets() throws Exception {
    Beacon beacon =
        (Beacon)
            read(
                "{\"v\":1,\"type\":\"Beacon\",\"message\":{\"node\":\"n\",\"roles\":[\"SCALER\",\"ROUTER\"]}}");
    assertThat(beacon.roles()).containsExactly(Role.ROUTER);
    Route route =
        (Route)
            read(
                new String(golden("Route"), UTF_8).replace("[\"TOOLS\"]", "[\"TOOLS\",\"SMELL\"]"));
    assertThat(route.needs()).containsExactly(Capability.TOOLS);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "MALFORMED     | nonsense",
        "MALFORMED     | []",
        "MALFORMED     | {}",
        "MALFORMED     | {\"v\":1,\"type\":\"NotOwner\"}",
        "MALFORMED     | {\"type\":\"NotOwner\",\"message\":{\"id\":\"r\",\"pool\":\"p\"}}",
        "MALFORMED     | {\"v\":1,\"type\":\"NotOwner\",\"mess",
        "NEWER_VERSION | {\"v\":2,\"type\":\"NotOwner\",\"message\":{\"id\":\"r\",\"pool\":\"p\"}}",
        "UNKNOWN_TYPE  | {\"v\":1,\"type\":\"Dance\",\"message\":{}}",
        "UNKNOWN_TYPE  | {\"v\":1,\"type\":\"Station\",\"message\":{}}",
        "UNKNOWN_TYPE  | {\"v\":1,\"message\":{\"id\":\"r\",\"pool\":\"p\"}}",
        "INVALID       | {\"v\":1,\"type\":\"NotOwner\",\"message\":{\"id\":\"r\"}}",
        "INVALID       | {\"v\":1,\"type\":\"NotOwner\",\"message\":{\"id\":\"r\",\"pool\":null}}",
        "INVALID       | {\"v\":1,\"type\":\"NotOwner\",\"message\":{\"id\":\"r\",\"pool\":\" \"}}",
        "INVALID       | {\"v\":1,\"type\":\"NotOwner\",\"message\":{\"id\":\"r\",\"pool\":{\"a\":1}}}",
        "INVALID       | {\"v\":1,\"type\":\"NotOwner\",\"message\":[1,2]}",
        "INVALID       | {\"v\":1,\"type\":\"NotOwner\",\"message\":{\"id\":\"r\",\"po",
        "INVALID       | {\"v\":1,\"type\":\"Refusal\",\"message\":{\"id\":\"r\",\"fault\":\"GREMLINS\"}}",
        "INVALID       | {\"v\":1,\"type\":\"ListModels\",\"message\":{\"id\":\"r\"}}",
        "INVALID       | {\"v\":1,\"type\":\"ListModels\",\"message\":{\"id\":\"r\",\"replyTo\":{\"node\":\"n\",\"room\":\"ATTIC\"}}}",
      })
  void saysWhyItCanNotRead(Reason reason, String wire) {
    assertThatThrownBy(() -> read(wire))
        .isInstanceOfSatisfying(
            UnreadableMessageException.class, e -> assertThat(e.reason()).isEqualTo(reason));
  }

  @Property(tries = 500)
  void bytesThatWereDamagedNeverThrowAnythingElse(
      @ForAll int which, @ForAll int where, @ForAll byte damage) throws IOException {
    Message sample = MessageSamples.ALL.get(Math.floorMod(which, MessageSamples.ALL.size()));
    byte[] bytes = write(sample);
    bytes[Math.floorMod(where, bytes.length)] = damage;
    try {
      assertThat(read(bytes)).isNotNull();
    } catch (UnreadableMessageException e) {
      assertThat(e.reason()).isNotNull();
    }
  }

  @Test
  void theCodecCountsWhatItDropsAndGoesOn() {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    WireCodec codec = new WireCodec(meters);
    Buffer garbage = Buffer.buffer().appendInt(4).appendString("oops");
    Buffer good = Buffer.buffer("prefix");
    Message message = MessageSamples.ALL.get(0);
    codec.encodeToWire(good, message);

    assertThat(codec.decodeFromWire(0, garbage)).isNull();
    assertThat(codec.decodeFromWire("prefix".length(), good)).isEqualTo(message);
    assertThat(meters.get(Names.MESSAGES_DROPPED).tag("reason", "malformed").counter().count())
        .isEqualTo(1);
    assertThat(meters.get(Names.MESSAGES_DROPPED).tag("reason", "invalid").counter().count())
        .isZero();
  }

  private static byte[] write(Message message) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    WireForm.write(message, out);
    return out.toByteArray();
  }

  private static Message read(String wire) throws UnreadableMessageException {
    return read(wire.getBytes(UTF_8));
  }

  private static Message read(byte[] wire) throws UnreadableMessageException {
    return WireForm.read(wire, 0, wire.length);
  }

  private static byte[] golden(String kind) throws IOException {
    String file = "/wire/v" + WireForm.VERSION + "/" + kind + ".json";
    try (InputStream in = WireFormTest.class.getResourceAsStream(file)) {
      assertThat(in).as("golden file src/test/resources%s", file).isNotNull();
      return in.readAllBytes();
    }
  }
}
