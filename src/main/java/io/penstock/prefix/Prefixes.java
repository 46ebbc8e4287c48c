package io.penstock.prefix;

import io.penstock.inference.PromptPrefix;

/** The registered prefixes as ingress loops use them. May be called from any thread. */
public interface Prefixes {
  /** Those of now. */
  PrefixRegister now();

  /**
   * An engine has answered a request that named this prefix.
   *
   * @param cachedTokens of its prompt, by the engine's word; 0 where it says nothing
   */
  void used(PromptPrefix prefix, int cachedTokens);

  /** Where there are none. */
  static Prefixes none() {
    return new Prefixes() {
      @Override
      public PrefixRegister now() {
        return PrefixRegister.EMPTY;
      }

      @Override
      public void used(PromptPrefix prefix, int cachedTokens) {
        throw new IllegalStateException("there is no prefix '" + prefix.id() + "'");
      }
    };
  }
}
