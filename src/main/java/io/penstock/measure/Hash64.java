package io.penstock.measure;

/**
 * A 64-bit hash of text, equal on every node and every JVM: FNV-1a over the UTF-16 units, finished
 * with the mixer of SplitMix64 so that all bits are usable. Not for secrets.
 */
public final class Hash64 {
  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;

  private Hash64() {}

  /** The hash of a text. */
  public static long of(CharSequence text) {
    long h = FNV_OFFSET;
    for (int i = 0; i < text.length(); i++) {
      h = (h ^ text.charAt(i)) * FNV_PRIME;
    }
    return mix(h);
  }

  /** Combines two hashes; order matters. */
  public static long combine(long a, long b) {
    return mix(a * 31 + b);
  }

  /**
   * SplitMix64's finisher (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
   * 2014).
   */
  public static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
