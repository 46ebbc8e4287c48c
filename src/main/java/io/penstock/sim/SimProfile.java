package io.penstock.sim;

import static io.penstock.inference.Checks.require;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How fast an engine is and how much fits into it: one model on one kind of GPU.
 *
 * <p>A step that prefills <i>p</i> tokens and decodes <i>s</i> sequences whose contexts sum to
 * <i>c</i> tokens takes {@code base + p × prefill + s × perSequence + c × perContextToken}. The
 * shape is that of the simulation in the Kubernetes Gateway API Inference Extension ({@code
 * DECODE_LATENCY_CONST_0, _BATCH, _1}) and, with the context folded into the sequence, of BLIS
 * (github.com/inference-sim/inference-sim), whose coefficients are fitted to vLLM 0.8.4.
 *
 * <p>Where the figures come from:
 *
 * <ul>
 *   <li>{@code h100-llama-3.1-8b}, {@code a100-llama-3.1-8b}: base, prefill, per sequence and KV
 *       blocks (29,205) from BLIS's {@code defaults.yaml} (tensor parallelism 1). Per context
 *       token: the 131,072 bytes of a token's keys and values over the data sheet's memory
 *       bandwidth (3.35 and 2.04 TB/s).
 *   <li>{@code h100x8-llama-3.3-70b}: base, prefill and per sequence from the same file (tensor
 *       parallelism 8). KV tokens by arithmetic, because the file's block count exceeds the memory
 *       of eight cards: 90 % of 640 GB less 141 GB of weights, at 327,680 bytes a token.
 *   <li>{@code a100-40g-llama-2-7b}: all coefficients and the 2,810 blocks from the Gateway API
 *       Inference Extension's {@code constants.py}.
 *   <li>{@code l4-llama-3.1-8b}: a roofline over NVIDIA's L4 data sheet (300 GB/s, 121 TFLOPS dense
 *       BF16, 24 GB): 16.06 GB of weights read per step, prefill at half of peak, KV tokens in what
 *       90 % of the memory leaves beside weights and 1 GB of activations.
 *   <li>{@code l4-bge-m3}: an embedding model of 568 million parameters behind a server without a
 *       scheduler, by the same roofline: 1.136 GB of weights read per call, two operations per
 *       parameter and token at half of peak.
 *   <li>{@code h100-llama-3.1-8b-static}: the first of these behind a server without a scheduler,
 *       with an engine's usual bound of 64 sequences of a call.
 *   <li>{@code instant}: no delay at all, for tests and for finding a gateway's own cost.
 * </ul>
 *
 * @param name the profile's name
 * @param model the model's name unless the configuration gives another
 * @param prefillMicrosPerToken cost of a prompt token that is not cached, in microseconds
 * @param stepBaseMicros cost of any step, in microseconds: the weights are read once
 * @param stepPerSequenceMicros cost of a decoding sequence in a step, in microseconds
 * @param stepPerContextTokenMicros cost of a token of context of a decoding sequence, in
 *     microseconds
 * @param kvTokens tokens whose keys and values fit; a multiple of 16
 * @param maxNumSeqs sequences that may run at once
 * @param maxBatchedTokens tokens that a step may process, prefill in chunks included
 * @param maxModelLength prompt and completion together, in tokens
 * @param callsInTurn whether it does what one call asks for after all of the call before, as
 *     servers around a model without a scheduler do. Embeddings: base cost for each call, and its
 *     tokens. Generation: each step costs as if all prompts of the call were as long as the longest
 *     and went on until the last has ended
 */
