package io.penstock.config;

import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Mistakes in the order found; the first one for each key, because later ones follow from it. */
final class Mistakes {
  private record Place(String file, String path) {}

  private final Map<Place, Mistake> byPlace = new LinkedHashMap<>();

  void add(Mistake mistake) {
    byPlace.putIfAbsent(new Place(mistake.file(), mistake.path()), mistake);
  }

  boolean isEmpty() {
    return byPlace.isEmpty();
  }

  List<Mistake> list() {
    return List.copyOf(byPlace.values());
  }

  /**
   * The mistakes from top to bottom of these sections' files; a missing key where its parent is.
   */
  List<Mistake> inOrderOf(Section... sections) {
    Map<Place, Integer> lines = new HashMap<>();
    for (Section section : sections) {
      number(section, lines);
    }
    return byPlace.entrySet().stream()
        .sorted(Comparator.comparingInt(e -> lineOf(e.getKey(), lines)))
        .map(Map.Entry::getValue)
        .toList();
  }

  private static void number(Section here, Map<Place, Integer> lines) {
    lines.putIfAbsent(new Place(here.file(), here.at().text()), lines.size());
    here.tree().fieldNames().forEachRemaining(key -> number(here.sub(key), lines));
    for (int i = 0; here.tree().isArray() && i < here.tree().size(); i++) {
      number(here.sub(i), lines);
    }
  }

  private static int lineOf(Place place, Map<Place, Integer> lines) {
    String path = place.path();
    Integer line = lines.get(place);
    while (line == null && !path.isEmpty()) {
      int end = Math.max(path.lastIndexOf('.'), path.lastIndexOf('['));
      path = path.substring(0, Math.max(end, 0));
      line = lines.get(new Place(place.file(), path));
    }
    return line == null ? lines.size() : line;
  }
}
