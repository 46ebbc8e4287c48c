package io.penstock.sim;

import static io.penstock.inference.Checks.require;

/**
 * How simulated engines publish what their prefix caches hold, as vLLM does with {@code
 * --kv-events-config}.
 *
 * @param portOffset from an engine's port to that of its events
 * @param replayPortOffset from an engine's port to that of the replays
 * @param topic of the events
 * @param encoding how batches and events are written
 * @param byteHashes whether hashes are 32 bytes; else integers
 * @param batchesKept for replays
 */
public record KvPublishing(
    int portOffset,
    int replayPortOffset,
    String topic,
    Encoding encoding,
    boolean byteHashes,
    int batchesKept) {
  /** Offsets of 1000 and 2000, maps, hashes of bytes, vLLM's 10,000 batches. */
  public static final KvPublishing DEFAULT =
      new KvPublishing(1_000, 2_000, "kv-events", Encoding.MAPS, true, 10_000);

  /** The two ways in which vLLM's releases write batches and events. */
  public enum Encoding {
    /** Fields by their places, the kind first. */
    ARRAYS("arrays"),
    /** Fields by their names, the kind under {@code type}. */
    MAPS("maps");

    private final String label;

    Encoding(String label) {
      this.label = label;
    }

    /** The name on the command line. */
    public String label() {
      return label;
    }

    /**
     * The constant with this {@link #label()}.
     *
     * @throws IllegalArgumentException that lists the labels
     */
    public static Encoding of(String label) {
      for (Encoding each : values()) {
        if (each.label.equals(label)) {
          return each;
        }
      }
      throw new IllegalArgumentException(
          "encoding: '" + label + "' (expected: one of arrays, maps)");
    }
  }

  public KvPublishing {
    require(portOffset != 0, "portOffset", portOffset, "not 0, the engine's own port");
    require(
        replayPortOffset != 0 && replayPortOffset != portOffset,
        "replayPortOffset",
        replayPortOffset,
        "neither 0 nor portOffset");
    require(batchesKept >= 0 && batchesKept <= 1_000_000, "batchesKept", batchesKept, "0..1000000");
  }

  /** The same in another encoding; integers for hashes go with arrays, as they did in vLLM. */
  public KvPublishing withEncoding(Encoding value) {
    return new KvPublishing(
        portOffset, replayPortOffset, topic, value, value == Encoding.MAPS, batchesKept);
  }

  /** The same with other ports. */
  public KvPublishing withOffsets(int events, int replays) {
    return new KvPublishing(events, replays, topic, encoding, byteHashes, batchesKept);
  }

  /** The same with so many batches for replays. */
  public KvPublishing withBatchesKept(int value) {
    return new KvPublishing(portOffset, replayPortOffset, topic, encoding, byteHashes, value);
  }
}
