package io.penstock.kvevents;

import static io.penstock.kvevents.Batches.batch;
import static io.penstock.kvevents.Batches.cleared;
import static io.penstock.kvevents.Batches.removed;
import static io.penstock.kvevents.Batches.stored;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.penstock.kvevents.Batches.Form;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class KvDecoderTest {

  @ParameterizedTest
  @EnumSource(Form.class)
  void readsBothEncodings(Form form) throws Exception {
    KvBatch batch =
        KvDecoder.decode(
            batch(form, 1_700_000_000.25, List.of(stored(7, -8), removed(7), cleared())));

    assertThat(batch.epochMillis()).isEqualTo(1_700_000_000_250L);
    assertThat(batch.events()).hasSize(3);
    KvEvent.Stored stored = (KvEvent.Stored) batch.events().get(0);
    assertThat(stored.blocks()).hasSize(2).doesNotHaveDuplicates();
    assertThat(stored.blockTokens()).isEqualTo(16);
    KvEvent.Removed removed = (KvEvent.Removed) batch.events().get(1);
    assertThat(removed.blocks()).containsExactly(stored.blocks()[0]);
    assertThat(batch.events().get(2)).isInstanceOf(KvEvent.Cleared.class);
    assertThat(batch.others()).isZero();
  }

  /**
   * Written by hand from the definition of msgpack, so that the test's own writer is not the only
   * witness: {@code [0.5, [["BlockStored", [18446744073709551615], nil, [1], 1, nil]]]}, a release
   * without media, without a rank, and with a hash of 64 bits without sign.
   */
  @Test
  void readsAnOldReleasesBytes() throws Exception {
    String tag = "ab" + hex("BlockStored");
    KvBatch batch =
        decode("92 cb3fe0000000000000 91 96" + tag + "91cfffffffffffffffff c0 9101 01 c0");

    assertThat(batch.epochMillis()).isEqualTo(500);
    KvEvent.Stored stored = (KvEvent.Stored) batch.events().get(0);
    assertThat(stored.blocks()).hasSize(1);
    assertThat(stored.blockTokens()).isEqualTo(1);
    KvBatch sameHash = decode("92 00 91 92 ac" + hex("BlockRemoved") + "91ff"); // -1, the same bits
    assertThat(((KvEvent.Removed) sameHash.events().get(0)).blocks()).isEqualTo(stored.blocks());
  }

  @Test
  void groupsKeepTheirOwnBlocks() throws Exception {
    String first = "ac" + hex("BlockRemoved") + "9107 c0 00";
    String second = "ac" + hex("BlockRemoved") + "9107 c0 01";
    KvBatch batch = decode("92 00 92 94" + first + "94" + second);

    assertThat(((KvEvent.Removed) batch.events().get(0)).blocks())
        .isNotEqualTo(((KvEvent.Removed) batch.events().get(1)).blocks());
  }

  @Test
  void leavesOutOtherMemoryAndOtherKinds() throws Exception {
    String cpu = "93 ac" + hex("BlockRemoved") + "9107 a3" + hex("CPU");
    String unknown = "93 a4" + hex("Moon") + "81a16191c0 02";
    KvBatch batch = decode("92 00 93" + cpu + unknown + "91 b0" + hex("AllBlocksCleared"));

    assertThat(batch.events()).hasSize(1);
    assertThat(batch.others()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "                                               | insufficient or empty",
        "00                                             | not a batch",
        "91 00                                          | fields of the batch: 1 (expected: >= 2)",
        "dd7fffffff                                     | elements: 2147483647 (expected: <= 5",
        "92 00 dd7fffffff                               | elements: 2147483647",
        "92 00 90 c0                                    | bytes after the batch: 1 (expected: 0)",
        "92 a0 90                                       | ts: STRING (expected: a number)",
        "92 00 91 90                                    | fields of an event: 0 (expected: >= 1)",
        "92 00 91 91 d9ff                               | ",
        "92 00 91 91 db7fffffff                         | length of a name or hash",
        "92 00 91 92 ac426c6f636b52656d6f766564 91 c67fffffff | length of a name or hash",
        "92 00 91 92 ac426c6f636b52656d6f766564 91 c0   | block hash: NIL (expected: an integer or bytes)",
        "92 00 91 91 ac426c6f636b52656d6f766564         | block_hashes: missing (expected: a list)",
        "92 00 91 95 ab426c6f636b53746f726564 9101 c0 90 00 | block_size: 0 (expected: 1..1048576)",
        "92 00 91 94 ac426c6f636b52656d6f766564 9101 c0 ff  | group_idx: -1",
      })
  void saysWhatIsWrong(String bytes, String message) {
    String text = bytes == null ? "" : bytes;
    assertThatThrownBy(() -> decode(text))
        .isInstanceOf(MalformedBatchException.class)
        .satisfies(
            e -> {
              if (message != null && message.contains(":")) {
                assertThat(e).hasMessageContaining(message.strip());
              }
            });
  }

  @Test
  void aBatchThatIsTooLongIsNotRead() {
    assertThatThrownBy(() -> KvDecoder.decode(new byte[KvDecoder.BYTES_MAX + 1]))
        .isInstanceOf(MalformedBatchException.class)
        .hasMessageContaining("8388609 bytes (expected: <= 8388608)");
  }

  /** Arrays in arrays are no stack, and lengths no memory. */
  @Test
  void depthIsNoStack() {
    byte[] deep = new byte[1 << 20];
    Arrays.fill(deep, (byte) 0x91);
    deep[0] = (byte) 0x93;
    deep[1] = 0;
    deep[2] = (byte) 0x90;
    assertThatThrownBy(() -> KvDecoder.decode(deep)).isInstanceOf(MalformedBatchException.class);
  }

  @Property(tries = 2_000)
  void whateverComesIsReadOrRefused(@ForAll @Size(max = 200) byte[] bytes) {
    try {
      assertThat(KvDecoder.decode(bytes)).isNotNull();
    } catch (MalformedBatchException e) {
      assertThat(e).hasMessageMatching("(?s).+");
    }
  }

  @Property(tries = 2_000)
  void aDamagedBatchIsReadOrRefused(
      @ForAll Form form, @ForAll int where, @ForAll byte damage, @ForAll int length) {
    byte[] good = batch(form, 1.5, List.of(stored(1, -2, 3), removed(1), cleared(), stored(4)));
    good[Math.floorMod(where, good.length)] = damage;
    byte[] cut = Arrays.copyOf(good, good.length - Math.floorMod(length, 8));
    try {
      assertThat(KvDecoder.decode(cut)).isNotNull();
    } catch (MalformedBatchException e) {
      assertThat(e).hasMessageMatching("(?s).+");
    }
  }

  private static KvBatch decode(String hex) throws MalformedBatchException {
    return KvDecoder.decode(HexFormat.of().parseHex(hex.replace(" ", "")));
  }

  private static String hex(String text) {
    return HexFormat.of().formatHex(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }
}
