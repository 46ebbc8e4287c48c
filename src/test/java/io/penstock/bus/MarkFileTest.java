package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.penstock.inference.NodeId;
import io.penstock.inference.PromptPrefix;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.message.PrefixMark;
import io.penstock.message.PrefixMarks;
import io.penstock.message.TenancyMark;
import io.penstock.message.TenancyMarks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MarkFileTest {
  private static final MarkForm<TenancyMark> FORM =
      new MarkForm<>(
          "keys",
          TenancyMarks::new,
          told -> told instanceof TenancyMarks marks ? marks.marks() : List.of());

  private static final NodeId SELF = new NodeId("a");
  @TempDir private Path folder;

  private static List<TenancyMark> marks(int count) {
    List<TenancyMark> marks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Tenant tenant = Tenant.of(new TenantId("t" + i));
      marks.add(
          new TenancyMark(
              TenancyMark.ofTenant(tenant.id()), Optional.empty(), Optional.of(tenant), i, SELF));
    }
    return marks;
  }

  @Test
  void holdsWhatWasWritten() throws IOException {
    Path file = folder.resolve("state/keys.json");
    MarkFile<TenancyMark> keys = new MarkFile<>(file, FORM);
    assertThat(keys.read()).isEmpty();

    keys.write(marks(3));
    keys.write(marks(5));
    assertThat(keys.read()).isEqualTo(marks(5));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertThat(folder.resolve("state")).isDirectoryNotContaining("glob:**.next");
  }

  @Test
  void whatIsHalfWrittenBesideItDoesNotCount() throws IOException {
    Path file = folder.resolve("keys.json");
    new MarkFile<>(file, FORM).write(marks(3));
    Files.writeString(folder.resolve("keys.json.next"), "penstock-keys 1 mar");

    assertThat(new MarkFile<>(file, FORM).read()).isEqualTo(marks(3));
    new MarkFile<>(file, FORM).write(marks(4));
    assertThat(new MarkFile<>(file, FORM).read()).isEqualTo(marks(4));
  }

  @Test
  void whatChangesIsPutBehindAndTheLastWordOnATargetHolds() throws IOException {
    Path file = folder.resolve("keys.json");
    MarkFile<TenancyMark> keys = new MarkFile<>(file, FORM);
    assertThat(keys.takes(1)).as("before it was written").isFalse();
    keys.write(marks(3));
    long bytes = Files.size(file);
    TenancyMark later =
        new TenancyMark(
            marks(1).get(0).target(), Optional.empty(), Optional.empty(), 9, new NodeId("b"));
    assertThat(keys.takes(2)).isTrue();
    keys.append(List.of(later, marks(4).get(3)));

    assertThat(new MarkFile<>(file, FORM).read())
        .containsExactly(marks(2).get(1), marks(3).get(2), later, marks(4).get(3));
    assertThat(Files.size(file)).isGreaterThan(bytes);
    Files.writeString(file, "half a li", StandardOpenOption.APPEND); // a node that died meanwhile
    assertThat(new MarkFile<>(file, FORM).read()).hasSize(4);
    keys.append(marks(6).subList(4, 6));
    assertThat(new MarkFile<>(file, FORM).read()).hasSize(6);
  }

  @Test
  void whenMostOfItIsNoNewsItIsWrittenAnew() throws IOException {
    MarkFile<TenancyMark> keys = new MarkFile<>(folder.resolve("keys.json"), FORM);
    keys.write(marks(10));
    int appended = 0;
    while (keys.takes(10)) {
      keys.append(marks(10));
      appended += 10;
    }
    assertThat(appended).isBetween(500, 1_500);
    keys.write(marks(10));
    assertThat(keys.takes(10)).isTrue();
    assertThat(keys.read()).isEqualTo(marks(10));
  }

  /** Else the texts of a few prefixes would make a file that is too large to be read. */
  @Test
  void longLinesAreWrittenAnewSooner() throws IOException {
    MarkForm<PrefixMark> form =
        new MarkForm<>(
            "prefixes",
            PrefixMarks::new,
            told -> told instanceof PrefixMarks marks ? marks.marks() : List.of());
    Path file = folder.resolve("prefixes.json");
    MarkFile<PrefixMark> prefixes = new MarkFile<>(file, form);
    PromptPrefix prefix =
        new PromptPrefix("a", Optional.empty(), Optional.empty(), "x".repeat(128 << 10), 5);
    List<PrefixMark> one = List.of(new PrefixMark("a", Optional.of(prefix), 1, SELF));
    prefixes.write(one);
    int appended = 0;
    while (prefixes.takes(1)) {
      prefixes.append(one);
      appended++;
    }
    assertThat(appended).isBetween(20, 60);
    assertThat(Files.readString(file)).startsWith("penstock-prefixes 2 marks=0000000");
    assertThat(prefixes.read()).isEqualTo(one);
  }

  /** What was not all written is not built upon. */
  @Test
  void afterAFailureItIsWrittenAnew() throws IOException {
    Path file = folder.resolve("keys.json");
    MarkFile<TenancyMark> keys = new MarkFile<>(file, FORM);
    keys.write(marks(2));
    Files.delete(file);
    assertThatThrownBy(() -> keys.append(marks(1))).isInstanceOf(IOException.class);
    assertThat(keys.takes(1)).isFalse();
    keys.write(marks(3));
    assertThat(keys.read()).isEqualTo(marks(3));
  }

  /** Every cut, and every changed byte: never a part of the book, and never an empty one. */
  @Test
  void anythingElseIsAnError() throws IOException {
    Path file = folder.resolve("keys.json");
    MarkFile<TenancyMark> keys = new MarkFile<>(file, FORM);
    keys.write(marks(1));
    keys.append(marks(2).subList(1, 2));
    byte[] whole = Files.readAllBytes(file);
    for (int i = 0; i < whole.length; i++) {
      Files.write(file, java.util.Arrays.copyOf(whole, i));
      assertThatThrownBy(keys::read).as("cut at %d", i).isInstanceOf(IOException.class);
      byte[] changed = whole.clone();
      changed[i] ^= 1;
      Files.write(file, changed);
      assertThatThrownBy(keys::read).as("changed at %d", i).isInstanceOf(IOException.class);
    }
    Files.writeString(file, "");
    assertThatThrownBy(keys::read)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("is not as this node wrote it: its first line is no head");
  }
}
