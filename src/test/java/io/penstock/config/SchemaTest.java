package io.penstock.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaId;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion.VersionFlag;
import io.penstock.inference.CachePolicy;
import io.penstock.inference.Capability;
import io.penstock.inference.EngineKind;
import io.penstock.inference.Priority;
import io.penstock.inference.Role;
import io.penstock.inference.RoutingStrategy;
import io.penstock.tenancy.TenancyConfig;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The schemas are the reference: whole, well formed, and of one mind with the code. */
class SchemaTest {
  @Test
  void followsItsOwnSchema() {
    JsonSchema meta =
        JsonSchemaFactory.getInstance(VersionFlag.V202012)
            .getSchema(SchemaLocation.of(SchemaId.V202012));

    assertThat(meta.validate(SchemaNode.NODE.json())).isEmpty();
    assertThat(meta.validate(SchemaNode.FLEET.json())).isEmpty();
    assertThat(meta.validate(SchemaNode.TENANTS.json())).isEmpty();
  }

  @Test
  void everyKeyHasATitleAndADescription() {
    assertThat(Schemas.properties()).hasSizeGreaterThan(70);
    assertThat(Schemas.properties())
        .allSatisfy(
            (path, schema) -> {
              JsonNode own = schema.json().has("title") ? schema.json() : schema.target().json();
              assertThat(own.path("title").asText()).as("title of " + path).isNotBlank();
              assertThat(own.path("description").asText()).as("text of " + path).isNotBlank();
            });
  }

  @Test
  void everyObjectRefusesUnknownKeys() {
    assertThat(Schemas.properties())
        .allSatisfy(
            (path, schema) -> {
              JsonNode target = schema.target().json();
              if (target.has("properties")) {
                assertThat(target.path("additionalProperties").isBoolean()).as(path).isTrue();
                assertThat(target.path("additionalProperties").asBoolean()).as(path).isFalse();
              }
            });
  }

  @Test
  void namesWhatTheCodeNames() {
    assertThat(values("node.roles")).containsExactly(labels(Role.values()));
    assertThat(values("fleet.pools.engine")).containsExactly(labels(EngineKind.values()));
    assertThat(values("fleet.pools.routing_strategy"))
        .containsExactly(labels(RoutingStrategy.values()));
    assertThat(values("fleet.pools.capabilities")).containsExactly(labels(Capability.values()));
    assertThat(values("fleet.pools.replicas.capabilities"))
        .containsExactly(labels(Capability.values()));
  }

  @Test
  void namesWhatTheCodeNamesOfTenants() {
    assertThat(values("tenants.auth")).containsExactly(labels(TenancyConfig.Auth.values()));
    assertThat(values("tenants.list.max_priority")).containsExactly(labels(Priority.values()));
    assertThat(values("tenants.list.cache_policy")).containsExactly(labels(CachePolicy.values()));
  }

  private static Stream<String> values(String path) {
    SchemaNode schema = Schemas.property(path).target();
    SchemaNode choice = schema.json().has("items") ? schema.items() : schema;
    return Schemas.stream(choice.json().path("enum")).map(JsonNode::asText);
  }

  private static String[] labels(Object[] constants) {
    return Arrays.stream(constants).map(Object::toString).toArray(String[]::new);
  }

  @Test
  void canBeHadAsText() {
    assertThat(ConfigLoader.nodeSchema()).contains("\"$ref\": \"fleet.schema.json\"");
    assertThat(ConfigLoader.tenantsSchema()).contains("\"tokens_per_minute\"");
    assertThat(ConfigLoader.fleetSchema()).contains("\"fallback_model_id\"");
  }
}
