package io.penstock.sim;

import static io.penstock.inference.Checks.require;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.penstock.measure.Hash64;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The faults armed for requests to come, first armed first asked. */
final class FaultBook {
  private static final int ARMED_MAX = 64;

  /** A fault, the share of requests that it strikes, and how often it still may. */
  static final class Armed {
    private final SimFault fault;
    private final double rate;
    private long left;

    /**
     * A fault to come.
     *
     * @param rate share of requests, 0..1
     * @param count how often; 0 is without end
     */
    Armed(SimFault fault, double rate, long count) {
      require(rate > 0 && rate <= 1, "rate", rate, "0 < rate <= 1");
      require(count >= 0, "count", count, ">= 0 (0: without end)");
      this.fault = fault;
      this.rate = rate;
      this.left = count == 0 ? Long.MAX_VALUE : count;
    }

    SimFault fault() {
      return fault;
    }

    static Armed of(JsonNode node) {
      Map<String, String> options = new LinkedHashMap<>();
      node.properties().forEach(each -> options.put(each.getKey(), each.getValue().asText()));
      String kind = options.remove("kind");
      require(kind != null, "kind", "nothing", "a fault's kind");
      options.remove("rate");
      options.remove("count");
      return new Armed(
          SimFault.of(SimFault.Kind.of(String.valueOf(kind)), options),
          node.path("rate").asDouble(1),
          node.path("count").asLong(0));
    }
  }

  private final List<Armed> armed = new ArrayList<>();
  private final long seed;
  private long asked;

  FaultBook(long seed) {
    this.seed = seed;
  }

  void arm(Armed each) {
    require(armed.size() < ARMED_MAX, "armed faults", armed.size() + 1, "<= " + ARMED_MAX);
    armed.add(each);
  }

  void clear() {
    armed.clear();
  }

  /** The fault that strikes the next request. */
  Optional<SimFault> next() {
    for (Iterator<Armed> all = armed.iterator(); all.hasNext(); ) {
      Armed each = all.next();
      double draw = (Hash64.combine(seed, ++asked) >>> 11) * 0x1.0p-53;
      if (draw < each.rate) {
        if (--each.left == 0) {
          all.remove();
        }
        return Optional.of(each.fault);
      }
    }
    return Optional.empty();
  }

  /** What is armed, for {@code GET /sim/faults}. */
  void describe(ObjectNode into) {
    var list = into.putArray("armed");
    for (Armed each : armed) {
      ObjectNode entry = list.addObject().put("kind", each.fault.kind().label());
      entry.put("after", each.fault.after()).put("rate", each.rate);
      if (each.left != Long.MAX_VALUE) {
        entry.put("left", each.left);
      }
    }
  }
}
