package io.penstock.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Loads a node's file, and the fleet's and the tenants' where those are files of their own: reads,
 * puts the environment in, checks, fills in defaults, and advises. Every mistake is reported at
 * once; opens no port and asks nobody. Reads files, so not for an event loop. Any thread.
 */
public final class ConfigLoader {
  private final Environment environment;
  private final Mistakes mistakes = new Mistakes();
  private final List<Advice> advice = new ArrayList<>();
  private final LocalFiles files;

  private ConfigLoader(Function<String, Optional<String>> variables, Machine machine) {
    environment = new Environment(variables);
    files = new LocalFiles(machine, advice);
  }

  /**
   * Loads a node's file to run it here.
   *
   * @param variables the environment
   */
  public static Loaded load(Path file, Function<String, Optional<String>> variables) {
    return load(file, variables, Machine.THIS);
  }

  /**
   * Loads a node's file.
   *
   * @param variables the environment
   * @param machine whether the node would run on this machine
   */
  public static Loaded load(
      Path file, Function<String, Optional<String>> variables, Machine machine) {
    return new ConfigLoader(variables, machine).load(file);
  }

  /** The JSON Schema of a node's file, as text. */
  public static String nodeSchema() {
    return SchemaNode.text(SchemaNode.NODE.document());
  }

  /** The JSON Schema of a fleet's file, as text; the node's refers to it by its file name. */
  public static String fleetSchema() {
    return SchemaNode.text(SchemaNode.FLEET.document());
  }

  /** The JSON Schema of a file of tenants, as text; the node's refers to it by its file name. */
  public static String tenantsSchema() {
    return SchemaNode.text(SchemaNode.TENANTS.document());
  }

  /** As {@link #load(Path, Function)}, for a tree made by the program. */
  static Loaded load(JsonNode tree, Path directory, Function<String, Optional<String>> variables) {
    ConfigLoader loader = new ConfigLoader(variables, Machine.THIS);
    return loader.load(loader.section(tree, KeyPath.ROOT, "", directory));
  }

  private Loaded load(Path file) {
    Optional<JsonNode> tree = JsonFile.read(file, "", mistakes);
    return tree.isPresent()
        ? load(section(tree.get(), KeyPath.ROOT, "", directoryOf(file)))
        : new Loaded.Failed(mistakes.list());
  }

  private Loaded load(Section raw) {
    Section root = environment.into(raw);
    Structure.NODE.check(root);
    SchemaNode.NODE.fillDefaults(root.tree());
    Section fleet = ownOrFile(root, "fleet", Structure.FLEET);
    SchemaNode.FLEET.fillDefaults(fleet.tree());
    Section tenants = ownOrFile(root, "tenants", Structure.TENANTS);
    SchemaNode.TENANTS.fillDefaults(tenants.tree());
    new NodeRules(root, files).check();
    new FleetRules(fleet, files, root.tree().path("ingress").path("max_body_bytes").asLong())
        .check();
    new TierRules(fleet, files).check();
    new TenantRules(tenants, fleet.tree()).check();
    if (!mistakes.isEmpty()) {
      return new Loaded.Failed(mistakes.inOrderOf(root, tenants, fleet));
    }
    NodeConfig config =
        Records.node(
            root, Records.fleet(fleet, Fingerprint.of(fleet.tree(), tenants.tree())), tenants);
    advice.addAll(Advisor.advise(config));
    return new Loaded.Ok(config, advice);
  }

  /** A section: inline, or in the file that it names; missing after a mistake. */
  private Section ownOrFile(Section root, String key, Structure structure) {
    Section inline = root.sub(key);
    Section name = inline.sub("file");
    if (name.tree().isMissingNode()) {
      return inline;
    }
    Optional<Path> file = LocalFiles.named(name).filter(f -> isText(name));
    Section read =
        section(
            file.flatMap(f -> JsonFile.read(f, name.tree().asText(), mistakes))
                .orElse(MissingNode.getInstance()),
            KeyPath.ROOT,
            name.tree().asText(),
            file.map(ConfigLoader::directoryOf).orElse(root.directory()));
    if (read.tree().isMissingNode()) {
      return read;
    }
    Section resolved = environment.into(read);
    structure.check(resolved);
    return resolved;
  }

  private static boolean isText(Section value) {
    return value.tree().isTextual() && !value.tree().textValue().isBlank();
  }

  private Section section(JsonNode tree, KeyPath at, String file, Path directory) {
    return new Section(tree, at, file, directory, Map.of(), mistakes);
  }

  private static Path directoryOf(Path file) {
    Path parent = file.toAbsolutePath().normalize().getParent();
    return parent == null ? file.toAbsolutePath() : parent;
  }
}
