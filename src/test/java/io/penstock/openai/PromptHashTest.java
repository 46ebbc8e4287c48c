package io.penstock.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.penstock.inference.Operation;
import io.penstock.inference.PromptBlocks;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PromptHashTest {
  private static final String SYSTEM = "You are terse and kind. ".repeat(50);

  private static PromptBlocks blocks(Operation operation, String body) {
    byte[] bytes = body.getBytes(UTF_8);
    if (BodyScan.scan(operation, bytes, Optional.empty())
        instanceof Checked.Valid<ScannedBody> ok) {
      return ok.value().blocks();
    }
    throw new AssertionError(body);
  }

  private static PromptBlocks chat(String messages, String more) {
    return blocks(Operation.CHAT, "{\"model\":\"m\",\"messages\":[" + messages + "]" + more + "}");
  }

  private static String message(String role, String text) {
    return "{\"role\":\"" + role + "\",\"content\":\"" + text + "\"}";
  }

  private static int common(PromptBlocks a, PromptBlocks b) {
    int same = 0;
    while (same < Math.min(a.size(), b.size()) && a.hash(same) == b.hash(same)) {
      same++;
    }
    return same;
  }

  @Test
  void promptsShareTheBlocksOfTheirCommonBeginning() {
    PromptBlocks a = chat(message("system", SYSTEM) + "," + message("user", "x".repeat(600)), "");
    PromptBlocks b = chat(message("system", SYSTEM) + "," + message("user", "y".repeat(600)), "");
    assertThat(a.size()).isEqualTo((SYSTEM.length() + 600) / 256);
    assertThat(a.blockTokens()).isEqualTo(64);
    assertThat(common(a, b)).isEqualTo(SYSTEM.length() / 256);
  }

  @Test
  void whatDiffersAtTheBeginningSharesNothing() {
    PromptBlocks a = chat(message("system", "A" + SYSTEM), "");
    PromptBlocks b = chat(message("system", "B" + SYSTEM), "");
    assertThat(common(a, b)).isZero();
    assertThat(a.hash(a.size() - 1)).isNotEqualTo(b.hash(b.size() - 1));
  }

  @Test
  void rolesCount() {
    assertThat(common(chat(message("user", SYSTEM), ""), chat(message("system", SYSTEM), "")))
        .isZero();
  }

  @Test
  void aConversationThatGoesOnBeginsWithWhatItWas() {
    String first = message("user", SYSTEM);
    PromptBlocks before = chat(first, "");
    PromptBlocks after =
        chat(first + "," + message("assistant", SYSTEM) + "," + message("user", "go on"), "");
    assertThat(common(before, after)).isEqualTo(before.size());
    assertThat(after.size()).isGreaterThan(before.size());
  }

  @Test
  void escapesAndWhiteSpaceBetweenTokensMakeNoDifference() {
    String plain = message("user", (SYSTEM + "é/\uD83D\uDE00").repeat(3));
    String escaped =
        "{ \"role\" : \"\\u0075ser\" ,\n\"content\": \""
            + (SYSTEM.replace("t", "\\u0074") + "\\u00e9\\/\\ud83d\\ude00").repeat(3)
            + "\" }";
    assertThat(chat(escaped, "")).isEqualTo(chat(plain, ""));
    assertThat(chat(plain, "").size()).isGreaterThan(10);
  }

  @Test
  void oneTextPartIsWhatAStringIs() {
    String parts =
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"" + SYSTEM + "\"}]}";
    assertThat(chat(parts, "")).isEqualTo(chat(message("user", SYSTEM), ""));
  }

  @Test
  void imagesCountByTheirAddressAndTakeTheRoomOfTheirTokens() {
    String form =
        "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"%s\"}},"
            + "{\"type\":\"text\",\"text\":\""
            + SYSTEM
            + "\"}]}";
    PromptBlocks a = chat(form.formatted("https://a/1.png"), "");
    PromptBlocks b = chat(form.formatted("https://a/2.png"), "");
    assertThat(common(a, b)).isZero();
    assertThat(a).isEqualTo(chat(form.formatted("https://a/1.png"), ""));
    assertThat(a.size()).isEqualTo((576 * 4 + SYSTEM.length()) / 256);
  }

  @Test
  void toolsStandBeforeTheMessagesWhereverTheyAreInTheBody() {
    String tools = "\"tools\":[{\"type\":\"function\",\"d\":\"" + SYSTEM + "\"}]";
    String messages = "\"messages\":[" + message("user", SYSTEM) + "]";
    PromptBlocks after = blocks(Operation.CHAT, "{\"model\":\"m\"," + messages + "," + tools + "}");
    PromptBlocks before =
        blocks(Operation.CHAT, "{\"model\":\"m\"," + tools + "," + messages + "}");
    PromptBlocks other = chat(message("user", "Q" + SYSTEM), "," + tools);
    assertThat(after).isEqualTo(before);
    assertThat(common(after, other)).isEqualTo(SYSTEM.length() / 256);
    assertThat(common(after, chat(message("user", SYSTEM), ""))).isZero();
  }

  @Test
  void anotherCacheSaltIsAnotherPrompt() {
    String prompt = message("user", SYSTEM);
    PromptBlocks salted = chat(prompt, ",\"cache_salt\":\"a\"");
    assertThat(salted).isEqualTo(chat(prompt, ",\"cache_salt\":\"a\""));
    assertThat(common(salted, chat(prompt, ",\"cache_salt\":\"b\""))).isZero();
    assertThat(common(salted, chat(prompt, ""))).isZero();
  }

  @Test
  void completionsAreHashedAsTextOrAsTokens() {
    PromptBlocks text =
        blocks(Operation.COMPLETION, "{\"model\":\"m\",\"prompt\":\"" + SYSTEM + "\"}");
    assertThat(text.size()).isEqualTo(SYSTEM.length() / 256);
    PromptBlocks tokens =
        blocks(Operation.COMPLETION, "{\"model\":\"m\",\"prompt\":[" + "7,".repeat(640) + "7]}");
    assertThat(tokens.size()).isEqualTo(10);
  }

  @Test
  void textsToEmbedAreNot() {
    assertThat(blocks(Operation.EMBEDDINGS, "{\"model\":\"m\",\"input\":\"" + SYSTEM + "\"}"))
        .isEqualTo(PromptBlocks.NONE);
  }

  @Test
  void theLastOfDoubledKeysCounts() {
    String once = message("user", SYSTEM);
    assertThat(chat(message("user", "no " + SYSTEM), ",\"messages\":[" + once + "]"))
        .isEqualTo(chat(once, ""));
  }
}
