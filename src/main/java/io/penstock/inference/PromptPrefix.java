package io.penstock.inference;

import static io.penstock.inference.Checks.require;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * A text that was registered to stand before prompts. Named by requests; engines see the text only.
 *
 * @param id as requests name it: 1 to 128 of {@code A-Za-z0-9._-}
 * @param tenant who alone may use it; empty: whoever may use the node
 * @param model whose prompts alone it may stand before, by its canonical name; empty: any
 * @param text not empty
 */
public record PromptPrefix(
    String id,
    Optional<TenantId> tenant,
    Optional<ModelName> model,
    String text,
    long createdEpochMillis) {
  /** Longest id, in characters. */
  public static final int ID_CHARS_MAX = 128;

  /** By which the text's tokens are estimated, as those of prompts are. */
  private static final int BYTES_PER_TOKEN = 4;

  public PromptPrefix {
    require(isValid(id), "id", id, "1 to 128 of A-Z a-z 0-9 . _ -");
    require(!text.isEmpty(), "text", "empty", "a text");
  }

  /** Whether a text can be an id. */
  public static boolean isValid(String id) {
    if (id.isEmpty() || id.length() > ID_CHARS_MAX) {
      return false;
    }
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      boolean letter = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
      if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-') {
        return false;
      }
    }
    return true;
  }

  /** Whether this tenant's requests may name it. */
  public boolean isFor(TenantId user) {
    return tenant.isEmpty() || tenant.get().equals(user);
  }

  /** Length of the text in UTF-8. */
  public int bytes() {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  /** An estimate: four bytes a token. */
  public int tokens() {
    return (bytes() + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN;
  }
}
