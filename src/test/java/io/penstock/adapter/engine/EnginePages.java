package io.penstock.adapter.engine;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** Metrics pages in the engines' own words. */
final class EnginePages {
  private EnginePages() {}

  static byte[] page(String name) {
    try (InputStream in = EnginePages.class.getResourceAsStream("/engines/" + name)) {
      if (in == null) {
        throw new IllegalArgumentException("no resource engines/" + name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
