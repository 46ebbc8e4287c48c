package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.penstock.inference.NodeId;
import io.penstock.inference.Tenant;
import io.penstock.inference.TenantId;
import io.penstock.message.TenancyMark;
import io.penstock.message.TenancyMarks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

  /** Every cut, and every changed byte: never a part of the book, and never an empty one. */
  @Test
  void anythingElseIsAnError() throws IOException {
    Path file = folder.resolve("keys.json");
    MarkFile<TenancyMark> keys = new MarkFile<>(file, FORM);
    keys.write(marks(2));
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
