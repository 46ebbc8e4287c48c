package io.penstock.openai;

/**
 * Divides a count among several by their weights, so that the parts add up to it: each gets what is
 * due to it rounded down, and what is left goes, one each, to the largest remainders (Hamilton's
 * method of apportionment).
 */
final class Shares {
  private Shares() {}

  /**
   * The parts.
   *
   * @param weights each at least 1
   */
  static long[] of(long total, long[] weights) {
    long sum = 0;
    for (long weight : weights) {
      sum += weight;
    }
    long[] parts = new long[weights.length];
    long[] remainders = new long[weights.length];
    long left = total;
    for (int i = 0; i < weights.length; i++) {
      parts[i] = total * weights[i] / sum;
      remainders[i] = total * weights[i] % sum;
      left -= parts[i];
    }
    for (; left > 0; left--) {
      int largest = 0;
      for (int i = 1; i < remainders.length; i++) {
        if (remainders[i] > remainders[largest]) {
          largest = i;
        }
      }
      parts[largest]++;
      remainders[largest] = -1;
    }
    return parts;
  }
}
