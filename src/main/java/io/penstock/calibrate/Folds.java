package io.penstock.calibrate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;

/** Which fold each sample belongs to: it is scored by the model that was trained on the others. */
final class Folds {
  private Folds() {}

  /** Every sample by itself. */
  static int[] random(int samples, int folds, Random random) {
    List<Integer> order = new ArrayList<>(samples);
    for (int i = 0; i < samples; i++) {
      order.add(i);
    }
    Collections.shuffle(order, random);
    int[] of = new int[samples];
    for (int i = 0; i < samples; i++) {
      of[order.get(i)] = i % folds;
    }
    return of;
  }

  /**
   * Whole subsets.
   *
   * @return one fold fewer or more may be empty where there are few subsets
   */
  static int[] bySubset(List<Sample> samples, int folds, Random random) {
    TreeSet<String> names = new TreeSet<>();
    samples.forEach(each -> names.add(each.subset()));
    List<String> order = new ArrayList<>(names);
    Collections.shuffle(order, random);
    int[] of = new int[samples.size()];
    for (int i = 0; i < of.length; i++) {
      of[i] = order.indexOf(samples.get(i).subset()) % folds;
    }
    return of;
  }
}
