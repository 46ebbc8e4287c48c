package io.penstock.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EnvironmentTest {
  private final Mistakes mistakes = new Mistakes();

  private String resolve(String text, Map<String, String> variables) {
    return section(TextNode.valueOf(text), variables).tree().asText();
  }

  private Section section(JsonNode tree, Map<String, String> variables) {
    Section raw = new Section(tree, KeyPath.ROOT, "", Path.of(""), Map.of(), mistakes);
    return new Environment(name -> Optional.ofNullable(variables.get(name))).into(raw);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "${A}                 | a",
        "x${A}y${B}z          | xaybz",
        "${A}${A}             | aa",
        "${NONE:-d}           | d",
        "${NONE:-}            | ``",
        "${EMPTY:-d}          | d",
        "${EMPTY}             | ``",
        "${A:-d}              | a",
        "${NONE:-http://h:1}  | http://h:1",
        "${NONE:-a:-b}        | a:-b",
        "$${A}                | ${A}",
        "$${A}${A}            | ${A}a",
        "$A {A} $             | $A {A} $",
        "}${A}{               | }a{",
      })
  void resolves(String text, String expected) {
    Map<String, String> variables = Map.of("A", "a", "B", "b", "EMPTY", "");

    assertThat(resolve(text, variables)).isEqualTo(expected);
    assertThat(mistakes.list()).isEmpty();
  }

  @Property
  void textWithoutPlaceholdersStays(@ForAll String text) {
    String plain = text.replace("${", "{");

    assertThat(resolve(plain, Map.of())).isEqualTo(plain);
  }

  @Property
  void valuesArePutInAsTheyAre(
      @ForAll @StringLength(max = 20) String before, @ForAll String value) {
    String plain = before.replace("$", "");

    assertThat(resolve(plain + "${A}" + plain, Map.of("A", value)))
        .isEqualTo(plain + value + plain);
    assertThat(mistakes.list()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "${PORT:-8080}   | 8080",
        "${PORT:- 9 }    | 9",
        "${P}            | 7070",
      })
  void becomesANumberWhereOneIsExpected(String text, int port) {
    assertThat(node("'ports': {'http': '" + text + "'}", Map.of("P", "7070")).ingress().port())
        .isEqualTo(port);
  }

  @ParameterizedTest
  @CsvSource({"true,true", "false,false"})
  void becomesABooleanWhereOneIsExpected(String value, boolean expected) {
    Loaded loaded =
        Trees.load(
            "{'fleet': {'enable_fallback': '${F}', 'pools': [{'model_id': 'm', 'replicas':"
                + " [{'url': 'http://h:1', 'weight': '${W:-2.5}'}]}]}}",
            Map.of("F", value));

    assertThat(Trees.ok(loaded).config().fleet().enableFallback()).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"8080", "true"})
  void staysTextWhereTextIsExpected(String value) {
    assertThat(node("'name': '${NAME}'", Map.of("NAME", value)).name()).isEqualTo(value);
  }

  @ParameterizedTest
  @CsvSource({"'8080'", "'true'"})
  void textThatWasWrittenAsTextIsNoNumber(String value) {
    Loaded loaded =
        Trees.load(
            "{'node': {'ports': {'http': '" + value + "'}}, 'fleet': {'pools': [" + POOL + "]}}",
            Map.of());

    assertThat(loaded.<List<Mistake>>fold(ok -> List.of(), Loaded.Failed::mistakes)).hasSize(1);
  }

  private static final String POOL = "{'model_id': 'm', 'replicas': [{'url': 'http://h:1'}]}";

  private static NodeConfig node(String body, Map<String, String> variables) {
    return Trees.ok(
            Trees.load("{'node': {" + body + "}, 'fleet': {'pools': [" + POOL + "]}}", variables))
        .config();
  }
}
