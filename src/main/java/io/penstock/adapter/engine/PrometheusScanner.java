package io.penstock.adapter.engine;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds the samples of a few metrics in a page of Prometheus' text format (0.0.4, or OpenMetrics).
 *
 * <p>An engine's page has a thousand lines of histogram buckets and five lines that matter. The
 * scanner goes over the bytes once, compares each line's name with the wanted ones, and makes an
 * object only of the numbers that it wants. Lines that it does not understand are skipped: half a
 * page is better than none.
 */
final class PrometheusScanner {
  private final List<String> wanted;
  private final byte[][] names;

  PrometheusScanner(List<String> wanted) {
    this.wanted = List.copyOf(wanted);
    this.names = wanted.stream().map(name -> name.getBytes(ISO_8859_1)).toArray(byte[][]::new);
  }

  /** The wanted samples of {@code page}. */
  Samples scan(byte[] page) {
    Map<String, Samples.Fold> found = new HashMap<>();
    int start = 0;
    while (start < page.length) {
      int end = endOfLine(page, start);
      scanLine(page, start, end, found);
      start = end + 1;
    }
    return new Samples(found);
  }

  private void scanLine(byte[] page, int from, int end, Map<String, Samples.Fold> found) {
    int start = skipBlanks(page, from, end);
    if (start == end || page[start] == '#') {
      return;
    }
    int nameEnd = start;
    while (nameEnd < end && page[nameEnd] != '{' && !isBlank(page[nameEnd])) {
      nameEnd++;
    }
    int which = indexOf(page, start, nameEnd);
    if (which < 0) {
      return;
    }
    int valueStart = skipBlanks(page, nameEnd, end);
    if (valueStart < end && page[valueStart] == '{') {
      valueStart = skipBlanks(page, endOfLabels(page, valueStart, end), end);
    }
    int valueEnd = valueStart;
    while (valueEnd < end && !isBlank(page[valueEnd])) {
      valueEnd++;
    }
    if (valueEnd > valueStart) {
      double value = number(new String(page, valueStart, valueEnd - valueStart, ISO_8859_1));
      found.computeIfAbsent(wanted.get(which), name -> new Samples.Fold()).add(value);
    }
  }

  private int indexOf(byte[] page, int start, int end) {
    for (int i = 0; i < names.length; i++) {
      byte[] name = names[i];
      if (name.length == end - start && isAt(page, start, name)) {
        return i;
      }
    }
    return -1;
  }

  /** Compared from the end: an engine's names share their beginning. */
  private static boolean isAt(byte[] page, int start, byte[] name) {
    for (int i = name.length - 1; i >= 0; i--) {
      if (page[start + i] != name[i]) {
        return false;
      }
    }
    return true;
  }

  /** The index behind the closing brace, which may stand inside a label's quotes before. */
  private static int endOfLabels(byte[] page, int start, int end) {
    boolean isQuoted = false;
    for (int i = start + 1; i < end; i++) {
      if (isQuoted && page[i] == '\\') {
        i++;
      } else if (page[i] == '"') {
        isQuoted = !isQuoted;
      } else if (page[i] == '}' && !isQuoted) {
        return i + 1;
      }
    }
    return end;
  }

  private static double number(String text) {
    if (text.endsWith("Inf")) {
      return text.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException notANumber) {
      return Double.NaN;
    }
  }

  private static int endOfLine(byte[] page, int start) {
    int end = start;
    while (end < page.length && page[end] != '\n') {
      end++;
    }
    return end;
  }

  private static int skipBlanks(byte[] page, int start, int end) {
    int at = start;
    while (at < end && isBlank(page[at])) {
      at++;
    }
    return at;
  }

  private static boolean isBlank(byte b) {
    return b == ' ' || b == '\t' || b == '\r';
  }
}
