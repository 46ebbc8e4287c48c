package io.penstock.replay;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.penstock.inference.BatchPolicy;
import io.penstock.inference.BreakerPolicy;
import io.penstock.inference.EngineKind;
import io.penstock.inference.FailoverPolicy;
import io.penstock.inference.HealthPolicy;
import io.penstock.inference.ModelName;
import io.penstock.inference.Pool;
import io.penstock.inference.PoolName;
import io.penstock.inference.QueueLimits;
import io.penstock.inference.ReplicaId;
import io.penstock.inference.ReplicaSource;
import io.penstock.inference.ReplicaSpec;
import io.penstock.inference.ResumeMode;
import io.penstock.inference.RoutingStrategy;
import io.penstock.load.Durations;
import io.penstock.sim.SimProfile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Reads a fleet file. All mistakes are told at once, each with the place, what was found and what
 * was expected; unknown keys are mistakes.
 */
final class FleetFile {
  /** Tokens of a block as GPU memory is counted in, by {@code kv_blocks}. */
  private static final int BLOCK_TOKENS = 16;

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final Path file;
  private final List<String> mistakes = new ArrayList<>();
  private final Map<String, SimProfile> profiles = new LinkedHashMap<>();
  private final Map<String, Integer> replicas = new LinkedHashMap<>();

  private FleetFile(Path file) {
    this.file = file;
  }

  /**
   * Reads a fleet.
   *
   * @throws IllegalArgumentException with all mistakes, one a line
   */
  static SimFleet read(Path file) {
    return new FleetFile(file).read();
  }

  private SimFleet read() {
    Keys root = new Keys(json(), "", mistakes);
    root.allow("$schema", "name", "comment", "profiles", "pools", "events");
    root.comment();
    SimProfile.names().forEach(name -> profiles.put(name, SimProfile.of(name)));
    root.members("profiles", this::profile);
    List<SimFleet.OfPool> pools = new ArrayList<>();
    root.elements("pools", 1, 64, keys -> pools.add(pool(keys)));
    Troubles troubles = new Troubles();
    root.elements("events", 0, 10_000, keys -> event(keys, troubles));
    String name = root.text("name", String.valueOf(file.getFileName()));
    if (!mistakes.isEmpty()) {
      String head = mistakes.size() == 1 ? "" : mistakes.size() + " mistakes\n  ";
      throw new IllegalArgumentException(
          "fleet " + file + ": " + head + String.join("\n  ", mistakes));
    }
    return new SimFleet(name, pools, troubles.events());
  }

