package io.penstock.config;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.penstock.inference.EngineKind;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Configurations for those who have no file. */
public final class Defaults {
  /**
   * Slots of an engine whose limit nobody named: more than any engine runs at once, so that its own
   * scheduler decides, and few enough to bound the gateway.
   */
  public static final int BACKEND_MAX_CONCURRENT = 4096;

  /**
   * An engine, and what it was found to serve.
   *
   * @param url scheme, host and port
   * @param models the models that it names, in its order
   */
  public record Backend(String url, EngineKind engine, List<String> models) {
    public Backend {
      models = List.copyOf(models);
    }
  }

  private Defaults() {}

  /** What is wrong with the addresses of engines, before anybody connects to them. */
  public static List<Mistake> checkBackends(List<String> urls) {
    Mistakes mistakes = new Mistakes();
    for (String url : urls) {
      if (Addresses.engineUrl(url).isEmpty()) {
        mistakes.add(Mistake.expected("--backend " + url, "not an engine", Addresses.ENGINE_URL));
      }
    }
    return mistakes.list();
  }

  /**
   * A node that is alone and has all roles, before the given engines: one pool for each model, of
   * the engines that serve it.
   *
   * @param port 0 for any free port
   */
  public static Loaded forBackends(String host, int port, List<Backend> backends) {
    Map<String, List<Backend>> byModel = new LinkedHashMap<>();
    for (Backend backend : backends) {
      for (String model : backend.models()) {
        byModel.computeIfAbsent(model, m -> new ArrayList<>()).add(backend);
      }
    }
    if (byModel.isEmpty()) {
      return new Loaded.Failed(
          List.of(Mistake.expected("--backend", "no model", "an engine that serves at least one")));
    }
    ObjectNode root = JsonFile.MAPPER.createObjectNode();
    ObjectNode node = root.putObject("node").put("host", host);
    node.putObject("ports").put("http", port);
    ArrayNode pools = root.putObject("fleet").putArray("pools");
    Set<String> names = new HashSet<>();
    byModel.forEach((model, engines) -> pool(pools.addObject(), model, engines, names));
    return ConfigLoader.load(root, Path.of("").toAbsolutePath(), name -> Optional.empty());
  }

  private static void pool(
      ObjectNode pool, String model, List<Backend> backends, Set<String> names) {
    EngineKind kind = backends.get(0).engine();
    boolean alike = backends.stream().allMatch(b -> b.engine() == kind);
    pool.put("name", poolName(model, names));
    pool.put("model_id", model);
    pool.put("engine", (alike ? kind : EngineKind.OPENAI).label());
    pool.put("max_concurrent", BACKEND_MAX_CONCURRENT);
    ArrayNode replicas = pool.putArray("replicas");
    backends.forEach(b -> replicas.addObject().put("url", b.url()));
  }

  /** Engines name models more freely than a pool may be named: by path, for one. */
  private static String poolName(String model, Set<String> taken) {
    String plain = model.replaceAll("[^A-Za-z0-9._:/@-]", "_").replaceFirst("^[^A-Za-z0-9]+", "");
    String name = plain.isEmpty() ? "pool" : plain.substring(0, Math.min(plain.length(), 120));
    String unique = name;
    for (int i = 2; !taken.add(unique); i++) {
      unique = name + "-" + i;
    }
    return unique;
  }
}
