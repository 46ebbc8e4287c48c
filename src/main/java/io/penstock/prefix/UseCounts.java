package io.penstock.prefix;

import io.penstock.inference.PromptPrefix;
import io.penstock.message.PrefixUse;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How the prefixes of now were used. Pure; bounded by them: of one that is taken away nothing is
 * kept.
 */
final class UseCounts {
  private final Map<String, PrefixUse> byId = new HashMap<>();

  /** What one request makes of a prefix. */
  static PrefixUse of(PromptPrefix prefix, int cachedTokens) {
    return new PrefixUse(
        prefix.id(), 1, cachedTokens > 0 ? 1 : 0, Math.min(cachedTokens, prefix.tokens()));
  }

  void add(PrefixUse use) {
    byId.merge(use.id(), use, PrefixUse::plus);
  }

  /** These are there now. */
  void keep(PrefixRegister register) {
    byId.keySet().removeIf(id -> register.of(id).isEmpty());
  }

  List<PrefixUse> all() {
    return List.copyOf(byId.values());
  }
}