  private JsonNode json() {
    try {
      return JSON.readTree(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException("fleet: " + file + " (expected: a file that exists)", e);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "fleet "
              + file
              + ", line "
              + e.getLocation().getLineNr()
              + ": "
              + e.getOriginalMessage()
              + " (expected: JSON)",
          e);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "fleet " + file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private void profile(String name, Keys keys) {
    keys.allow(
        "comment",
        "based_on",
        "prefill_tokens_per_second",
        "step_base_ms",
        "step_per_sequence_us",
        "step_per_context_token_ns",
        "kv_blocks",
        "max_num_seqs",
        "max_batched_tokens",
        "max_model_length");
    keys.comment();
    Optional<SimProfile> base = keys.optionalText("based_on").flatMap(at -> known(keys, at));
    double prefill =
        keys.number(
            "prefill_tokens_per_second",
            base.map(SimProfile::prefillTokensPerSecond),
            1,
            1_000_000_000);
    double step = keys.number("step_base_ms", base.map(b -> b.stepBaseMicros() / 1e3), 0, 1e6);
    double sequence =
        keys.number("step_per_sequence_us", base.map(SimProfile::stepPerSequenceMicros), 0, 1e6);
    double context =
        keys.number(
            "step_per_context_token_ns",
            base.map(b -> b.stepPerContextTokenMicros() * 1e3),
            0,
            1e6);
    int blocks = keys.whole("kv_blocks", base.map(b -> b.kvTokens() / BLOCK_TOKENS), 1, 10_000_000);
    int sequences = keys.whole("max_num_seqs", base.map(SimProfile::maxNumSeqs), 1, 65_536);
    int batched =
        keys.whole("max_batched_tokens", base.map(SimProfile::maxBatchedTokens), 1, 1 << 24);
    int room = blocks * BLOCK_TOKENS;
    int atMost = base.map(b -> Math.min(b.maxModelLength(), room)).orElse(room);
    int longest = keys.whole("max_model_length", Optional.of(atMost), 2, room);
    if (keys.isSound()) {
      String model = base.map(SimProfile::model).orElse("sim");
      profiles.put(
          name,
          new SimProfile(
              name,
              model,
              1e6 / prefill,
              step * 1e3,
              sequence,
              context / 1e3,
              blocks * BLOCK_TOKENS,
              sequences,
              batched,
              longest));
    }
  }

  private Optional<SimProfile> known(Keys keys, String name) {
    SimProfile found = profiles.get(name);
    if (found == null) {
      keys.wrong("based_on", "'" + name + "'", "one of " + String.join(", ", profiles.keySet()));
    }
    return Optional.ofNullable(found);
  }

  private SimFleet.OfPool pool(Keys keys) {
    keys.allow("name", "comment", "share", "max_waiting", "queue_seconds", "replicas");
    keys.comment();
    String name = keys.text("name", "pool");
    double share = keys.number("share", Optional.of(1.0), 1e-6, 1e6);
    int waiting =
        keys.whole("max_waiting", Optional.of(QueueLimits.DEFAULT.maxRequests()), 1, 1_000_000);
    double seconds = keys.number("queue_seconds", Optional.of(60.0), 0, 86_400);
    List<SimFleet.OfReplica> members = new ArrayList<>();
    keys.elements("replicas", 1, Pool.REPLICAS_MAX, group -> group(group, members));
    if (members.size() > Pool.REPLICAS_MAX) {
      keys.wrong("replicas", members.size() + " in all", "at most " + Pool.REPLICAS_MAX);
    }
    Duration patience = Duration.ofMillis((long) (seconds * 1000));
    Pool pool =
        new Pool(
            new PoolName(name),
            new ModelName(name),
            List.of(),
            EngineKind.VLLM,
            Optional.empty(),
            Optional.empty(),
            RoutingStrategy.LEAST_LOADED,
            new ReplicaSource.Listed(members.stream().map(SimFleet.OfReplica::spec).toList()),
            1,
            Set.of(),
            0,
            new QueueLimits(waiting, 1L << 40, patience, patience, patience),
            HealthPolicy.DEFAULT,
            FailoverPolicy.DEFAULT,
            BreakerPolicy.DEFAULT,
            ResumeMode.AUTO,
            BatchPolicy.DEFAULT,
            Pool.PREFIX_INDEX_BYTES,
            Optional.empty());
    return new SimFleet.OfPool(pool, share, members);
  }

  private void group(Keys keys, List<SimFleet.OfReplica> members) {
    keys.allow(
        "name", "comment", "count", "profile", "max_concurrent", "weight", "zone", "usd_per_hour");
    keys.comment();
    String name = keys.text("name", "");
    if (name.isBlank()) {
      keys.wrong("name", name.isEmpty() ? "missing" : "blank", "what its replicas are called");
    }
    int count = keys.whole("count", Optional.of(1), 1, Pool.REPLICAS_MAX);
    String called = keys.text("profile", "");
    SimProfile profile = profiles.get(called);
    if (profile == null) {
      keys.wrong(
          "profile",
          called.isEmpty() ? "missing" : "'" + called + "'",
          "one of " + String.join(", ", profiles.keySet()));
    }
    int most =
        keys.whole(
            "max_concurrent",
            Optional.of(profile == null ? 1 : profile.maxNumSeqs()),
            1,
            1_000_000);
    double weight = keys.number("weight", Optional.of(1.0), 1e-6, 1e6);
    String zone = keys.text("zone", "");
    double usd = keys.number("usd_per_hour", Optional.of(0.0), 0, 1e6);
    for (int i = 0; i < count && profile != null && !name.isBlank(); i++) {
      String id = count == 1 ? name : name + "-" + i;
      if (replicas.putIfAbsent(id, replicas.size()) != null) {
        keys.wrong("name", "'" + id + "' a second time", "a name that no other replica has");
        continue;
      }
      ReplicaSpec spec =
          new ReplicaSpec(new ReplicaId(id), "sim://" + id, weight, most, Set.of(), zone);
      members.add(new SimFleet.OfReplica(spec, profile, usd));
    }
  }

  private void event(Keys keys, Troubles troubles) {
    keys.allow("comment", "replica", "at", "what", "factor", "for");
    keys.comment();
    String name = keys.text("replica", "");
    Integer replica = replicas.get(name);
    if (replica == null) {
      keys.wrong(
          "replica",
          name.isEmpty() ? "missing" : "'" + name + "'",
          "one of " + abbreviated(List.copyOf(replicas.keySet())));
    }
    long at = duration(keys, "at").orElse(0L);
    Optional<Long> lasts = keys.has("for") ? duration(keys, "for") : Optional.empty();
    String what = keys.text("what", "");
    double factor = keys.number("factor", Optional.of(1.0), 1, 1000);
    if (!what.equals("down") && !what.equals("slow")) {
      keys.wrong("what", what.isEmpty() ? "missing" : "'" + what + "'", "down or slow");
    } else if (what.equals("slow") != keys.has("factor")) {
      keys.wrong(
          "factor",
          what.equals("slow") ? "missing" : "given",
          what.equals("slow") ? "how many times as slow, from 1 to 1000" : "only where it is slow");
    }
    if (keys.isSound() && replica != null) {
      long until = lasts.map(time -> at + time).orElse(Long.MAX_VALUE);
      if (what.equals("slow")) {
        troubles.slow(replica, at, until, factor);
      } else {
        troubles.down(replica, at, until);
      }
    }
  }

  private static Optional<Long> duration(Keys keys, String key) {
    Optional<String> text = keys.optionalText(key);
    if (text.isEmpty()) {
      keys.wrong(key, "missing", "a duration such as 250ms, 1.5s, 2m or 1h");
      return Optional.empty();
    }
    try {
      return Optional.of(Durations.parse(key, text.get()).toNanos());
    } catch (IllegalArgumentException e) {
      keys.wrong(key, "'" + text.get() + "'", "a duration such as 250ms, 1.5s, 2m or 1h");
      return Optional.empty();
    }
  }

  private static String abbreviated(List<String> names) {
    int shown = Math.min(names.size(), 12);
    return String.join(", ", names.subList(0, shown)) + (shown < names.size() ? ", …" : "");
  }
}
