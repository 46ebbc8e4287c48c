package io.penstock.architecture;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The map: every room and the rooms whose types it may use. A room is one flat package below {@code
 * io.penstock}. What is not here is not allowed; changing the map is a decision, made in the same
 * commit as the code that needs it.
 *
 * <p>Rooms stand in the order in which they build on each other, and a room may use only rooms that
 * stand above it, so there are no cycles.
 */
final class RoomMap {
  static final String ROOT = "io.penstock";

  // spotless:off
  private static final String TABLE =
      """
      room              | may use

      # Leaves: nouns and instruments. They use one another only.
      time              |
      fault             |
      inference         | fault
      measure           | inference

      # What rooms say, how it travels, what is counted.
      message           | leaves
      telemetry         | leaves
      bus               | leaves message telemetry

      # Organs of the ingress.
      openai            | leaves
      stream            | leaves message openai

      # What engines' events say of their prefix caches.
      kvevents          | leaves message

      tenancy           | leaves message telemetry bus
      prefix            | leaves message telemetry bus

      # What the ingress and the router know of tiers of models.
      tiers             | leaves

      # Roles. None uses another.
      ingress           | leaves message telemetry bus openai stream tenancy prefix tiers
      router            | leaves message telemetry bus tiers
      batcher           | leaves message telemetry bus
      prober            | leaves message telemetry bus

      # What operators ask and order.
      admin             | leaves message telemetry bus openai tenancy prefix

      # Foreign systems, one room each, behind the ports of a role. None uses another, but all may
      # use the guard around calls.
      adapter.guard     | leaves telemetry
      adapter.engine    | leaves message prober
      adapter.kvevents  | leaves message kvevents prober
      adapter.discovery | leaves telemetry prober adapter.guard
      adapter.jwks      | tenancy adapter.guard
      adapter.judge     | leaves tiers adapter.guard
      adapter.redis     | leaves message bus tenancy adapter.guard

      # On their own: the simulated engine and the load driver.
      sim               | leaves openai
      load              | leaves openai

      # Both, and the pool's owner, in virtual time.
      replay            | leaves message batcher sim load

      # Training of what chooses tiers.
      calibrate         | leaves tiers

      # The file, the composition root, and the commands, which alone may use the root.
      config            | leaves bus tenancy prefix tiers ingress admin
      app               | leaves message telemetry bus tenancy prefix ingress router batcher prober admin adapter.engine adapter.guard adapter.kvevents adapter.discovery adapter.jwks adapter.judge adapter.redis sim config
      cli               | leaves telemetry bus tenancy ingress admin sim load replay calibrate config app
      """;
  // spotless:on

  private static final String LEAVES = "time fault inference measure";

  private RoomMap() {}

  /** Each room with those it may use, in the order of the table. */
  static Map<String, Set<String>> rooms() {
    Map<String, Set<String>> rooms = new LinkedHashMap<>();
    TABLE
        .lines()
        .skip(1)
        .filter(line -> !line.isBlank() && !line.startsWith("#"))
        .map(line -> line.split("\\|", -1))
        .forEach(row -> rooms.put(row[0].strip(), words(row[1].replace("leaves", LEAVES))));
    return rooms;
  }

  private static Set<String> words(String text) {
    Set<String> words = new LinkedHashSet<>(Arrays.asList(text.strip().split("\\s+")));
    words.remove("");
    return words;
  }

  /** The room of a package of ours; empty for foreign packages. */
  static Optional<String> roomOf(String packageName) {
    return packageName.startsWith(ROOT + ".")
        ? Optional.of(packageName.substring(ROOT.length() + 1))
        : Optional.empty();
  }
}