public record SimProfile(
    String name,
    String model,
    double prefillMicrosPerToken,
    double stepBaseMicros,
    double stepPerSequenceMicros,
    double stepPerContextTokenMicros,
    int kvTokens,
    int maxNumSeqs,
    int maxBatchedTokens,
    int maxModelLength,
    boolean callsInTurn) {
  private static final String LLAMA_8B = "llama-3.1-8b";

  private static final Map<String, SimProfile> KNOWN = known();

  public SimProfile {
    require(!name.isBlank(), "name", "'" + name + "'", "not blank");
    require(!model.isBlank(), "model", "'" + model + "'", "not blank");
    requireCost(prefillMicrosPerToken, "prefillMicrosPerToken");
    requireCost(stepBaseMicros, "stepBaseMicros");
    requireCost(stepPerSequenceMicros, "stepPerSequenceMicros");
    requireCost(stepPerContextTokenMicros, "stepPerContextTokenMicros");
    require(
        kvTokens >= KvCache.BLOCK_TOKENS && kvTokens % KvCache.BLOCK_TOKENS == 0,
        "kvTokens",
        kvTokens,
        "a positive multiple of " + KvCache.BLOCK_TOKENS);
    require(maxNumSeqs >= 1 && maxNumSeqs <= 65_536, "maxNumSeqs", maxNumSeqs, "1..65536");
    require(maxBatchedTokens >= 1, "maxBatchedTokens", maxBatchedTokens, ">= 1");
    require(
        maxModelLength >= 2 && maxModelLength <= kvTokens,
        "maxModelLength",
        maxModelLength,
        "2.." + kvTokens + " (kvTokens)");
  }

  /** One with a scheduler, which takes the work of all calls in each step. */
  public SimProfile(
      String name,
      String model,
      double prefillMicrosPerToken,
      double stepBaseMicros,
      double stepPerSequenceMicros,
      double stepPerContextTokenMicros,
      int kvTokens,
      int maxNumSeqs,
      int maxBatchedTokens,
      int maxModelLength) {
    this(
        name,
        model,
        prefillMicrosPerToken,
        stepBaseMicros,
        stepPerSequenceMicros,
        stepPerContextTokenMicros,
        kvTokens,
        maxNumSeqs,
        maxBatchedTokens,
        maxModelLength,
        false);
  }

  private static void requireCost(double micros, String name) {
    require(micros >= 0 && micros <= 1e9, name, micros, "0..1e9");
  }

  /** The names that {@link #of} knows, in the order of the table above. */
  public static List<String> names() {
    return List.copyOf(KNOWN.keySet());
  }

  /**
   * The profile of this name.
   *
   * @throws IllegalArgumentException that lists the known names
   */
  public static SimProfile of(String name) {
    SimProfile found = KNOWN.get(name);
    if (found == null) {
      throw new IllegalArgumentException(
          "profile: '" + name + "' (expected: one of " + String.join(", ", KNOWN.keySet()) + ")");
    }
    return found;
  }

  /** Prompt tokens per second in an endless prefill, base cost aside; infinite when free. */
  public double prefillTokensPerSecond() {
    return 1e6 / prefillMicrosPerToken;
  }

  /** The duration of a step, in microseconds. */
  public double stepMicros(long prefillTokens, int decodingSequences, long contextTokens) {
    return stepBaseMicros
        + prefillTokens * prefillMicrosPerToken
        + decodingSequences * stepPerSequenceMicros
        + contextTokens * stepPerContextTokenMicros;
  }

  /** The same engine under another limit of running sequences. */
  public SimProfile withMaxNumSeqs(int sequences) {
    return new SimProfile(
        name,
        model,
        prefillMicrosPerToken,
        stepBaseMicros,
        stepPerSequenceMicros,
        stepPerContextTokenMicros,
        kvTokens,
        sequences,
        maxBatchedTokens,
        maxModelLength,
        callsInTurn);
  }

  /** The same engine with another memory; the context length shrinks with it where it must. */
  public SimProfile withKvTokens(int tokens) {
    return new SimProfile(
        name,
        model,
        prefillMicrosPerToken,
        stepBaseMicros,
        stepPerSequenceMicros,
        stepPerContextTokenMicros,
        tokens,
        maxNumSeqs,
        maxBatchedTokens,
        Math.min(maxModelLength, tokens),
        callsInTurn);
  }

  /** The same engine with another context length. */
  public SimProfile withMaxModelLength(int tokens) {
    return new SimProfile(
        name,
        model,
        prefillMicrosPerToken,
        stepBaseMicros,
        stepPerSequenceMicros,
        stepPerContextTokenMicros,
        kvTokens,
        maxNumSeqs,
        maxBatchedTokens,
        tokens,
        callsInTurn);
  }

  /** The same engine with every step costing exactly this, for tests that count steps. */
  public SimProfile withFixedStep(double micros) {
    return new SimProfile(
        name,
        model,
        0,
        micros,
        0,
        0,
        kvTokens,
        maxNumSeqs,
        maxBatchedTokens,
        maxModelLength,
        callsInTurn);
  }

  private static Map<String, SimProfile> known() {
    Map<String, SimProfile> all = new LinkedHashMap<>();
    add(
        all,
        new SimProfile(
            "h100-llama-3.1-8b",
            LLAMA_8B,
            17.2509,
            5752.705,
            5.9991,
            131_072 / 3.35e6,
            29_205 * 16,
            256,
            8192,
            131_072));
    add(
        all,
        new SimProfile(
            "h100x8-llama-3.3-70b",
            "llama-3.3-70b",
            10.0256,
            14_140.825,
            19.4016,
            327_680 / (8 * 3.35e6),
            1_327_488,
            256,
            8192,
            131_072));
    add(
        all,
        new SimProfile(
            "a100-llama-3.1-8b",
            LLAMA_8B,
            47.8374,
            16_441.532,
            18.2056,
            131_072 / 2.04e6,
            29_205 * 16,
            256,
            8192,
            131_072));
    add(
        all,
        new SimProfile(
            "a100-40g-llama-2-7b",
            "llama-2-7b",
            67.6938,
            14_000,
            102.6494,
            0.53535,
            2_810 * 16,
            256,
            512,
            4096));
    add(
        all,
        new SimProfile(
            "l4-llama-3.1-8b",
            LLAMA_8B,
            16.06e9 / (0.5 * 121e12) * 1e6,
            16.06e9 / 300e9 * 1e6,
            25,
            131_072 / 0.3e6,
            34_640,
            256,
            2048,
            32_768));
    add(
        all,
        new SimProfile(
            "l4-bge-m3",
            "bge-m3",
            2 * 568e6 / (0.5 * 121e12) * 1e6,
            1.136e9 / 300e9 * 1e6,
            0,
            0,
            8192 * 64,
            256,
            8192 * 64,
            8192,
            true));
    add(
        all,
        new SimProfile(
            "h100-llama-3.1-8b-static",
            LLAMA_8B,
            17.2509,
            5752.705,
            5.9991,
            131_072 / 3.35e6,
            29_205 * 16,
            64,
            29_205 * 16,
            131_072,
            true));
    add(all, new SimProfile("instant", "sim", 0, 0, 0, 0, 65_536 * 16, 4096, 1 << 20, 262_144));
    return all;
  }

  private static void add(Map<String, SimProfile> all, SimProfile profile) {
    all.put(profile.name, profile);
  }
}
